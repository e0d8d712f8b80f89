//! The numbers of the program's threads, from 1.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

static THREADS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// 0 until asked for. It has no destructor, so a thread that is about to end has it too.
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// The number of this thread, unique in the process.
pub(crate) fn number() -> u64 {
    NUMBER.with(|number| {
        if number.get() == 0 {
            number.set(THREADS.fetch_add(1, Ordering::Relaxed) + 1);
        }
        number.get()
    })
}
