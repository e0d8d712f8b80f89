//! smol, as an executor of the protocol, and what is spawned, observed.

use insight_probe::{Capability, Executor, Kind, Observed, ObservedClosure, TaskRef, on};
use std::panic::Location;
use std::sync::Once;

/// What insight knows of smol. It has no ids of tasks, so what polls an observed task is that task.
pub(crate) static EXECUTOR: Executor = Executor::new("smol", "2.0", || None).observing(&[
    Capability::Tasks,
    Capability::TaskTimes,
    Capability::ForeignWakers,
    Capability::Mutexes,
    Capability::Rwlocks,
    Capability::Semaphores,
    Capability::Channels,
    Capability::Joins,
    Capability::Timers,
]);

/// Makes smol known to streams. An executor may be a static, which nothing makes at a time: so this is at each way in.
#[inline]
pub(crate) fn announce() {
    static ANNOUNCED: Once = Once::new();
    ANNOUNCED.call_once(|| EXECUTOR.announce());
}

/// The future, observed, and what its handle keeps.
#[inline(always)]
pub(crate) fn observed<F>(future: F, kind: Kind, location: &'static Location<'static>) -> (Observed<F>, TaskRef) {
    if on() {
        announce();
    }
    let observed = Observed::new(future, &EXECUTOR, kind, location);
    let task = observed.task_ref();
    (observed, task)
}

/// The future that this thread is about to run to its end, observed.
pub(crate) fn root<F>(future: F, location: &'static Location<'static>) -> Observed<F> {
    announce();
    Observed::root(future, &EXECUTOR, location)
}

/// The closure, observed, and what its handle keeps.
pub(crate) fn observed_closure<F, R>(f: F, location: &'static Location<'static>) -> (impl FnOnce() -> R, TaskRef)
where
    F: FnOnce() -> R,
{
    if on() {
        announce();
    }
    let closure = ObservedClosure::new(f, &EXECUTOR, location);
    let task = closure.task_ref();
    (move || closure.call(), task)
}
