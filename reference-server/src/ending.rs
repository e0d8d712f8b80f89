//! The end of the process. It waits up to [`LIMIT`] until the recordings are complete.
//!
//! A program ends itself through `exit`, which also runs after `main` returns, or through `abort`, as in a panic that cannot
//! unwind. In both cases we wait here until the recorder has collected the last events and each recording's thread has written
//! them. The wait uses only atomics and the clock: little else is allowed in a signal handler, and a thread that is gone could
//! still hold a lock.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Maximum time for which the end of the process waits for its recordings.
#[cfg_attr(not(unix), expect(dead_code, reason = "nothing waits at the end of a process"))]
pub(crate) const LIMIT: Duration = Duration::from_millis(200);
/// Maximum time until the recorder notices that the process ends, while there is a recording.
pub(crate) const NOTICE: Duration = Duration::from_millis(20);

/// The process is ending, so the recordings must end too. Written once by the thread that ends the process, read by the recorder's
/// thread. Relaxed, since no other data depends on it.
static BEGUN: AtomicBool = AtomicBool::new(false);
/// The number of incomplete recordings. Changed by the threads that begin and write them, read by the thread that ends the process.
/// Release and acquire: when that thread reads 0, the writes to all recordings happened before.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// An incomplete recording, for which the end of the process waits. Drop this when the recording is complete.
#[derive(Debug)]
pub(crate) struct Unfinished(());

impl Unfinished {
    pub(crate) fn begin() -> Unfinished {
        system::watch();
        OPEN.fetch_add(1, Ordering::Relaxed);
        Unfinished(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Release);
    }
}

/// Resets the state in a forked child: the recordings belong to its parent.
#[cfg(unix)]
pub(crate) fn in_forked_child() {
    BEGUN.store(false, Ordering::Relaxed);
    OPEN.store(0, Ordering::Relaxed);
}

/// Whether the process is ending, so that the recordings must be completed.
pub(crate) fn has_begun() -> bool {
    BEGUN.load(Ordering::Relaxed)
}

/// Whether there is an incomplete recording.
pub(crate) fn is_awaited() -> bool {
    OPEN.load(Ordering::Relaxed) > 0
}

#[cfg(unix)]
mod system {
    use super::{BEGUN, LIMIT, OPEN};
    use std::mem::MaybeUninit;
    use std::ptr;
    use std::sync::Once;
    use std::sync::atomic::{AtomicI32, Ordering};
    use std::time::Instant;

    /// The ID of the process that has recordings, to distinguish it from forked children, which have none. Written when a
    /// recording begins, read at the end of the process. Relaxed, since no other data depends on it.
    static PROCESS: AtomicI32 = AtomicI32::new(0);

    /// Makes the end of this process wait for its recordings.
    pub(super) fn watch() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            // SAFETY: the function is part of the program, so it exists as long as the process.
            unsafe { libc::atexit(at_exit) };
            watch_abort();
        });
        // SAFETY: the call takes nothing and returns a number.
        PROCESS.store(unsafe { libc::getpid() }, Ordering::Relaxed);
    }

    /// Installs our handler for SIGABRT, unless the program has its own handler, which may do anything.
    fn watch_abort() {
        let mut before = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: the pointer is to memory for the action, and null means that the action is not changed.
        let asked = unsafe { libc::sigaction(libc::SIGABRT, ptr::null(), before.as_mut_ptr()) };
        // SAFETY: all bits zero are a valid action, and the call may have replaced it.
        let before = unsafe { before.assume_init() };
        if asked != 0 || before.sa_sigaction != libc::SIG_DFL {
            return;
        }
        let mut action = before;
        action.sa_sigaction = at_abort as extern "C" fn(libc::c_int) as usize;
        // RESETHAND: the default action is set again before the handler runs. ONSTACK: the handler uses the signal stack if
        // there is one, since a stack overflow also ends in `abort`.
        action.sa_flags = libc::SA_RESETHAND | libc::SA_ONSTACK;
        // SAFETY: the action is initialized, and its handler is async-signal-safe.
        unsafe { libc::sigaction(libc::SIGABRT, &action, ptr::null_mut()) };
    }

    extern "C" fn at_exit() {
        wait();
    }

    extern "C" fn at_abort(signal: libc::c_int) {
        let mut now = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: the pointer is to memory for the action, and null means that the action is not changed.
        let asked = unsafe { libc::sigaction(signal, ptr::null(), now.as_mut_ptr()) };
        // SAFETY: all bits zero are a valid action, and the call may have replaced it.
        let now = unsafe { now.assume_init() };
        if asked != 0 || now.sa_sigaction != libc::SIG_DFL {
            // The program has set a handler since then, which has called this one. The program's handler decides whether the
            // process ends. If we raised the signal, both handlers would call each other for ever.
            return;
        }
        wait();
        // SAFETY: the call takes a number. The signal is blocked until the handler returns, and then ends the process.
        unsafe { libc::raise(signal) };
    }

    /// Calls only async-signal-safe functions.
    fn wait() {
        // SAFETY: the call takes nothing and returns a number.
        if unsafe { libc::getpid() } != PROCESS.load(Ordering::Relaxed) {
            return;
        }
        BEGUN.store(true, Ordering::Relaxed);
        let begun = Instant::now();
        while OPEN.load(Ordering::Acquire) > 0 && begun.elapsed() < LIMIT {
            let millisecond = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
            // SAFETY: the pointer is to an initialized time, and null means that the remaining time is not returned.
            unsafe { libc::nanosleep(&millisecond, ptr::null_mut()) };
        }
    }
}

#[cfg(not(unix))]
mod system {
    /// There is no handler for the end of a process on this system.
    pub(super) fn watch() {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            crate::say(
                "the recording will lack the program's last quarter of a second: this system has no handler for the end of a process",
            );
        });
    }
}
