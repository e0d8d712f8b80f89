use crate::journal::{Packed, Part};
use std::collections::BTreeMap;

/// How much earlier than it is due a part may be looked at. It is found to be too young then, and put in again.
const TICK_NS: u64 = 10_000_000;

/// What is to be looked at again at a time to come.
///
/// In one block for each tick: what a program begins at once is due at once, and its memory goes back as a whole. Of single
/// entries there would be gaps left between what stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Due {
    ticks: BTreeMap<u64, Vec<Packed>>,
}

impl Due {
    pub(crate) fn insert(&mut self, due_ns: u64, part: Part) {
        let parts = self.ticks.entry(due_ns / TICK_NS).or_default();
        let part = Packed::of(part);
        // What is looked at for several reasons says so several times in turn.
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }

    /// Takes out one that is due, if any is: all of them, before anything is put in again.
    pub(crate) fn pop(&mut self, now_ns: u64) -> Option<Part> {
        let mut first = self.ticks.first_entry().filter(|first| first.key() * TICK_NS <= now_ns)?;
        let part = first.get_mut().pop();
        if first.get().is_empty() {
            first.remove();
        }
        part.map(Packed::part)
    }
}
