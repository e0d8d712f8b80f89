//! The threads of insight: their start, and the processor time that they use.

use crate::{say, signals};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Stack size of a thread that only reads and writes, in bytes. glibc stores the program's thread-local data in the stack too.
pub(crate) const SMALL: usize = 512 << 10;
/// Stack size of a thread that diagnoses, or reads debug information, in bytes.
pub(crate) const LARGE: usize = 2 << 20;

/// Starts a thread that catches panics, and on which no signal handler of the program runs.
pub(crate) fn spawn(name: &'static str, stack: usize, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let body = move || {
        // Unwind-safe: the unwinding drops the captures of `body`, and no other code can use them.
        if catch_unwind(AssertUnwindSafe(body)).is_err() {
            say(&format!("the thread {name} has stopped by a fault of insight's own; the program runs on"));
        }
    };
    signals::without_signals(|| system::start(name, stack, Box::new(body)))
}

type Body = Box<dyn FnOnce() + Send>;

/// Starts the thread by the system, not by std. A thread of std briefly holds a lock of std when it begins and when it ends. In a
/// child that is forked in that moment, the lock is held for ever, and no thread of the child could start.
#[cfg(unix)]
mod system {
    use super::Body;
    use std::ffi::{CString, c_void};
    use std::io;
    use std::mem::MaybeUninit;
    use std::ptr;

    struct Start {
        name: &'static str,
        body: Body,
    }

    pub(super) fn start(name: &'static str, stack: usize, body: Body) -> io::Result<()> {
        let attributes = Attributes::detached(stack)?;
        let start = Box::into_raw(Box::new(Start { name, body }));
        let mut thread = MaybeUninit::uninit();
        // SAFETY: the attributes are initialized, and `run` takes ownership of `start` exactly once.
        let error = unsafe { libc::pthread_create(thread.as_mut_ptr(), &attributes.0, run, start.cast()) };
        if error != 0 {
            // SAFETY: no thread was started, so we still own `start`.
            drop(unsafe { Box::from_raw(start) });
        }
        result(error)
    }

    extern "C" fn run(start: *mut c_void) -> *mut c_void {
        // SAFETY: the pointer comes from `start`, which has passed its ownership to this thread.
        let Start { name, body } = *unsafe { Box::from_raw(start.cast::<Start>()) };
        name_thread(name);
        body();
        ptr::null_mut()
    }

    struct Attributes(libc::pthread_attr_t);

    impl Attributes {
        fn detached(stack: usize) -> io::Result<Attributes> {
            let mut attributes = MaybeUninit::uninit();
            // SAFETY: the pointer is to memory for the attributes.
            result(unsafe { libc::pthread_attr_init(attributes.as_mut_ptr()) })?;
            // SAFETY: the attributes are initialized.
            let mut attributes = Attributes(unsafe { attributes.assume_init() });
            // SAFETY: the attributes are initialized. The size is a multiple of the page size, and above the minimum of each
            // system.
            result(unsafe { libc::pthread_attr_setstacksize(&mut attributes.0, stack) })?;
            // SAFETY: the attributes are initialized.
            result(unsafe { libc::pthread_attr_setdetachstate(&mut attributes.0, libc::PTHREAD_CREATE_DETACHED) })?;
            Ok(attributes)
        }
    }

    impl Drop for Attributes {
        fn drop(&mut self) {
            // SAFETY: the attributes are initialized, and not used again.
            unsafe { libc::pthread_attr_destroy(&mut self.0) };
        }
    }

    fn result(error: libc::c_int) -> io::Result<()> {
        match error {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }

    /// Names this thread, for debuggers. Linux allows 15 bytes.
    fn name_thread(name: &str) {
        let Ok(name) = CString::new(name) else { return };
        #[cfg(any(target_os = "linux", target_os = "android"))]
        // SAFETY: the name ends in a zero byte.
        unsafe {
            libc::pthread_setname_np(libc::pthread_self(), name.as_ptr())
        };
        #[cfg(target_vendor = "apple")]
        // SAFETY: the name ends in a zero byte.
        unsafe {
            libc::pthread_setname_np(name.as_ptr())
        };
        // Threads get no name on other systems.
        let _ = name;
    }
}

#[cfg(not(unix))]
mod system {
    use super::Body;
    use std::io;

    pub(super) fn start(name: &'static str, stack: usize, body: Body) -> io::Result<()> {
        std::thread::Builder::new().name(name.to_owned()).stack_size(stack).spawn(body).map(drop)
    }
}

/// The processor time of this thread. The time for which it waited for a processor is not included, so the result does not grow
/// on a busy machine.
#[cfg(unix)]
pub(crate) fn time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to memory for the answer.
    if unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) } != 0 {
        return Duration::ZERO;
    }
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The elapsed time, since this system does not report the processor time of a thread.
#[cfg(not(unix))]
pub(crate) fn time() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::{SMALL, spawn, time};
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    const DEADLINE: Duration = Duration::from_secs(60);

    #[test]
    fn thread_runs_and_catches_a_panic() {
        let (ran, has_run) = channel();
        spawn("insight-test", SMALL, move || ran.send(()).unwrap()).unwrap();
        has_run.recv_timeout(DEADLINE).unwrap();
        let (owned, is_dropped) = channel::<()>();
        spawn("insight-test", SMALL, move || {
            let _owned = owned;
            panic!("on purpose");
        })
        .unwrap();
        assert!(is_dropped.recv_timeout(DEADLINE).is_err_and(|error| error.to_string().contains("closed")));
    }

    #[test]
    fn processor_time_increases_while_a_thread_works() {
        let (before, start) = (time(), Instant::now());
        while time() < before + Duration::from_millis(2) {
            assert!(start.elapsed() < DEADLINE, "the processor time does not increase");
        }
    }
}
