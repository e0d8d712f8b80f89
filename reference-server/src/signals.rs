//! Keeps insight's work from causing signals in the program, and from receiving signals that are meant for it.

/// Runs `body` with the write signals blocked, so that a write beyond a limit or to a closed pipe only returns an error. SIGXFSZ
/// would end the program, and so would SIGPIPE if the program does not ignore it.
#[cfg(unix)]
pub(crate) fn without_write_signals<T>(body: impl FnOnce() -> T) -> T {
    // Restores the mask even if `body` panics.
    let _mask = Mask::block(Set::of(&WRITE_SIGNALS), true);
    body()
}

/// Runs `body` with all signals to the process blocked; a thread that `body` starts inherits this mask. So the program's handlers
/// run on its own threads, and no thread of insight takes a signal for which the program waits with `sigwait`.
#[cfg(unix)]
pub(crate) fn without_signals<T>(body: impl FnOnce() -> T) -> T {
    let _mask = Mask::block(Set::all_but(&FAULTS), false);
    body()
}

#[cfg(not(unix))]
pub(crate) fn without_write_signals<T>(body: impl FnOnce() -> T) -> T {
    body()
}

#[cfg(not(unix))]
pub(crate) fn without_signals<T>(body: impl FnOnce() -> T) -> T {
    body()
}

/// The signals that the system sends to a thread because of its write.
#[cfg(unix)]
const WRITE_SIGNALS: [libc::c_int; 2] = [libc::SIGXFSZ, libc::SIGPIPE];
/// The signals that the system sends to a thread because of its own fault.
#[cfg(unix)]
const FAULTS: [libc::c_int; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT];

#[cfg(unix)]
struct Set(libc::sigset_t);

#[cfg(unix)]
impl Set {
    fn filled(all: bool) -> Set {
        let mut set = std::mem::MaybeUninit::uninit();
        // SAFETY: each of the calls initializes the whole set, and neither fails for a valid pointer.
        unsafe {
            if all {
                libc::sigfillset(set.as_mut_ptr())
            } else {
                libc::sigemptyset(set.as_mut_ptr())
            };
            Set(set.assume_init())
        }
    }

    fn of(signals: &[libc::c_int]) -> Set {
        let mut set = Set::filled(false);
        for signal in signals {
            // SAFETY: the set is initialized, and the number is a signal number.
            unsafe { libc::sigaddset(&mut set.0, *signal) };
        }
        set
    }

    fn all_but(signals: &[libc::c_int]) -> Set {
        let mut set = Set::filled(true);
        for signal in signals {
            // SAFETY: the set is initialized, and the number is a signal number.
            unsafe { libc::sigdelset(&mut set.0, *signal) };
        }
        set
    }

    fn pending() -> Set {
        let mut set = Set::filled(false);
        // SAFETY: the pointer is to an initialized set, which the call overwrites.
        unsafe { libc::sigpending(&mut set.0) };
        set
    }

    fn has(&self, signal: libc::c_int) -> bool {
        // SAFETY: the set is initialized, and the number is a signal number.
        unsafe { libc::sigismember(&self.0, signal) == 1 }
    }
}

/// The earlier mask of this thread. It is restored on drop.
#[cfg(unix)]
struct Mask {
    before: Set,
    /// The write signals that were not pending before. Those that are pending on drop are removed. `None` removes none.
    take: Option<Set>,
}

#[cfg(unix)]
impl Mask {
    fn block(set: Set, take_write_signals: bool) -> Mask {
        let pending = Set::pending();
        let mut before = Set::filled(false);
        // SAFETY: both pointers are to initialized sets.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set.0, &mut before.0) };
        let new: Vec<libc::c_int> = WRITE_SIGNALS.into_iter().filter(|signal| !pending.has(*signal)).collect();
        Mask { before, take: take_write_signals.then(|| Set::of(&new)) }
    }
}

#[cfg(unix)]
impl Drop for Mask {
    fn drop(&mut self) {
        if let Some(take) = &self.take {
            let pending = Set::pending();
            for signal in WRITE_SIGNALS.into_iter().filter(|signal| take.has(*signal) && pending.has(*signal)) {
                let mut taken = 0;
                // SAFETY: the set has one signal, which is pending and blocked: the call returns at once.
                unsafe { libc::sigwait(&Set::of(&[signal]).0, &mut taken) };
            }
        }
        // SAFETY: the pointer is to an initialized set, and null means that the old mask is not returned.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before.0, std::ptr::null_mut()) };
    }
}
