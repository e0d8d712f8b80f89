//! IDs, unique in this process; and the first one that is recorded now.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

static TASKS: AtomicU64 = AtomicU64::new(1);
static RESOURCES: AtomicU64 = AtomicU64::new(1);
static EDGES: AtomicU64 = AtomicU64::new(1);

/// Number of edge IDs that a thread takes at once, so that waits on several threads do not contend for one counter.
const BLOCK: u64 = 1024;

/// The first ID that is recorded now. An object with a lower ID was recorded before recording was turned off, and gets
/// another ID when it is used again. [`OFF`] while recording is off.
static RECORDED_FROM: AtomicU64 = AtomicU64::new(OFF);
const OFF: u64 = u64::MAX;

/// Whether recording is on.
#[inline]
pub fn on() -> bool {
    RECORDED_FROM.load(Ordering::Relaxed) != OFF
}

/// Turns recording on, and returns the first ID that is recorded now. All earlier objects become unknown.
///
/// One word has both facts, whether recording is on and the first recorded ID, so each thread reads them together.
pub(crate) fn turn_on() -> u64 {
    // Tasks and resources continue at one number, which none of either had.
    let first = TASKS.load(Ordering::Relaxed).max(RESOURCES.load(Ordering::Relaxed));
    TASKS.fetch_max(first, Ordering::Relaxed);
    RESOURCES.fetch_max(first, Ordering::Relaxed);
    RECORDED_FROM.store(first, Ordering::SeqCst);
    first
}

pub(crate) fn turn_off() {
    RECORDED_FROM.store(OFF, Ordering::SeqCst);
}

/// Whether the object with this ID is recorded now.
#[inline]
pub(crate) fn is_recorded(id: u64) -> bool {
    id >= RECORDED_FROM.load(Ordering::Relaxed)
}

/// Stands for an id while a thread gives it out.
pub(crate) const REGISTERING: u64 = u64::MAX;

/// Waits the few nanoseconds until another thread has given out an id.
pub(crate) fn wait_for_registration(id: &AtomicU64) -> u64 {
    loop {
        match id.load(Ordering::Acquire) {
            REGISTERING => std::thread::yield_now(),
            id => return id,
        }
    }
}

thread_local! {
    static EDGE_BLOCK: Cell<u64> = const { Cell::new(0) };
}

pub(crate) fn next_task() -> u64 {
    TASKS.fetch_add(1, Ordering::Relaxed)
}

/// Whether the id was given out.
pub(crate) fn was_task(id: u64) -> bool {
    (1..TASKS.load(Ordering::Relaxed)).contains(&id)
}

pub(crate) fn next_resource() -> u64 {
    RESOURCES.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn next_edge() -> u64 {
    EDGE_BLOCK.with(|block| {
        let mut id = block.get();
        if id % BLOCK == 0 {
            id = EDGES.fetch_add(1, Ordering::Relaxed) * BLOCK;
        }
        block.set(id + 1);
        id
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn edge_ids_are_unique_and_never_zero() {
        let take = || (0..3000).map(|_| super::next_edge()).collect::<Vec<_>>();
        let other = std::thread::spawn(take);
        let mut ids = take();
        ids.extend(other.join().unwrap());
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(ids[0] > 0 && ids[count - 1] <= insight_protocol::MAX_ID);
    }
}
