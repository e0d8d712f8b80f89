//! Open waits, where the recorder finds them when it samples: in the task's own cell.

use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};

/// An entry that is being written.
const BUSY: u64 = u64::MAX;

/// One open wait. Free when `edge` is 0.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Slot {
    edge: AtomicU64,
    awaited: AtomicU64,
    /// The operation in the low byte, the units needed above it.
    operation: AtomicU64,
    since: AtomicU64,
    location: AtomicPtr<Location<'static>>,
}

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WaitFacts {
    pub edge: u64,
    /// A resource's id, or a task's with a mark.
    pub awaited: u64,
    pub operation: u8,
    pub need: u64,
    pub since: u64,
    pub location: Option<&'static Location<'static>>,
}

impl Slot {
    const fn new() -> Slot {
        Slot {
            edge: AtomicU64::new(0),
            awaited: AtomicU64::new(0),
            operation: AtomicU64::new(0),
            since: AtomicU64::new(0),
            location: AtomicPtr::new(ptr::null_mut()),
        }
    }

    fn try_open(&self, facts: &WaitFacts) -> bool {
        // A wait may be given up on another thread than the one that polls the task: two can want one slot.
        if self.edge.load(Ordering::Relaxed) != 0
            || self.edge.compare_exchange(0, BUSY, Ordering::Acquire, Ordering::Relaxed).is_err()
        {
            return false;
        }
        // A reader that sees any of the stores below then sees that `edge` is no longer what it was.
        fence(Ordering::Release);
        self.awaited.store(facts.awaited, Ordering::Relaxed);
        self.operation.store(u64::from(facts.operation) | facts.need << 8, Ordering::Relaxed);
        self.since.store(facts.since, Ordering::Relaxed);
        let location = facts.location.map_or(ptr::null_mut(), |location| ptr::from_ref(location).cast_mut());
        self.location.store(location, Ordering::Relaxed);
        self.edge.store(facts.edge, Ordering::Release);
        true
    }

    pub(crate) fn close(&self) {
        self.edge.store(0, Ordering::Release);
    }

    /// `None` when it is free, or changes while it is read.
    fn read(&self) -> Option<WaitFacts> {
        let edge = self.edge.load(Ordering::Acquire);
        if edge == 0 || edge == BUSY {
            return None;
        }
        let operation = self.operation.load(Ordering::Relaxed);
        let location = self.location.load(Ordering::Relaxed);
        let facts = WaitFacts {
            edge,
            awaited: self.awaited.load(Ordering::Relaxed),
            operation: operation as u8,
            need: operation >> 8,
            since: self.since.load(Ordering::Relaxed),
            // SAFETY: null, or a `&'static Location`: whole pointers are stored, of whichever wait.
            location: unsafe { location.as_ref() },
        };
        fence(Ordering::Acquire);
        // Edge ids are never used again, so the same id is the same wait.
        (self.edge.load(Ordering::Relaxed) == edge).then_some(facts)
    }
}

/// The open waits of a task: two in place, which is what most tasks have at most, and more in blocks on demand.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Slots {
    inline: [Slot; 2],
    more: AtomicPtr<MoreSlots>,
}

#[repr(C)]
struct MoreSlots {
    slots: [Slot; 8],
    more: AtomicPtr<MoreSlots>,
}

impl Slots {
    pub(crate) const fn new() -> Slots {
        Slots { inline: [const { Slot::new() }; 2], more: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Puts a wait into a free slot; the slot lives as long as `self`.
    pub(crate) fn open(&self, facts: &WaitFacts) -> &Slot {
        let mut group = &self.inline[..];
        let mut more = &self.more;
        loop {
            if let Some(slot) = group.iter().find(|slot| slot.try_open(facts)) {
                return slot;
            }
            let block = MoreSlots::follow_or_add(more);
            (group, more) = (&block.slots, &block.more);
        }
    }

    /// Calls `f` with each open wait.
    pub(crate) fn for_each(&self, mut f: impl FnMut(WaitFacts)) {
        self.inline.iter().filter_map(Slot::read).for_each(&mut f);
        let mut more = &self.more;
        // SAFETY: blocks are added, and freed with `self` only.
        while let Some(block) = unsafe { more.load(Ordering::Acquire).as_ref() } {
            block.slots.iter().filter_map(Slot::read).for_each(&mut f);
            more = &block.more;
        }
    }
}

impl MoreSlots {
    fn follow_or_add(link: &AtomicPtr<MoreSlots>) -> &MoreSlots {
        let mut block = link.load(Ordering::Acquire);
        if block.is_null() {
            let fresh = Box::into_raw(Box::new(MoreSlots {
                slots: [const { Slot::new() }; 8],
                more: AtomicPtr::new(ptr::null_mut()),
            }));
            block = match link.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => fresh,
                Err(other) => {
                    // SAFETY: ours, and nobody else has seen it.
                    drop(unsafe { Box::from_raw(fresh) });
                    other
                }
            };
        }
        // SAFETY: not null, and freed with the `Slots` it hangs on, which the caller borrows.
        unsafe { &*block }
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        let mut block = *self.more.get_mut();
        while !block.is_null() {
            // SAFETY: made by `Box::into_raw`, linked once, and nobody else is left.
            let mut owned = unsafe { Box::from_raw(block) };
            block = *owned.more.get_mut();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(edge: u64) -> WaitFacts {
        WaitFacts { edge, awaited: edge * 2, operation: 3, need: 5, since: edge * 7, location: None }
    }

    fn open_edges(slots: &Slots) -> Vec<u64> {
        let mut edges = Vec::new();
        slots.for_each(|wait| {
            assert_eq!(wait, facts(wait.edge), "never a mix of two waits");
            edges.push(wait.edge);
        });
        edges.sort();
        edges
    }

    #[test]
    fn many_waits_and_reuse() {
        let slots = Slots::new();
        let open: Vec<&Slot> = (1..=20).map(|edge| slots.open(&facts(edge))).collect();
        assert_eq!(open_edges(&slots), (1..=20).collect::<Vec<_>>());
        open[4].close();
        open[0].close();
        slots.open(&facts(21));
        slots.open(&facts(22));
        assert!(std::ptr::eq(open[0], slots.inline.first().unwrap()));
        assert_eq!(open_edges(&slots), [2, 3, 4].into_iter().chain(6..=22).collect::<Vec<_>>());
    }

    #[test]
    fn a_reader_never_sees_a_mix() {
        let rounds = if cfg!(miri) { 50 } else { 20_000 };
        let slots = Slots::new();
        std::thread::scope(|scope| {
            for thread in 0..2 {
                let slots = &slots;
                scope.spawn(move || {
                    for n in 0..rounds {
                        slots.open(&facts(1 + n * 2 + thread)).close();
                    }
                });
            }
            for _ in 0..rounds {
                open_edges(&slots);
            }
        });
        assert!(open_edges(&slots).is_empty());
    }
}
