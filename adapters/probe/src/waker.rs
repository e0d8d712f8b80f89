//! The waker with which an observed task polls. It records each wake with its waking task, and the number of clones.
//!
//! An observed leaf future is polled with a waker of its own (see waker/operation.rs), which marks its wait as granted.
//! Where that is not possible, it gets a waker with the vtable `KNOWN`: its clones belong to a recorded wait.
//! All other futures get `FOREIGN`: while clones of that kind live, something that insight does not observe (a timer, a
//! socket, another crate's channel) may wake the task. Since a leaf always gets the same kind, `will_wake` is true from poll
//! to poll, and the leaf does not clone again.
//!
//! The tracing vtables are used for one poll at a time (see trace.rs). Their clones are of the usual kind, and each clone
//! records its stack.

mod operation;
mod task;

pub(crate) use operation::{Polling, Reserved};
pub(crate) use task::{OwnWaker, poll_yielding, with_executors, with_own};

use crate::cell::TaskCell;
use crate::cell_ref::CellRef;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::task::{RawWakerVTable, Waker};
use task::{FOREIGN, KNOWN, TRACING_FOREIGN, TRACING_KNOWN};

/// The task to which a waker belongs.
pub(crate) struct Known<'a> {
    pub(crate) task: ManuallyDrop<CellRef>,
    /// The waker is a tracing one.
    pub(crate) tracing: bool,
    _waker: PhantomData<&'a Waker>,
}

/// `None` for a waker that is not one of ours.
#[inline]
pub(crate) fn known(waker: &Waker) -> Option<Known<'_>> {
    let is = |vtable: &'static RawWakerVTable| std::ptr::eq(waker.vtable(), vtable);
    let (cell, tracing) = if is(&FOREIGN) || is(&KNOWN) {
        (waker.data().cast::<TaskCell>(), false)
    } else if is(&TRACING_FOREIGN) || is(&TRACING_KNOWN) {
        (waker.data().cast::<TaskCell>(), true)
    } else {
        operation::cell_and_tracing(waker)?
    };
    // SAFETY: with one of our vtables it is a pointer from `CellRef::as_ptr` to a cell that lives as long as one of its
    // wakers does, and `waker`, which the result borrows, is one. The count is not ours, so it is not dropped.
    let task = ManuallyDrop::new(unsafe { CellRef::from_raw(cell) });
    Some(Known { task, tracing, _waker: PhantomData })
}

#[cfg(all(test, loom))]
mod loom_models;

#[cfg(all(test, not(loom), unix))]
mod tests {
    use super::task::borrowed;
    use super::*;
    use crate::kind::Kind;
    use crate::meta::{Body, TaskMeta};
    use crate::wakers::{ONE, TOO_MANY};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};
    use std::{env, panic::Location};

    static EXECUTOR: crate::Executor = crate::Executor::new("counted", "1.0", || None);
    /// Which clone is made in a process that is to end by it.
    const CLONE: &str = "INSIGHT_TEST_CLONE";

    /// Clones a waker of a task that seems to have so many already.
    fn clone_beside(kind: &str, count: u64) {
        let meta =
            TaskMeta { executor: &EXECUTOR, kind: Kind::Task, location: Location::caller(), body: Body::UNKNOWN };
        let own = OwnWaker::new(TaskCell::spawned(meta, true));
        own.install(Waker::noop());
        own.cell().wakers().set_counts(count);
        let slot = Reserved::of(own.cell());
        let polling = Polling::new(own.cell(), None);
        let clone = match kind {
            "foreign" => own.with(Waker::noop(), false, Waker::clone),
            "known" => Waker::clone(&borrowed(own.cell(), &KNOWN)),
            "first of a slot" | "inline" => {
                let open = if kind == "inline" { Polling::new(own.cell(), Some(slot.slot().into())) } else { polling };
                let clone = Waker::clone(&open.waker(false));
                drop(open);
                clone
            }
            kind => panic!("{kind}"),
        };
        drop(clone);
        own.cell().wakers().set_counts(ONE);
    }

    #[test]
    fn a_count_that_would_come_round_ends_the_process() {
        if let Ok(kind) = env::var(CLONE) {
            return clone_beside(&kind, u64::from(TOO_MANY) + 1);
        }
        for kind in ["foreign", "known", "inline", "first of a slot"] {
            clone_beside(kind, u64::from(TOO_MANY));
            let mut child = Command::new(env::current_exe().unwrap());
            child.args(["--exact", "waker::tests::a_count_that_would_come_round_ends_the_process"]).env(CLONE, kind);
            let status = child.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
            // SIGABRT.
            assert_eq!(status.signal(), Some(6), "{kind}: {status}");
        }
    }
}
