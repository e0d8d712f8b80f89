//! The true answer, from every schedule.

use crate::world::{Tasks, World};
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// The steps of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// The steps that can unblock a task.
    Enough,
    /// Also those by which a task begins to wait.
    Waits,
    /// Also those by which a thing leaves a task.
    Handovers,
}

/// The parked tasks that no schedule lets make progress; `None` if there are more than `bound` states. A cancelled task makes
/// progress.
pub fn stuck(start: &World, steps: Steps, bound: usize) -> Option<Tasks> {
    let mut stuck = start.parked();
    let start = World { observed: false, ..start.clone() };
    let mut next = vec![start.clone()];
    let mut seen: HashSet<World, BuildHasherDefault<Quick>> = HashSet::default();
    seen.insert(start);
    while let Some(world) = next.pop() {
        let mut actions = world.actions(steps == Steps::Waits);
        if steps == Steps::Handovers {
            actions.extend(world.handovers());
        }
        for action in actions {
            // The end of a task unblocks more tasks than any other action. It is the last action, and so it is explored
            // first.
            let mut after = world.clone();
            if !after.act(&action) {
                continue;
            }
            stuck &= after.parked();
            if stuck == 0 {
                return Some(0);
            }
            if !seen.contains(&after) {
                if seen.len() == bound {
                    return None;
                }
                seen.insert(after.clone());
                next.push(after);
            }
        }
    }
    Some(stuck)
}

/// A hasher for small numbers. The usual one takes half of the time of this test.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
