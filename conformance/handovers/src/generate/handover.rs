//! Hands the things of a ring over, and lets outsiders end its waits.

use super::{Builder, HANDLE, MAIL, SPARE, THING, Thing};
use crate::program::{Claim, End, Role, Step};

impl Builder {
    /// A member gives its thing away, or keeps it.
    pub(super) fn hand_over(&mut self, member: usize, thing: Thing, ring: &[Thing]) {
        if thing == Thing::End || self.random.percent(30) {
            return;
        }
        match self.random.below(5) {
            0 => {
                let cell = self.cell();
                self.step(member, Step::Put(cell, THING));
                let keeper = self.actor(40);
                let late = self.late();
                self.step(keeper, late);
                self.step(keeper, Step::Take(THING, cell));
                self.finish(keeper, thing, ring);
            }
            1 | 2 => {
                let mail = self.channel();
                self.end(member, MAIL, End::Sender(mail));
                self.step(member, Step::Send(MAIL, Some(THING)));
                let keeper = self.actor(60);
                self.end(keeper, MAIL, End::Receiver(mail));
                let late = self.late();
                // The thing lies in the channel, or with the keeper.
                let receive = Step::Receive(THING, MAIL);
                let steps = if self.random.one_in(2) { [late, receive] } else { [receive, late] };
                self.program.bodies[keeper].steps.extend(steps);
                self.finish(keeper, thing, ring);
            }
            3 => {
                let keeper = self.body(Role::Part);
                self.step(member, Step::Thread(keeper, vec![THING]));
                let late = self.late();
                self.step(keeper, late);
                self.finish(keeper, thing, ring);
            }
            _ => {
                let keeper = self.body(Role::Part);
                self.step(member, Step::Spawn(SPARE, keeper, vec![THING]));
                self.step(member, Step::Detach(SPARE));
                let late = self.late();
                self.step(keeper, late);
                self.finish(keeper, thing, ring);
            }
        }
    }

    /// The keeper ends the wait for the thing, or never does.
    fn finish(&mut self, keeper: usize, thing: Thing, ring: &[Thing]) {
        if self.random.percent(20) {
            // It forgets the thing, or waits with the ring.
            if self.random.one_in(2) {
                let cell = self.cell();
                self.step(keeper, Step::Put(cell, THING));
            } else if let Some(claim) = ring.iter().find_map(claim) {
                self.step(keeper, Step::Acquire(None, claim));
            }
            return;
        }
        match thing {
            Thing::Sender(_) if self.random.one_in(2) => {
                self.step(keeper, Step::Send(THING, None));
                self.step(keeper, Step::Send(THING, None));
            }
            Thing::Receiver(_) if self.random.one_in(2) => {
                (0..4).for_each(|_| self.step(keeper, Step::Receive(SPARE, THING)));
            }
            // A guard may be in a future, which ends first.
            Thing::Claimed(_) | Thing::Once(_) if self.random.one_in(2) => {
                self.step(keeper, Step::Await(THING));
                self.step(keeper, Step::Drop(THING));
            }
            _ => self.step(keeper, Step::Drop(THING)),
        }
    }

    /// The parent of a member does something with the handle of its task.
    pub(super) fn keep_handle(&mut self, parent: usize) {
        match self.random.below(6) {
            0 => self.step(parent, Step::Detach(HANDLE)),
            1 => self.step(parent, Step::Await(HANDLE)),
            2 => {
                let late = self.late();
                self.step(parent, late);
                self.step(parent, Step::Abort(HANDLE));
            }
            3 => {
                self.step(parent, Step::Aborter(SPARE, HANDLE));
                let keeper = self.body(Role::Part);
                self.step(parent, Step::Thread(keeper, vec![SPARE]));
                let late = self.late();
                self.program.bodies[keeper].steps.extend([late, Step::Abort(SPARE)]);
                self.step(parent, Step::Await(HANDLE));
            }
            4 => {
                let cell = self.cell();
                self.step(parent, Step::Put(cell, HANDLE));
                let keeper = self.actor(40);
                let late = self.late();
                self.program.bodies[keeper].steps.extend([late, Step::Take(HANDLE, cell), Step::Abort(HANDLE)]);
            }
            _ => {
                let keeper = self.body(Role::Part);
                self.step(parent, Step::Thread(keeper, vec![HANDLE]));
                let late = self.late();
                self.program.bodies[keeper].steps.extend([late, Step::Abort(HANDLE)]);
            }
        }
    }

    /// An outsider adds permits, closes a semaphore, or wants a thing, too.
    pub(super) fn bystander(&mut self, ring: &[Thing]) {
        let Some(claim) = ring.iter().find_map(claim) else { return };
        match (claim, self.random.below(4)) {
            (Claim::Permits(at, count), 0 | 1) => {
                let actor = self.actor(30);
                let late = self.late();
                let end = if self.random.one_in(3) { Step::CloseSemaphore(at) } else { Step::Add(at, count) };
                self.program.bodies[actor].steps.extend([late, end]);
            }
            (_, 0) => {
                let actor = self.actor(80);
                let turn = Step::Turn(self.random.pick(&[1, 2, 3]));
                self.program.bodies[actor].steps.extend([
                    turn,
                    Step::Acquire(None, claim),
                    Step::Release(claim.resource()),
                ]);
            }
            _ => {}
        }
    }
}

fn claim(thing: &Thing) -> Option<Claim> {
    match thing {
        Thing::Claimed(claim) => Some(*claim),
        _ => None,
    }
}
