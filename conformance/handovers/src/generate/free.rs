//! Programs of free random steps, and random changes.

use super::Builder;
use crate::program::{Claim, End, Role, SLOTS, Step, TURNS};

impl Builder {
    /// A program of random steps.
    pub(super) fn free(&mut self) {
        let claims: Vec<Claim> = (0..2).map(|_| self.claim()).collect();
        let channels = [self.channel(), self.channel()];
        self.cell();
        let tasks = 2 + self.random.below(2);
        for task in 0..tasks {
            let body = self.body(Role::Task);
            self.end(body, 0, End::Sender(channels[task % 2]));
            if task < 2 {
                self.end(body, 1, End::Receiver(channels[1 - task]));
            }
            // Most steps need something in a variable.
            let claim = self.random.pick(&claims);
            self.step(body, Step::Acquire(Some(2), claim));
            self.step(body, Step::Turn(1));
        }
        if self.random.one_in(2) {
            let thread = self.body(Role::Thread);
            let late = self.late();
            self.step(thread, late);
        }
        for body in 0..self.program.bodies.len() {
            for _ in 0..2 + self.random.below(4) {
                let step = self.random_step();
                self.step(body, step);
            }
        }
    }

    /// Changes one step at random.
    pub(super) fn change(&mut self) {
        let body = self.random.below(self.program.bodies.len());
        let steps = self.program.bodies[body].steps.len();
        let at = self.random.below(steps + 1);
        if at < steps && self.random.one_in(3) {
            self.program.bodies[body].steps.remove(at);
        } else {
            let step = self.random_step();
            self.program.bodies[body].steps.insert(at, step);
        }
    }

    /// A step that starts no part: a part is started only once.
    fn random_step(&mut self) -> Step {
        let (slot, other) = (self.random.below(SLOTS), self.random.below(SLOTS));
        let claim = self.known_claim();
        match (self.random.below(16), claim) {
            (0, _) => Step::Drop(slot),
            (1, _) => Step::Poll(slot),
            (2, _) => Step::Await(slot),
            (3, _) => Step::Send(slot, Some(other)),
            (4, _) => Step::Send(slot, None),
            (5, _) => Step::Receive(other, slot),
            (6, _) => Step::Closed(slot),
            (7, _) => Step::Aborter(slot, other),
            (8, _) if self.program.cells > 0 => Step::Put(self.random.below(self.program.cells), slot),
            (9, _) if self.program.cells > 0 => Step::Take(slot, self.random.below(self.program.cells)),
            (10, Some(claim)) => Step::Acquire(Some(slot), claim),
            (11, Some(claim)) => Step::Acquire(None, claim),
            (12, Some(claim)) => Step::Release(claim.resource()),
            (13, Some(Claim::Permits(at, _))) => Step::Add(at, 1),
            (14, _) => Step::Map(slot),
            (15, _) => Step::Reserve(slot, other),
            _ => Step::Turn(1 + self.random.below(TURNS)),
        }
    }

    fn known_claim(&mut self) -> Option<Claim> {
        let (mutexes, rwlocks, semaphores) =
            (self.program.mutexes.len(), self.program.rwlocks.len(), self.program.semaphores.len());
        let all = (0..mutexes).map(Claim::Lock);
        let all = all.chain((0..rwlocks).flat_map(|at| [Claim::Read(at), Claim::Write(at)]));
        let all: Vec<Claim> = all.chain((0..semaphores).map(|at| Claim::Permits(at, 1))).collect();
        (!all.is_empty()).then(|| self.random.pick(&all))
    }
}
