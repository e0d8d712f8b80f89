//! tokio as an executor of the protocol.

#[cfg(all(feature = "rt", not(insight_before = "1.41.0")))]
use insight_probe::task_number;
use insight_probe::{Capability, Executor};

/// The description of tokio.
pub(crate) static EXECUTOR: Executor = Executor::new("tokio", VERSION, current_task_id).observing(&[
    Capability::Tasks,
    Capability::TaskTimes,
    Capability::ForeignWakers,
    Capability::Mutexes,
    Capability::Rwlocks,
    Capability::Semaphores,
    Capability::Channels,
    Capability::Joins,
    Capability::Timers,
    Capability::Operations,
]);

/// In a whole graph the facade is compiled as the package tokio, with its version.
#[cfg(insight_whole_graph)]
const VERSION: &str = env!("CARGO_PKG_VERSION");
#[cfg(not(insight_whole_graph))]
const VERSION: &str = "1.54";

/// Names tokio in the stream. In a whole graph the program's first runtime starts insight.
#[cfg(feature = "rt")]
pub(crate) fn announce() {
    insight_probe::announce!(EXECUTOR);
}

#[cfg(all(feature = "rt", not(insight_before = "1.41.0")))]
fn current_task_id() -> Option<u64> {
    real::task::try_id().map(|id| task_number(&id))
}

/// tokio before 1.41 has no method for the current task's ID, so we find its tasks by their polls alone. `cargo
/// insight` compiles all spawns of a program with this facade, so no unobserved task is polled within an observed one.
#[cfg(any(not(feature = "rt"), insight_before = "1.41.0"))]
fn current_task_id() -> Option<u64> {
    None
}

#[cfg(all(test, feature = "rt"))]
mod tests {
    #[test]
    fn the_number_is_the_one_that_tokio_shows() {
        let runtime = real::runtime::Builder::new_current_thread().build().unwrap();
        let id = runtime.spawn(async {}).id();
        assert_eq!(super::task_number(&id).to_string(), id.to_string());
    }
}
