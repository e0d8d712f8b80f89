//! smol, as an executor of the protocol, and what is spawned, observed.

#[cfg(insight_whole_graph)]
use insight_probe::Capability;
use insight_probe::{Kind, Observed, ObservedClosure, TaskRef, on};
use std::panic::Location;

// As a whole insight-smol is one executor.
#[cfg(not(insight_whole_graph))]
pub(crate) use insight_executor::{EXECUTOR, announce};

/// What insight knows of smol. It has no ids of tasks, so what polls an observed task is that task.
#[cfg(insight_whole_graph)]
pub(crate) static EXECUTOR: insight_probe::Executor =
    insight_probe::Executor::new("smol", env!("CARGO_PKG_VERSION"), || None).observing(&[
        Capability::Tasks,
        Capability::TaskTimes,
        Capability::ForeignWakers,
        Capability::Mutexes,
        Capability::Rwlocks,
        Capability::Semaphores,
        Capability::Channels,
        Capability::Joins,
    ]);

/// Makes smol known to streams, and starts insight if nothing has.
#[cfg(insight_whole_graph)]
#[inline]
pub(crate) fn announce() {
    static ANNOUNCED: std::sync::Once = std::sync::Once::new();
    ANNOUNCED.call_once(|| {
        insight::graph_facts_at(env!("INSIGHT_COVERAGE_FILE"));
        insight::start_with_program();
        EXECUTOR.announce();
    });
}

/// The future, observed, and what its handle keeps.
#[inline(always)]
pub(crate) fn observed<F>(future: F, kind: Kind, location: &'static Location<'static>) -> (Observed<F>, TaskRef) {
    if cfg!(insight_whole_graph) || on() {
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
    if cfg!(insight_whole_graph) || on() {
        announce();
    }
    let closure = ObservedClosure::new(f, &EXECUTOR, location);
    let task = closure.task_ref();
    (move || closure.call(), task)
}
