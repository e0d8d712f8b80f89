//! Makes a random program of a seed.
//!
//! Free random steps hardly ever make a hang that is worth a thought. So most programs begin as a ring: each member has a
//! thing and waits for the thing of the next member, which would be a deadlock. Then some things are handed over, and their
//! keepers release them late, or never. In the end a few steps change at random.

mod free;
mod handover;

use crate::program::{Body, Claim, End, Home, Place, Program, Role, Step, TURNS};
use crate::random::Random;

/// Variables of a member of a ring.
const THING: usize = 0;
const OTHER: usize = 1;
const MAIL: usize = 2;
const HANDLE: usize = 3;
const SPARE: usize = 4;

/// The thing for which the previous member waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    /// A guard or permits, by the claim that took them.
    Claimed(Claim),
    /// The sender of a channel from which the other member receives.
    Sender(usize),
    /// The receiver of a channel, which the other member fills.
    Receiver(usize),
    /// An unfinished initialisation of a once-cell.
    Once(usize),
    /// A reserved place of a channel, for which the other member waits.
    Reserved(usize),
    /// The receiver of a channel; the other member waits for its end.
    Closed(usize),
    /// The end of the member itself, whose task the other member has spawned.
    End,
}

/// The program of this seed.
pub fn generate(seed: u64) -> Program {
    let mut builder = Builder { random: Random::new(seed), program: Program::default() };
    builder.program.home = match builder.random.below(12) {
        0 => Home::Scope,
        1 | 2 => Home::Executor,
        3 => Home::Runtime,
        _ => Home::Spawn,
    };
    if builder.random.one_in(10) {
        builder.program.home = Home::Spawn;
        builder.plain_ring();
        return builder.program;
    }
    if builder.random.percent(85) {
        builder.ring();
    } else {
        builder.free();
    }
    for _ in 0..builder.random.pick(&[0, 0, 0, 1, 1, 2, 3]) {
        builder.change();
    }
    builder.program
}

struct Builder {
    random: Random,
    program: Program,
}

impl Builder {
    fn body(&mut self, role: Role) -> usize {
        self.program.bodies.push(Body { role, ends: Vec::new(), steps: Vec::new() });
        self.program.bodies.len() - 1
    }

    /// A task in this many of 100 calls, otherwise a thread.
    fn actor(&mut self, tasks_of_100: usize) -> usize {
        let role = if self.random.percent(tasks_of_100) { Role::Task } else { Role::Thread };
        self.body(role)
    }

    fn step(&mut self, body: usize, step: Step) {
        self.program.bodies[body].steps.push(step);
    }

    fn end(&mut self, body: usize, slot: usize, end: End) {
        self.program.bodies[body].ends.push((slot, end));
    }

    fn place(&mut self) -> Place {
        use Place::{Leaked, Shared, Stack, Static};
        match self.program.home {
            Home::Spawn | Home::Runtime => self.random.pick(&[Shared, Shared, Shared, Leaked, Leaked, Static]),
            Home::Scope | Home::Executor => self.random.pick(&[Stack, Stack, Stack, Shared, Leaked]),
        }
    }

    fn channel(&mut self) -> usize {
        let capacity = self.random.pick(&[1, 1, 1, 2]);
        self.program.channels.push(capacity);
        self.program.channels.len() - 1
    }

    fn cell(&mut self) -> usize {
        self.program.cells += 1;
        self.program.cells - 1
    }

    /// A lock or a semaphore, with a claim on it that excludes others.
    fn claim(&mut self) -> Claim {
        let place = self.place();
        match self.random.below(6) {
            0 => {
                self.program.rwlocks.push(place);
                let at = self.program.rwlocks.len() - 1;
                if self.random.one_in(2) { Claim::Read(at) } else { Claim::Write(at) }
            }
            1 => {
                let permits = self.random.pick(&[1, 1, 2]);
                self.program.semaphores.push((place, permits));
                Claim::Permits(self.program.semaphores.len() - 1, permits)
            }
            _ => {
                self.program.mutexes.push(place);
                Claim::Lock(self.program.mutexes.len() - 1)
            }
        }
    }

    /// A late turn.
    fn late(&mut self) -> Step {
        Step::Turn(self.random.pick(&[3, 3, 5]))
    }

    /// Members that wait for each other.
    fn ring(&mut self) {
        let size = self.random.pick(&[1, 1, 2, 2, 2, 3]);
        let things: Vec<Thing> = (0..size).map(|member| self.thing(member)).collect();
        let members: Vec<usize> = things.iter().map(|thing| self.member(*thing)).collect();
        // Each first takes its thing, then sends, and receives at last: no member waits before the ring is complete.
        let mut last = vec![Vec::new(); size];
        for (at, thing) in things.iter().enumerate() {
            let waiting = (at + size - 1) % size;
            self.take(members[at], members[waiting], *thing, &mut last[at]);
            // A first use, from which insight learns the receiving task.
            if matches!(thing, Thing::Sender(_)) && self.random.percent(80) {
                last[waiting].push(Step::Receive(SPARE, OTHER));
            }
        }
        for (member, steps) in members.iter().zip(last) {
            self.program.bodies[*member].steps.extend(steps);
            self.step(*member, Step::Turn(1));
        }
        for (at, thing) in things.iter().enumerate() {
            self.hand_over(members[at], *thing, &things);
        }
        for (at, member) in members.iter().enumerate() {
            self.step(*member, Step::Turn(2));
            let thing = things[(at + 1) % size];
            self.wait(*member, thing);
        }
        self.bystander(&things);
        if self.program.home == Home::Runtime && self.random.percent(70) {
            let actor = self.body(Role::Thread);
            let late = self.late();
            self.program.bodies[actor].steps.extend([late, Step::ShutDown]);
        }
    }

    /// A deadlock of plain locks, which nothing can end.
    fn plain_ring(&mut self) {
        let size = self.random.pick(&[1, 2, 2, 3]);
        self.program.mutexes = vec![Place::Shared; size];
        self.program.rwlocks = vec![Place::Shared; size];
        let kinds: Vec<usize> = (0..size).map(|_| self.random.pick(&[0, 0, 1, 2])).collect();
        let claim = |at: usize, kind: usize| match kind {
            0 => Claim::Lock(at),
            1 => Claim::Read(at),
            _ => Claim::Write(at),
        };
        for at in 0..size {
            let next = (at + 1) % size;
            let wanted = match kinds[next] {
                // A reader does not wait for a reader.
                1 => Claim::Write(next),
                kind => claim(next, kind),
            };
            let member = self.body(Role::Task);
            self.program.bodies[member].steps.extend([
                Step::Acquire(None, claim(at, kinds[at])),
                Step::Turn(1),
                Step::Acquire(None, wanted),
            ]);
        }
        for _ in 0..self.random.below(3) {
            let bystander = self.body(Role::Task);
            let turn = Step::Turn(1 + self.random.below(TURNS));
            let at = self.random.below(size);
            self.program.bodies[bystander].steps.extend([turn, Step::Acquire(None, claim(at, kinds[at]))]);
        }
        crate::tidy(&mut self.program);
    }

    fn thing(&mut self, member: usize) -> Thing {
        match self.random.below(12) {
            0 => Thing::Sender(self.channel()),
            1 | 2 => Thing::Receiver(self.channel()),
            3 => Thing::Closed(self.channel()),
            6 if self.random.one_in(2) => {
                self.program.channels.push(1);
                Thing::Reserved(self.program.channels.len() - 1)
            }
            7 if self.random.one_in(2) => {
                self.program.onces += 1;
                Thing::Once(self.program.onces - 1)
            }
            // No member starts the first one.
            4 | 5 if member > 0 => Thing::End,
            _ => Thing::Claimed(self.claim()),
        }
    }

    /// The body of a member. A parent spawns some of them, so that there is a handle that can cancel the member.
    fn member(&mut self, thing: Thing) -> usize {
        if thing == Thing::End {
            return self.body(Role::Part);
        }
        if !self.random.percent(25) {
            return self.body(Role::Task);
        }
        let member = self.body(Role::Part);
        let parent = self.body(Role::Task);
        let group = self.random.one_in(4);
        let spawn = if group { Step::Group } else { Step::Spawn };
        self.step(parent, spawn(HANDLE, member, Vec::new()));
        self.keep_handle(parent);
        member
    }

    /// The steps with which a member takes its thing.
    fn take(&mut self, member: usize, waiting: usize, thing: Thing, last: &mut Vec<Step>) {
        match thing {
            Thing::Claimed(claim) if self.random.percent(25) => {
                // The guard is within a future that was polled once.
                let part = self.body(Role::Part);
                let into = if self.random.one_in(3) { Some(THING) } else { None };
                self.step(part, Step::Acquire(into, claim));
                self.step(part, Step::Stop);
                self.step(member, Step::Boxed(THING, part, Vec::new()));
                self.step(member, Step::Poll(THING));
            }
            Thing::Claimed(claim) => {
                let into = if self.random.percent(60) { Some(THING) } else { None };
                self.step(member, Step::Acquire(into, claim));
                if self.random.one_in(6) {
                    self.step(member, Step::Map(THING));
                }
            }
            Thing::Once(once) => {
                let (part, value) = (self.body(Role::Part), self.body(Role::Part));
                self.step(part, Step::Init(once, value));
                self.step(value, Step::Stop);
                self.step(member, Step::Boxed(THING, part, Vec::new()));
                self.step(member, Step::Poll(THING));
            }
            Thing::Reserved(channel) => {
                self.end(member, THING, End::Sender(channel));
                self.end(waiting, OTHER, End::Sender(channel));
                self.end(waiting, SPARE + 1, End::Receiver(channel));
                self.step(member, Step::Reserve(THING, THING));
            }
            Thing::Sender(channel) => {
                self.end(member, THING, End::Sender(channel));
                self.end(waiting, OTHER, End::Receiver(channel));
                self.step(member, Step::Send(THING, None));
            }
            Thing::Receiver(channel) | Thing::Closed(channel) => {
                self.end(member, THING, End::Receiver(channel));
                self.end(waiting, OTHER, End::Sender(channel));
                if self.random.percent(70) {
                    self.step(waiting, Step::Send(OTHER, None));
                    last.push(Step::Receive(SPARE, THING));
                }
            }
            Thing::End => self.step(waiting, Step::Spawn(HANDLE, member, Vec::new())),
        }
    }

    /// The steps with which a member waits for a thing.
    fn wait(&mut self, member: usize, thing: Thing) {
        let into = if self.random.one_in(3) { Some(SPARE) } else { None };
        match thing {
            Thing::Claimed(Claim::Write(lock)) if self.random.one_in(2) => {
                self.step(member, Step::Acquire(into, Claim::Read(lock)));
            }
            Thing::Claimed(Claim::Read(lock)) => self.step(member, Step::Acquire(into, Claim::Write(lock))),
            Thing::Claimed(claim) => self.step(member, Step::Acquire(into, claim)),
            Thing::Sender(_) => {
                self.step(member, Step::Receive(SPARE, OTHER));
                self.step(member, Step::Receive(SPARE, OTHER));
            }
            Thing::Receiver(channel) => {
                for _ in 0..=self.program.channels[channel] {
                    self.step(member, Step::Send(OTHER, None));
                }
            }
            Thing::Once(once) => {
                let value = self.body(Role::Part);
                self.step(member, Step::Init(once, value));
            }
            Thing::Reserved(_) => self.step(member, Step::Send(OTHER, None)),
            Thing::Closed(_) => self.step(member, Step::Closed(OTHER)),
            Thing::End => self.step(member, Step::Await(HANDLE)),
        }
    }
}
