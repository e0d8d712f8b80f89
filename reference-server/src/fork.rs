//! Support for processes that fork, as daemons do. A forked child has none of insight's threads.
//!
//! The child closes the descriptors that it inherits from insight. So the port and the files of its parent are free when the
//! parent ends. The child records nothing until it calls `init` itself. The handlers use only atomics, since little else is
//! allowed in a forked child.

use std::cell::Cell;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Identifies a process among its forked ancestors and children. The process ID is not enough: in a new PID namespace a child
/// may have the same ID as its parent has in the outer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcessId {
    pid: u32,
    forks: u32,
}

impl ProcessId {
    pub(crate) fn here() -> ProcessId {
        ProcessId { pid: std::process::id(), forks: forks() }
    }

    pub(crate) fn pid(self) -> u32 {
        self.pid
    }
}

/// Counts the forks between the process that first started insight and this one. Written in a child by the fork handler, read by
/// any thread. Relaxed, since no other data depends on it.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The number of forks between the process that first started insight and this one.
pub(crate) fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Held while symbols are read, and while the process forks. The crate `backtrace` holds a lock while it reads symbols. A child
/// that was forked during that time would never get this lock, and each of its backtraces would hang.
static RESOLVING: Mutex<()> = Mutex::new(());

thread_local! {
    /// The guard of [`RESOLVING`] while this thread forks.
    static HELD: Cell<Option<MutexGuard<'static, ()>>> = const { Cell::new(None) };
}

/// Hold the guard while you read the symbols of one address.
pub(crate) fn resolving() -> MutexGuard<'static, ()> {
    RESOLVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Maximum number of descriptors that a child closes: more than insight has open connections, listeners and recordings.
const MAX_DESCRIPTORS: usize = 256;
/// The value of an entry without a descriptor.
const FREE: i32 = -1;

/// The descriptors that a forked child closes. Written by the thread that opens or closes one, read in a child by the fork
/// handler. Relaxed, since no other data depends on the numbers.
static DESCRIPTORS: [AtomicI32; MAX_DESCRIPTORS] = [const { AtomicI32::new(FREE) }; MAX_DESCRIPTORS];

/// A descriptor that forked children close. Drop this before you close the descriptor.
#[derive(Debug)]
pub(crate) struct ClosedByChild {
    /// The index in [`DESCRIPTORS`].
    index: Option<usize>,
}

impl ClosedByChild {
    #[cfg(unix)]
    pub(crate) fn new(descriptor: &impl std::os::fd::AsRawFd) -> ClosedByChild {
        let number = descriptor.as_raw_fd();
        let take =
            |entry: &AtomicI32| entry.compare_exchange(FREE, number, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        // If the table is full, the child keeps its copy of the descriptor until it ends.
        ClosedByChild { index: DESCRIPTORS.iter().position(take) }
    }

    /// Processes do not fork on this system.
    #[cfg(not(unix))]
    pub(crate) fn new<T>(_descriptor: &T) -> ClosedByChild {
        ClosedByChild { index: None }
    }
}

impl Drop for ClosedByChild {
    fn drop(&mut self) {
        if let Some(index) = self.index {
            DESCRIPTORS[index].store(FREE, Ordering::Relaxed);
        }
    }
}

/// Installs the fork handlers, once.
#[cfg(unix)]
pub(crate) fn watch() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    // SAFETY: the functions are part of the program, so they exist as long as the process.
    ONCE.call_once(|| unsafe {
        libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child));
    });
}

#[cfg(not(unix))]
pub(crate) fn watch() {}

#[cfg(unix)]
unsafe extern "C" fn before() {
    let resolving = resolving();
    let _ = HELD.try_with(|held| held.set(Some(resolving)));
    insight_probe::before_fork();
}

#[cfg(unix)]
unsafe extern "C" fn in_parent() {
    insight_probe::after_fork_in_parent();
    drop(HELD.try_with(Cell::take));
}

#[cfg(unix)]
unsafe extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    insight_probe::after_fork_in_child();
    drop(HELD.try_with(Cell::take));
    crate::ending::in_forked_child();
    for entry in &DESCRIPTORS {
        let number = entry.swap(FREE, Ordering::Relaxed);
        if number != FREE {
            // SAFETY: the descriptor belongs to insight, and no thread of the child uses it.
            unsafe { libc::close(number) };
        }
    }
}
