use crate::journal::{Packed, Part};
use std::collections::BTreeMap;

/// Length of a tick. A part may be popped this much before it is due. The caller then finds it too young and inserts it
/// again.
const TICK_NS: u64 = 10_000_000;

/// The parts that have to be looked at again later, with the time at which each is due.
///
/// All parts of one tick are in one vector. Many parts are due at once, and then their memory is freed as a whole,
/// without gaps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Due {
    ticks: BTreeMap<u64, Vec<Packed>>,
}

impl Due {
    pub(crate) fn insert(&mut self, due_ns: u64, part: Part) {
        let parts = self.ticks.entry(due_ns / TICK_NS).or_default();
        let part = Packed::of(part);
        // A part that is looked at for several reasons is inserted several times in a row.
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }

    /// Takes out one part that is due. Call it until it returns `None` before you insert parts again.
    pub(crate) fn pop(&mut self, now_ns: u64) -> Option<Part> {
        let mut first = self.ticks.first_entry().filter(|first| first.key() * TICK_NS <= now_ns)?;
        let part = first.get_mut().pop();
        if first.get().is_empty() {
            first.remove();
        }
        part.map(Packed::part)
    }
}
