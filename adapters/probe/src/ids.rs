//! Ids, unique in this process.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

static TASKS: AtomicU64 = AtomicU64::new(1);
static RESOURCES: AtomicU64 = AtomicU64::new(1);
static EDGES: AtomicU64 = AtomicU64::new(1);

/// How many edge ids a thread takes at once, so that waits on several threads do not meet at one counter.
const BLOCK: u64 = 1024;

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
        if id.is_multiple_of(BLOCK) {
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
