//! smol as an executor of the protocol, and its observed spawns.

#[cfg(insight_whole_graph)]
use insight_probe::Capability;
use insight_probe::{Kind, Observed, ObservedClosure, TaskRef, on};
use std::panic::Location;

// insight-smol as a whole is one executor.
#[cfg(not(insight_whole_graph))]
pub(crate) use insight_executor::{EXECUTOR, announce};

/// The description of smol. smol has no task IDs, so a poll of an observed task belongs to that task. Its global executor is never
/// dropped.
#[cfg(insight_whole_graph)]
pub(crate) static EXECUTOR: insight_probe::Executor =
    insight_probe::Executor::new("smol", env!("CARGO_PKG_VERSION"), || None)
        .observing(&[
            Capability::Tasks,
            Capability::TaskTimes,
            Capability::ForeignWakers,
            Capability::Mutexes,
            Capability::Rwlocks,
            Capability::Semaphores,
            Capability::Channels,
            Capability::Joins,
            Capability::Operations,
        ])
        .lasting(&[Kind::Task]);

/// Names smol in the stream, and starts insight if nothing has.
#[cfg(insight_whole_graph)]
#[inline]
pub(crate) fn announce() {
    insight_probe::announce!(once EXECUTOR);
}

/// The observed future, and the task's reference for its handle.
#[inline(always)]
pub(crate) fn observed<F>(future: F, kind: Kind, location: &'static Location<'static>) -> (Observed<F>, TaskRef) {
    if cfg!(insight_whole_graph) || on() {
        announce();
    }
    let observed = Observed::new(future, &EXECUTOR, kind, location);
    let task = observed.task_ref();
    (observed, task)
}

/// The observed future of a `block_on` of this thread.
pub(crate) fn root<F>(future: F, location: &'static Location<'static>) -> Observed<F> {
    announce();
    Observed::root(future, &EXECUTOR, location)
}

/// The observed closure, and the task's reference for its handle.
pub(crate) fn observed_closure<F, R>(f: F, location: &'static Location<'static>) -> (impl FnOnce() -> R, TaskRef)
where
    F: FnOnce() -> R,
{
    if cfg!(insight_whole_graph) || on() {
        announce();
    }
    let closure = ObservedClosure::new(f, &EXECUTOR, location);
    let task = closure.task_ref();
    (move || closure.call(), task)
}
