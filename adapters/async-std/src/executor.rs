//! async-std as an executor of the protocol.

#[cfg(feature = "default")]
use insight_probe::task_number;
use insight_probe::{Capability, Executor, Kind};

/// In a whole graph the facade is compiled as the package async-std, with its version.
#[cfg(insight_whole_graph)]
const VERSION: &str = env!("CARGO_PKG_VERSION");
#[cfg(not(insight_whole_graph))]
const VERSION: &str = "1.13";

/// The description of async-std. It lacks the capability of timers, since the extension methods `timeout` and `delay`
/// are async-std's own. Its global executor is never dropped; a thread's executor of local tasks is, at the thread's end.
pub(crate) static EXECUTOR: Executor = Executor::new("async-std", VERSION, current_task_id)
    .observing(&[
        Capability::Tasks,
        Capability::TaskTimes,
        Capability::ForeignWakers,
        Capability::Mutexes,
        Capability::Rwlocks,
        Capability::Channels,
        Capability::Joins,
        Capability::Operations,
    ])
    .lasting(&[Kind::Task]);

/// Names async-std in streams that begin from now on. The process has one executor, which no call makes, so we name it
/// at its first task. In a whole graph that also starts insight.
#[cfg(feature = "default")]
pub(crate) fn announce() {
    insight_probe::announce!(once EXECUTOR);
}

#[cfg(feature = "default")]
fn current_task_id() -> Option<u64> {
    real::task::try_current().map(|task| task_number(&task.id()))
}

#[cfg(not(feature = "default"))]
fn current_task_id() -> Option<u64> {
    None
}

#[cfg(all(test, feature = "default"))]
mod tests {
    #[test]
    fn the_number_is_the_one_that_async_std_shows() {
        let task = real::task::spawn(async {}).task().clone();
        assert_eq!(super::task_number(&task.id()).to_string(), task.id().to_string());
        let (number, id) = real::task::block_on(async { (super::current_task_id(), real::task::current().id()) });
        assert_eq!(number.map(|number| number.to_string()), Some(id.to_string()));
        assert_eq!(super::current_task_id(), None);
    }
}
