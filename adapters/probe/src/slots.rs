//! Open waits, in the task's own cell, where the recorder samples them.

use crate::sync::atomic::{AtomicPtr, AtomicU64, fence};
use crate::sync::{MODEL, owned};
use crate::waiter::{Waiter, WaiterFacts};
use std::array;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering;

/// An entry that is being written.
const BUSY: u64 = u64::MAX;

/// One open wait. Free when `edge` is 0.
///
/// The thread that has reserved the slot writes the other fields relaxed, between a release fence and the release store to
/// `edge` that shows the wait. The recorder reads them relaxed, between two loads of `edge` that have to be equal.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Slot {
    /// The thread that takes the slot exchanges it with acquire; or stores it relaxed if no other thread can take the slot. The
    /// thread that opens or closes the wait stores it with release. The recorder loads it with acquire.
    edge: AtomicU64,
    awaited: AtomicU64,
    /// The operation in the low seven bits, then whether it is transferable, and the units needed above the low byte.
    operation: AtomicU64,
    /// Written once more by the thread that polls the task, at the end of the poll in which the wait was opened.
    since: AtomicU64,
    location: AtomicPtr<Location<'static>>,
    /// See [`Waiter`].
    pub(crate) waiter: Waiter,
}

/// The thread that takes a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taker {
    /// The thread that polls the task: no other thread takes the slot in place, so it needs no exchange for that slot.
    Own,
    /// Another thread, while one may poll the task: it does not take the slot in place.
    Another,
    /// Any thread: we do not know which thread polls this task.
    Any,
}

/// The facts of a wait in a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WaitFacts {
    pub edge: u64,
    /// A resource's ID, or a task's with a mark.
    pub awaited: u64,
    pub operation: u8,
    pub need: u64,
    /// Another task may come to poll it unobserved.
    pub transferable: bool,
    /// 0 while its task is in the poll that has opened it.
    pub since: u64,
    pub location: Option<&'static Location<'static>>,
}

impl Slot {
    fn new() -> Slot {
        Slot {
            edge: AtomicU64::new(0),
            awaited: AtomicU64::new(0),
            operation: AtomicU64::new(0),
            since: AtomicU64::new(0),
            location: AtomicPtr::new(ptr::null_mut()),
            waiter: Waiter::new(),
        }
    }

    /// Takes the slot if it is free. If wakers of an earlier wait point to it (`has_wakers`), takes it only if
    /// `with_wakers`.
    #[inline]
    fn try_reserve(&self, with_wakers: bool, has_wakers: impl Fn() -> bool) -> bool {
        let unfit = || !with_wakers && has_wakers();
        // A wait may be dropped on another thread than the polling one, so two threads can want one slot.
        if self.edge.load(Ordering::Relaxed) != 0
            || unfit()
            || self.edge.compare_exchange(0, BUSY, Ordering::Acquire, Ordering::Relaxed).is_err()
        {
            return false;
        }
        // Checked again, now that no other wait can be here: a waker is made from another one, or from its wait.
        if unfit() {
            self.close();
            return false;
        }
        // A reader that observes any of the stores below then observes that `edge` has changed.
        fence(Ordering::Release);
        self.waiter.begin(!with_wakers || !has_wakers());
        true
    }

    /// Like [`try_reserve`](Slot::try_reserve), for a slot that no other thread takes.
    #[inline]
    fn try_reserve_own(&self, with_wakers: bool, has_wakers: impl Fn() -> bool) -> bool {
        // A wait may be dropped on another thread: acquire makes its writes visible.
        if self.edge.load(Ordering::Acquire) != 0 {
            return false;
        }
        // No waker can be added: a waker is made from another one, or from a wait here.
        let has_wakers = has_wakers();
        if has_wakers && !with_wakers {
            return false;
        }
        self.edge.store(BUSY, Ordering::Relaxed);
        // The fence has the same reason as in `try_reserve`.
        fence(Ordering::Release);
        self.waiter.begin(!has_wakers);
        true
    }

    /// Shows a wait in the slot, which the caller has reserved.
    pub(crate) fn fill(&self, facts: &WaitFacts) {
        self.awaited.store(facts.awaited, Ordering::Relaxed);
        let word = u64::from(facts.operation) | u64::from(facts.transferable) << 7 | facts.need << 8;
        self.operation.store(word, Ordering::Relaxed);
        self.since.store(facts.since, Ordering::Relaxed);
        let location = facts.location.map_or(ptr::null_mut(), |location| ptr::from_ref(location).cast_mut());
        self.location.store(location, Ordering::Relaxed);
        self.edge.store(facts.edge, Ordering::Release);
    }

    /// Sets the time, in ticks, of a wait that was opened without it.
    pub(crate) fn wait_since(&self, ticks: u64) {
        self.since.store(ticks, Ordering::Relaxed);
    }

    /// The edge of its wait; `None` if it has none. For the thread that polls the task.
    pub(crate) fn edge(&self) -> Option<u64> {
        Some(self.edge.load(Ordering::Relaxed)).filter(|edge| *edge != 0 && *edge != BUSY)
    }

    /// The place of its wait, from wait to wait of equal code: the awaited word, the operation, and the location's address.
    pub(crate) fn place(&self) -> (u64, u64, usize) {
        let operation = self.operation.load(Ordering::Relaxed);
        (self.awaited(), operation, self.location.load(Ordering::Relaxed).addr())
    }

    /// The awaited word of its wait. For the owner of the open wait.
    pub(crate) fn awaited(&self) -> u64 {
        self.awaited.load(Ordering::Relaxed)
    }

    pub(crate) fn close(&self) {
        self.edge.store(0, Ordering::Release);
    }

    /// `None` if it is free, or changes while it is read.
    fn read(&self, task_polls: u64) -> Option<(WaitFacts, WaiterFacts)> {
        let edge = self.edge.load(Ordering::Acquire);
        if edge == 0 || edge == BUSY {
            return None;
        }
        let operation = self.operation.load(Ordering::Relaxed);
        let location = self.location.load(Ordering::Relaxed);
        let facts = WaitFacts {
            edge,
            awaited: self.awaited.load(Ordering::Relaxed),
            operation: operation as u8 & 0x7f,
            need: operation >> 8,
            transferable: operation & 0x80 != 0,
            since: self.since.load(Ordering::Relaxed),
            // SAFETY: null, or a `&'static Location`: whole pointers are stored, of whichever wait.
            location: unsafe { location.as_ref() },
        };
        let waiter = self.waiter.read(task_polls);
        fence(Ordering::Acquire);
        // Edge IDs are never used again, so the same ID is the same wait.
        (self.edge.load(Ordering::Relaxed) == edge).then_some((facts, waiter))
    }
}

/// Number of slots in each block: few, since each live task has a cell, and most tasks have one wait at a time.
const MORE: usize = if MODEL { 1 } else { 3 };
/// Number of blocks that are searched for a slot without wakers.
const BLOCKS_WITHOUT_WAKERS: usize = if MODEL { 1 } else { 3 };

/// The open waits of a task: one in place, and more in blocks on demand.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Slots {
    inline: Slot,
    more: AtomicPtr<MoreSlots>,
}

#[repr(C)]
struct MoreSlots {
    slots: [Slot; MORE],
    more: AtomicPtr<MoreSlots>,
}

impl Slots {
    pub(crate) fn new() -> Slots {
        Slots { inline: Slot::new(), more: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Whether it is the slot in place, whose wakers the cell counts.
    #[inline]
    pub(crate) fn is_inline(&self, slot: &Slot) -> bool {
        ptr::eq(slot, &self.inline)
    }

    /// Takes a free slot, which has no wait until it is filled; it lives as long as `self`. `inline_has_wakers` returns
    /// whether a waker points to the slot in place; if not, the writes of dropped wakers are visible (acquire).
    ///
    /// It prefers a slot without wakers, so that each wake belongs to the slot's own wait. A waker of an earlier wait may
    /// stay for long, as in a channel without receivers: then another slot is taken. The search is limited to a few blocks,
    /// so that it does not take longer with each such waker.
    #[inline]
    pub(crate) fn reserve(&self, taker: Taker, inline_has_wakers: impl Fn() -> bool) -> &Slot {
        if self.try_reserve_inline(taker, false, &inline_has_wakers) {
            &self.inline
        } else {
            self.reserve_another(taker, &inline_has_wakers)
        }
    }

    #[inline]
    fn try_reserve_inline(&self, taker: Taker, with_wakers: bool, has_wakers: impl Fn() -> bool) -> bool {
        match taker {
            Taker::Own => self.inline.try_reserve_own(with_wakers, has_wakers),
            Taker::Another => false,
            Taker::Any => self.inline.try_reserve(with_wakers, has_wakers),
        }
    }

    fn reserve_another(&self, taker: Taker, inline_has_wakers: &dyn Fn() -> bool) -> &Slot {
        let reserve = |slot: &&Slot, with_wakers| slot.try_reserve(with_wakers, || slot.waiter.has_wakers());
        let mut more = &self.more;
        for _ in 0..BLOCKS_WITHOUT_WAKERS {
            let block = MoreSlots::follow_or_add(more);
            if let Some(slot) = block.slots.iter().find(|slot| reserve(slot, false)) {
                return slot;
            }
            more = &block.more;
        }
        if self.try_reserve_inline(taker, true, inline_has_wakers) {
            return &self.inline;
        }
        more = &self.more;
        loop {
            let block = MoreSlots::follow_or_add(more);
            if let Some(slot) = block.slots.iter().find(|slot| reserve(slot, true)) {
                return slot;
            }
            more = &block.more;
        }
    }

    /// Calls `f` with each open wait, and with the state of its operation in a task that was polled `task_polls` times.
    pub(crate) fn for_each(&self, task_polls: u64, mut f: impl FnMut(WaitFacts, WaiterFacts)) {
        self.for_each_slot(|slot| {
            if let Some((wait, waiter)) = slot.read(task_polls) {
                f(wait, waiter);
            }
        });
    }

    /// Calls `f` with each slot, open or free. The slots live as long as `self`.
    pub(crate) fn for_each_slot<'s>(&'s self, mut f: impl FnMut(&'s Slot)) {
        f(&self.inline);
        let mut more = &self.more;
        // SAFETY: blocks are added, and freed with `self` only.
        while let Some(block) = unsafe { more.load(Ordering::Acquire).as_ref() } {
            block.slots.iter().for_each(&mut f);
            more = &block.more;
        }
    }
}

impl MoreSlots {
    fn follow_or_add(link: &AtomicPtr<MoreSlots>) -> &MoreSlots {
        let mut block = link.load(Ordering::Acquire);
        if block.is_null() {
            let fresh = Box::into_raw(Box::new(MoreSlots {
                slots: array::from_fn(|_| Slot::new()),
                more: AtomicPtr::new(ptr::null_mut()),
            }));
            block = match link.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => fresh,
                Err(other) => {
                    // SAFETY: ours; no other thread has got the pointer.
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
        let mut block = owned(&mut self.more);
        while !block.is_null() {
            // SAFETY: made by `Box::into_raw`, linked once, and no other user of it is left.
            let mut last = unsafe { Box::from_raw(block) };
            block = owned(&mut last.more);
        }
    }
}

#[cfg(test)]
impl Slots {
    /// Puts a wait into a free slot, of a task without wakers.
    fn open(&self, facts: &WaitFacts) -> &Slot {
        self.open_by(Taker::Any, facts)
    }

    fn open_by(&self, taker: Taker, facts: &WaitFacts) -> &Slot {
        let slot = self.reserve(taker, || false);
        slot.fill(facts);
        slot
    }
}

#[cfg(all(test, loom))]
mod loom_models;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn facts(edge: u64) -> WaitFacts {
        let transferable = edge % 2 == 0;
        WaitFacts { edge, awaited: edge * 2, operation: 3, need: 5, transferable, since: edge * 7, location: None }
    }

    fn open_edges(slots: &Slots) -> Vec<u64> {
        let mut edges = Vec::new();
        slots.for_each(0, |wait, _| {
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
        assert!(std::ptr::eq(open[0], &slots.inline));
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
