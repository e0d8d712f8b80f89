//! Smaller programs that may fail as a program does.

use crate::program::{Claim, End, Home, Place, Program, Resource, Role, Step};
use std::collections::HashSet;

/// Programs that have a part less than `program`, each only once.
pub fn candidates(program: &Program) -> Vec<Program> {
    let mut candidates = Vec::new();
    let mut add = |mut smaller: Program| {
        tidy(&mut smaller);
        candidates.push(smaller);
    };
    for body in 0..program.bodies.len() {
        let mut smaller = program.clone();
        smaller.bodies[body].steps.clear();
        add(smaller);
        let steps = program.bodies[body].steps.len();
        for length in [4, 2, 1] {
            for at in (0..steps).step_by(length.min(2)) {
                let mut smaller = program.clone();
                smaller.bodies[body].steps.drain(at..(at + length).min(steps));
                add(smaller);
            }
        }
        for at in (1..steps).step_by(2) {
            let mut smaller = program.clone();
            smaller.bodies[body].steps.remove(at);
            add(smaller);
        }
        for at in 0..program.bodies[body].ends.len() {
            let mut smaller = program.clone();
            smaller.bodies[body].ends.remove(at);
            add(smaller);
        }
    }
    if program.home != Home::Spawn {
        let mut smaller = program.clone();
        smaller.home = Home::Spawn;
        smaller.mutexes.iter_mut().chain(&mut smaller.rwlocks).for_each(|place| *place = Place::Shared);
        add(smaller);
    }
    // A program may have the same step twice, and then two candidates are equal.
    let mut known = HashSet::new();
    candidates.retain(|it| it.size() < program.size() && known.insert(it.clone()));
    candidates
}

/// Removes bodies without steps, parts that no step starts, and resources without a use.
pub fn tidy(program: &mut Program) {
    loop {
        let started: HashSet<usize> =
            program.bodies.iter().flat_map(|body| &body.steps).filter_map(Step::part).collect();
        let useless = (0..program.bodies.len()).find(|at| {
            let body = &program.bodies[*at];
            match body.role {
                Role::Part => !started.contains(at),
                // The end of a channel lives as long as its body, so an empty body with an end is a step, too.
                Role::Task | Role::Thread => body.steps.is_empty() && body.ends.is_empty(),
            }
        });
        let Some(useless) = useless else { break };
        program.bodies.remove(useless);
        for step in program.bodies.iter_mut().flat_map(|body| &mut body.steps) {
            if let Step::Init(_, part)
            | Step::Spawn(_, part, _)
            | Step::Group(_, part, _)
            | Step::Boxed(_, part, _)
            | Step::Thread(part, _) = step
            {
                *part -= usize::from(*part > useless);
            }
        }
    }
    let mut uses = Uses::default();
    program.bodies.iter().for_each(|body| uses.add(&body.ends, &body.steps));
    program.mutexes = kept(&program.mutexes, &mut uses.mutexes);
    program.rwlocks = kept(&program.rwlocks, &mut uses.rwlocks);
    program.semaphores = kept(&program.semaphores, &mut uses.semaphores);
    program.channels = kept(&program.channels, &mut uses.channels);
    program.onces = kept(&vec![(); program.onces], &mut uses.onces).len();
    program.cells = kept(&vec![(); program.cells], &mut uses.cells).len();
    for body in &mut program.bodies {
        for (_, end) in &mut body.ends {
            let (End::Sender(channel) | End::Receiver(channel)) = end;
            *channel = place_in(&uses.channels, *channel);
        }
        for step in &mut body.steps {
            match step {
                Step::Acquire(_, Claim::Lock(at)) | Step::Release(Resource::Mutex(at)) => {
                    *at = place_in(&uses.mutexes, *at);
                }
                Step::Acquire(_, Claim::Read(at) | Claim::Write(at)) | Step::Release(Resource::RwLock(at)) => {
                    *at = place_in(&uses.rwlocks, *at);
                }
                Step::Acquire(_, Claim::Permits(at, _)) | Step::Release(Resource::Semaphore(at)) => {
                    *at = place_in(&uses.semaphores, *at);
                }
                Step::Add(at, _) | Step::CloseSemaphore(at) => *at = place_in(&uses.semaphores, *at),
                Step::Init(once, _) => *once = place_in(&uses.onces, *once),
                Step::Put(cell, _) | Step::Take(_, cell) => *cell = place_in(&uses.cells, *cell),
                _ => {}
            }
        }
    }
}

/// The numbers of the used resources, of each kind.
#[derive(Default)]
struct Uses {
    mutexes: Vec<usize>,
    rwlocks: Vec<usize>,
    semaphores: Vec<usize>,
    channels: Vec<usize>,
    onces: Vec<usize>,
    cells: Vec<usize>,
}

impl Uses {
    fn add(&mut self, ends: &[(usize, End)], steps: &[Step]) {
        for (_, End::Sender(channel) | End::Receiver(channel)) in ends {
            self.channels.push(*channel);
        }
        for step in steps {
            match step {
                Step::Acquire(_, claim) => self.add_resource(claim.resource()),
                Step::Release(resource) => self.add_resource(*resource),
                Step::Add(at, _) | Step::CloseSemaphore(at) => self.semaphores.push(*at),
                Step::Init(once, _) => self.onces.push(*once),
                Step::Put(cell, _) | Step::Take(_, cell) => self.cells.push(*cell),
                _ => {}
            }
        }
    }

    fn add_resource(&mut self, resource: Resource) {
        match resource {
            Resource::Mutex(at) => self.mutexes.push(at),
            Resource::RwLock(at) => self.rwlocks.push(at),
            Resource::Semaphore(at) => self.semaphores.push(at),
        }
    }
}

/// The used ones of `all`, in their order.
fn kept<T: Clone>(all: &[T], used: &mut Vec<usize>) -> Vec<T> {
    used.sort_unstable();
    used.dedup();
    used.iter().map(|at| all[*at].clone()).collect()
}

/// The new number of a resource.
fn place_in(used: &[usize], at: usize) -> usize {
    used.binary_search(&at).expect("it is used")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::generate;
    use crate::text::parse;

    #[test]
    fn candidates_are_smaller_and_legal() {
        for seed in 0..200 {
            let program = generate(seed);
            for candidate in candidates(&program) {
                assert!(candidate.size() < program.size(), "{candidate}");
                let text = candidate.to_string();
                if !text.is_empty() {
                    assert_eq!(parse(&text), Ok(vec![candidate]), "{text}");
                }
            }
        }
    }

    #[test]
    fn tidy_removes_parts_and_resources_without_a_use() {
        let text = "m0 shared\nm1 static\nc0 1\nc1 2\ntask 0: lock m1\ntask 1: \npart 2: lock m0\ntask 3 a=sender1: ";
        let mut program = parse(text).unwrap().remove(0);
        tidy(&mut program);
        assert_eq!(program.to_string(), "m0 static\nc0 2\ntask 0: lock m0\ntask 1 a=sender0: \n");
    }
}
