//! async-executor as an executor of the protocol, and its observed futures.

use insight_probe::{Capability, Executor, Kind, Observed, TaskRef, is_recorded, on};
use std::panic::Location;

/// As a part of insight-smol its tasks are smol's.
#[cfg(not(insight_whole_graph))]
const NAME: (&str, &str) = ("smol", "2.0");
#[cfg(insight_whole_graph)]
const NAME: (&str, &str) = ("async-executor", env!("CARGO_PKG_VERSION"));

/// The description of async-executor. It has no task IDs, so a poll of an observed task belongs to that task.
///
/// A static executor, and smol's global one, are never dropped. The program can drop the others: their tasks are scoped.
pub static EXECUTOR: Executor = Executor::new(NAME.0, NAME.1, || None)
    .observing(&[
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
        Capability::Operations,
    ])
    .lasting(&[Kind::Task, Kind::Local]);

/// Names async-executor in the stream. An executor may be a static, which no call makes, so every entry point calls
/// this. In a whole graph the first one also starts insight.
#[inline]
pub fn announce() {
    insight_probe::announce!(once EXECUTOR);
}

/// The observed future, and the task's reference for its handle. A future that another facade observes stays as it is.
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
