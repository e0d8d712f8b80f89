//! async-executor as an executor of the protocol, and its futures, observed.

use insight_probe::{Capability, Executor, Kind, Observed, TaskRef, is_recorded, on};
use std::panic::Location;
use std::sync::Once;

/// As a part of insight-smol its tasks are smol's.
#[cfg(not(insight_whole_graph))]
const NAME: (&str, &str) = ("smol", "2.0");
#[cfg(insight_whole_graph)]
const NAME: (&str, &str) = ("async-executor", env!("CARGO_PKG_VERSION"));

/// What insight knows of it. It has no ids of tasks, so what polls an observed task is that task.
pub static EXECUTOR: Executor = Executor::new(NAME.0, NAME.1, || None).observing(&[
    Capability::Tasks,
    Capability::TaskTimes,
    Capability::ForeignWakers,
    Capability::Mutexes,
    Capability::Rwlocks,
    Capability::Semaphores,
    Capability::Channels,
    Capability::Joins,
    #[cfg(not(insight_whole_graph))]
    Capability::Timers,
]);

/// Makes it known to streams. An executor may be a static, which nothing makes at a time: so this is at each way in. In a
/// whole graph the first way in starts insight.
#[inline]
pub fn announce() {
    static ANNOUNCED: Once = Once::new();
    ANNOUNCED.call_once(|| {
        #[cfg(insight_whole_graph)]
        {
            insight::graph_facts_at(env!("INSIGHT_COVERAGE_FILE"));
            insight::start_with_program();
        }
        EXECUTOR.announce();
    });
}

/// The future as it is spawned, and what its handle keeps. A future that another facade has observed stays as it is.
#[inline(always)]
pub(crate) fn observed<F>(future: F, kind: Kind, location: &'static Location<'static>) -> (Observed<F>, TaskRef) {
    if cfg!(insight_whole_graph) || on() {
        announce();
    }
    if is_recorded() {
        return (Observed::passed_on(future), TaskRef::unseen());
    }
    let observed = Observed::new(future, &EXECUTOR, kind, location);
    let task = observed.task_ref();
    (observed, task)
}
