//! The open holds of a resource that several can hold. They are in its cell, where the recorder samples them.
//!
//! A hold is opened after the real lock was taken, and closed before it is released. So at every instant the open
//! holds are some of the real ones, and no two of them exclude each other.

use crate::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, fence};
use crate::sync::{MODEL, owned};
use crate::word::GuardWord;
use insight_protocol::HoldMode;
use std::panic::Location;
use std::ptr;
use std::sync::atomic::Ordering;

/// How a resource is held.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// No other task can hold it.
    Exclusive,
    /// Others can hold it, in the same mode.
    Shared,
    /// A number of its units.
    Permit,
}

impl Mode {
    pub(crate) fn protocol(self) -> HoldMode {
        match self {
            Mode::Exclusive => HoldMode::Exclusive,
            Mode::Shared => HoldMode::Shared,
            Mode::Permit => HoldMode::Permit,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Mode {
        match byte {
            0 => Mode::Exclusive,
            1 => Mode::Shared,
            _ => Mode::Permit,
        }
    }
}

/// One open hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct HoldFacts {
    pub edge: u64,
    /// 0 if no known task has it.
    pub task: u64,
    pub mode: Mode,
    pub transferable: bool,
    pub units: u64,
    pub since: u64,
    pub location: Option<&'static Location<'static>>,
    /// The word of its guard.
    pub guard: GuardWord,
}

/// Free, or being written, while `edge` is 0. Only the owner of its index writes it, and the recorder reads it:
/// `edge` is stored with release and loaded with acquire, and the other fields are relaxed, between fences (`open`, `read`).
#[repr(C)]
#[derive(Debug)]
struct HoldSlot {
    edge: AtomicU64,
    task: AtomicU64,
    units: AtomicU64,
    since: AtomicU64,
    location: AtomicPtr<Location<'static>>,
    /// As [`GuardWord`] keeps it.
    guard: AtomicU64,
    /// The mode in the low byte; above it 1 for a transferable hold.
    mode: AtomicU32,
    /// For a free slot: the index + 1 of the slot below it on the stack, or 0. Written before the release of `free`, read
    /// after its acquire, by any thread.
    below: AtomicU32,
}

impl HoldSlot {
    fn new() -> HoldSlot {
        HoldSlot {
            edge: AtomicU64::new(0),
            task: AtomicU64::new(0),
            units: AtomicU64::new(0),
            since: AtomicU64::new(0),
            location: AtomicPtr::new(ptr::null_mut()),
            guard: AtomicU64::new(0),
            mode: AtomicU32::new(0),
            below: AtomicU32::new(0),
        }
    }

    fn open(&self, facts: &HoldFacts) {
        // A reader that observes any of the stores below then observes that `edge` has changed.
        fence(Ordering::Release);
        self.task.store(facts.task, Ordering::Relaxed);
        self.units.store(facts.units, Ordering::Relaxed);
        self.since.store(facts.since, Ordering::Relaxed);
        let location = facts.location.map_or(ptr::null_mut(), |location| ptr::from_ref(location).cast_mut());
        self.location.store(location, Ordering::Relaxed);
        self.guard.store(facts.guard.to_bits() as u64, Ordering::Relaxed);
        self.mode.store(facts.mode as u32 | u32::from(facts.transferable) << 8, Ordering::Relaxed);
        self.edge.store(facts.edge, Ordering::Release);
    }

    fn close(&self) {
        self.edge.store(0, Ordering::Release);
    }

    /// `None` if it is free, or changes while it is read.
    fn read(&self) -> Option<HoldFacts> {
        let edge = self.edge.load(Ordering::Acquire);
        if edge == 0 {
            return None;
        }
        let mode = self.mode.load(Ordering::Relaxed);
        let location = self.location.load(Ordering::Relaxed);
        let facts = HoldFacts {
            edge,
            task: self.task.load(Ordering::Relaxed),
            mode: Mode::from_byte(mode as u8),
            transferable: mode >> 8 != 0,
            units: self.units.load(Ordering::Relaxed),
            since: self.since.load(Ordering::Relaxed),
            // SAFETY: null, or a `&'static Location`: whole pointers are stored, of whichever hold.
            location: unsafe { location.as_ref() },
            guard: GuardWord::from_bits(self.guard.load(Ordering::Relaxed) as usize),
        };
        fence(Ordering::Acquire);
        self.still(edge).then_some(facts)
    }

    /// Edge IDs are never used again, so the same ID is the same hold, and it was open all the time between.
    fn still(&self, edge: u64) -> bool {
        self.edge.load(Ordering::Relaxed) == edge
    }
}

/// Number of slots in the first segment; each further segment has twice as many as the one before it.
const FIRST: u32 = if MODEL { 1 } else { 8 };
const SEGMENTS: usize = if MODEL { 2 } else { 26 };
const MAX_SLOTS: u32 = FIRST * ((1 << SEGMENTS) - 1);
/// Maximum number of attempts to read all slots without a change meanwhile.
const LOOKS: u32 = 4;

/// The open holds of one resource, by index. It has as many slots as there ever were holds at once, and they are freed
/// with the resource.
///
/// Free slots are a stack, so that opening and closing take the same short time for any number of holds, and the
/// slots in use stay together at the front.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Holds {
    /// Low half: the uppermost free slot's index + 1, or 0. High half: a count of changes. It distinguishes a stack that
    /// has changed and looks the same from an unchanged one. (Not after exactly 2^32 changes during one `pop`: then two
    /// holds would share a slot, and one of them would not be shown.) Any thread: `push` releases, `pop` acquires.
    free: AtomicU64,
    /// Number of slots that were ever used. Threads of the program increment it (release), the recorder reads it (acquire).
    used: AtomicU32,
    /// The first slot of each segment. The thread that makes a segment stores it (release); any thread reads it (acquire).
    segments: [AtomicPtr<HoldSlot>; SEGMENTS],
}

impl Holds {
    pub(crate) fn new() -> Holds {
        Holds {
            free: AtomicU64::new(0),
            used: AtomicU32::new(0),
            segments: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
        }
    }

    /// Opens a hold, and returns its index; `None` if there are too many.
    #[inline]
    pub(crate) fn open(&self, facts: &HoldFacts) -> Option<u32> {
        let (index, slot) = self.pop().or_else(|| self.unused())?;
        slot.open(facts);
        Some(index)
    }

    /// Closes the hold at `index`. It is the caller's own, and no other thread closes or changes it.
    #[inline]
    pub(crate) fn close(&self, index: u32) {
        if let Some(slot) = self.slot(index) {
            slot.close();
            self.push(index, slot);
        }
    }

    /// Replaces the caller's own hold. For a moment neither hold may be open.
    pub(crate) fn replace(&self, index: u32, change: impl FnOnce(HoldFacts) -> HoldFacts) {
        let Some(slot) = self.slot(index) else { return };
        if let Some(before) = slot.read() {
            slot.close();
            slot.open(&change(before));
        }
    }

    /// The hold at `index`, if one is open there.
    pub(crate) fn at(&self, index: u32) -> Option<HoldFacts> {
        self.slot(index)?.read()
    }

    /// The edge and the task of the hold at `index`: the caller's own.
    #[inline]
    pub(crate) fn task_at(&self, index: u32) -> Option<(u64, u64)> {
        let slot = self.slot(index)?;
        Some((slot.edge.load(Ordering::Relaxed), slot.task.load(Ordering::Relaxed)))
    }

    /// Holds that were all open at one instant, so that none of them excludes another.
    ///
    /// A first pass reads all slots. A second pass, which begins after the first one has ended, keeps the holds that it finds
    /// again: all of them were open at the time between. This needs no order of the reads but the order of the holds
    /// themselves: if hold A had to be released before hold B could be taken, then a first pass that found B
    /// means that the second pass cannot find A.
    pub(crate) fn picture(&self) -> Vec<HoldFacts> {
        self.picture_while(|_| ())
    }

    /// For tests: `happens` is called after each slot of a first pass, with its index.
    fn picture_while(&self, mut happens: impl FnMut(u32)) -> Vec<HoldFacts> {
        let mut open = Vec::new();
        for _ in 0..LOOKS {
            open.clear();
            self.for_each_slot(|index, slot| {
                open.extend(slot.read().map(|facts| (index, facts)));
                happens(index);
            });
            let seen = open.len();
            open.retain(|(index, facts)| self.slot(*index).is_some_and(|slot| slot.still(facts.edge)));
            // If all of them are left, the picture is complete.
            if open.len() == seen {
                break;
            }
        }
        open.into_iter().map(|(_, facts)| facts).collect()
    }

    fn for_each_slot(&self, mut f: impl FnMut(u32, &HoldSlot)) {
        for index in 0..self.used.load(Ordering::Acquire) {
            if let Some(slot) = self.slot(index) {
                f(index, slot);
            }
        }
    }

    /// `None` for an index that was never in use.
    #[inline]
    fn slot(&self, index: u32) -> Option<&HoldSlot> {
        let (segment, offset) = place(index);
        let first = self.segments.get(segment)?.load(Ordering::Acquire);
        if first.is_null() {
            return None;
        }
        // SAFETY: segment `n` has `segment_len(n)` slots, by `place` the offset is less, and it is freed with `self`.
        Some(unsafe { &*first.add(offset) })
    }

    #[inline]
    fn pop(&self) -> Option<(u32, &HoldSlot)> {
        let mut free = self.free.load(Ordering::Acquire);
        loop {
            let index = (free as u32).checked_sub(1)?;
            // If another thread takes the slot meanwhile, `below` is wrong here, and the exchange fails.
            let slot = self.slot(index)?;
            let below = slot.below.load(Ordering::Relaxed);
            match self.free.compare_exchange_weak(free, next(free, below), Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some((index, slot)),
                Err(now) => free = now,
            }
        }
    }

    #[inline]
    fn push(&self, index: u32, slot: &HoldSlot) {
        let mut free = self.free.load(Ordering::Relaxed);
        loop {
            slot.below.store(free as u32, Ordering::Relaxed);
            match self.free.compare_exchange_weak(free, next(free, index + 1), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => free = now,
            }
        }
    }

    /// A slot that was never used.
    #[cold]
    fn unused(&self) -> Option<(u32, &HoldSlot)> {
        let take = |used: u32| (used < MAX_SLOTS).then_some(used + 1);
        let index = self.used.fetch_update(Ordering::AcqRel, Ordering::Relaxed, take).ok()?;
        let (segment, _) = place(index);
        let link = &self.segments[segment];
        if link.load(Ordering::Acquire).is_null() {
            let fresh: Box<[HoldSlot]> = (0..segment_len(segment)).map(|_| HoldSlot::new()).collect();
            let fresh = Box::into_raw(fresh);
            let first = fresh.cast::<HoldSlot>();
            if link.compare_exchange(ptr::null_mut(), first, Ordering::AcqRel, Ordering::Acquire).is_err() {
                // SAFETY: ours; no other thread has got the pointer.
                drop(unsafe { Box::from_raw(fresh) });
            }
        }
        Some((index, self.slot(index)?))
    }
}

fn segment_len(segment: usize) -> usize {
    (FIRST as usize) << segment
}

/// The segment of a slot, and its place in it.
#[inline]
fn place(index: u32) -> (usize, usize) {
    let segment = (index / FIRST + 1).ilog2();
    (segment as usize, (index - FIRST * ((1 << segment) - 1)) as usize)
}

#[inline]
fn next(free: u64, top: u32) -> u64 {
    ((free >> 32).wrapping_add(1) << 32) | u64::from(top)
}

impl Drop for Holds {
    fn drop(&mut self) {
        for (segment, link) in self.segments.iter_mut().enumerate() {
            let first = owned(link);
            if !first.is_null() {
                let slots = ptr::slice_from_raw_parts_mut(first, segment_len(segment));
                // SAFETY: made of a boxed slice of this length, linked once, and no other user of it is left.
                drop(unsafe { Box::from_raw(slots) });
            }
        }
    }
}

#[cfg(all(test, loom))]
mod loom_models;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::{Mutex, RwLock};

    fn facts(edge: u64, mode: Mode) -> HoldFacts {
        let transferable = edge % 2 == 0;
        HoldFacts {
            edge,
            task: edge * 2,
            mode,
            transferable,
            units: edge * 3,
            since: edge * 7,
            location: None,
            guard: GuardWord::from_bits(edge as usize * 11),
        }
    }

    fn edges(holds: &Holds) -> Vec<u64> {
        let picture = holds.picture();
        for hold in &picture {
            assert_eq!(*hold, facts(hold.edge, hold.mode), "never a mix of two holds");
        }
        picture.iter().map(|hold| hold.edge).collect()
    }

    #[test]
    fn every_index_has_a_place_of_its_own() {
        let mut expect = (0, 0);
        for index in 0..10_000 {
            assert_eq!(place(index), expect);
            expect.1 += 1;
            if expect.1 == segment_len(expect.0) {
                expect = (expect.0 + 1, 0);
            }
        }
        assert_eq!(place(MAX_SLOTS - 1), (SEGMENTS - 1, segment_len(SEGMENTS - 1) - 1));
        assert_eq!(place(MAX_SLOTS).0, SEGMENTS);
        let holds = Holds::new();
        holds.open(&facts(1, Mode::Permit));
        for wrong in [1, 8, MAX_SLOTS, u32::MAX] {
            assert!(holds.at(wrong).is_none());
        }
    }

    #[test]
    fn many_holds_and_reuse() {
        let holds = Holds::new();
        let open: Vec<u32> = (1..=100).map(|edge| holds.open(&facts(edge, Mode::Permit)).unwrap()).collect();
        assert_eq!(edges(&holds), (1..=100).collect::<Vec<_>>());
        holds.close(open[70]);
        holds.close(open[3]);
        assert_eq!(holds.open(&facts(101, Mode::Permit)), Some(open[3]));
        assert_eq!(holds.open(&facts(102, Mode::Permit)), Some(open[70]));
        assert_eq!(holds.open(&facts(103, Mode::Permit)), Some(100));
        holds.replace(open[0], |before| facts(before.edge + 103, Mode::Shared));
        assert_eq!(holds.at(open[0]), Some(facts(104, Mode::Shared)));
        open.iter().for_each(|index| holds.close(*index));
        assert_eq!(edges(&holds), [103]);
    }

    #[test]
    fn a_hold_that_moves_from_slot_to_slot_is_seen_once() {
        let holds = Holds::new();
        let first = holds.open(&facts(1, Mode::Exclusive)).unwrap();
        let second = holds.open(&facts(2, Mode::Shared)).unwrap();
        holds.close(second);
        let mut handed_over = false;
        let picture = holds.picture_while(|index| {
            if index == first && !std::mem::replace(&mut handed_over, true) {
                // The next holder is in a slot that the pass has not reached yet.
                holds.close(first);
                let other = holds.open(&facts(3, Mode::Shared)).unwrap();
                assert_eq!(holds.open(&facts(4, Mode::Exclusive)), Some(second));
                holds.close(other);
            }
        });
        assert_eq!(picture, [facts(4, Mode::Exclusive)]);
    }

    /// Holders of a real lock, on several threads: no picture contains two that exclude each other.
    #[test]
    fn a_picture_is_of_one_instant() {
        let rounds = if cfg!(miri) { 30 } else { 20_000 };
        let holds = Holds::new();
        let lock = RwLock::new(());
        let next = AtomicU64::new(1);
        let edge = || next.fetch_add(1, Ordering::Relaxed);
        let running = Mutex::new(3);
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let (holds, lock, running) = (&holds, &lock, &running);
                scope.spawn(move || {
                    for n in 0..rounds {
                        if (n + thread) % 3 == 0 {
                            let _held = lock.write().unwrap();
                            let index = holds.open(&facts(edge(), Mode::Exclusive)).unwrap();
                            holds.replace(index, |_| facts(edge(), Mode::Exclusive));
                            holds.close(index);
                        } else {
                            let _held = lock.read().unwrap();
                            let index = holds.open(&facts(edge(), Mode::Shared)).unwrap();
                            holds.close(index);
                        }
                    }
                    *running.lock().unwrap() -= 1;
                });
            }
            while *running.lock().unwrap() > 0 {
                edges(&holds);
                let picture = holds.picture();
                let exclusive = picture.iter().filter(|hold| hold.mode == Mode::Exclusive).count();
                assert!(exclusive == 0 || picture.len() == 1, "{picture:?}");
            }
        });
        assert!(edges(&holds).is_empty());
        assert!(holds.used.load(Ordering::Relaxed) <= 3, "closed slots are used again");
    }
}
