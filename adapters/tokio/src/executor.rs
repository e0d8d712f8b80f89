//! tokio as an executor of the protocol.

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
    #[cfg(insight_whole_graph)]
    {
        insight::graph_facts_at(env!("INSIGHT_COVERAGE_FILE"));
        insight::start_with_program();
    }
    EXECUTOR.announce();
}

#[cfg(all(feature = "rt", not(insight_before = "1.41.0")))]
fn current_task_id() -> Option<u64> {
    real::task::try_id().map(number)
}

/// tokio before 1.41 has no method for the current task's ID, so we find its tasks by their polls alone. `cargo
/// insight` compiles all spawns of a program with this facade, so no unobserved task is polled within an observed one.
#[cfg(any(not(feature = "rt"), insight_before = "1.41.0"))]
fn current_task_id() -> Option<u64> {
    None
}

/// The number in a task's ID. tokio has no method for it, but its `Hash` gives the number to the hasher unchanged.
#[cfg(all(feature = "rt", not(insight_before = "1.41.0")))]
pub(crate) fn number(id: real::task::Id) -> u64 {
    use std::hash::{Hash, Hasher};

    struct Number(u64);

    impl Hasher for Number {
        fn write(&mut self, bytes: &[u8]) {
            for byte in bytes {
                self.0 = self.0 << 8 | u64::from(*byte);
            }
        }

        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }

        fn finish(&self) -> u64 {
            self.0
        }
    }

    let mut hasher = Number(0);
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(all(test, feature = "rt"))]
mod tests {
    #[test]
    fn the_number_is_the_one_that_tokio_shows() {
        let runtime = real::runtime::Builder::new_current_thread().build().unwrap();
        let id = runtime.spawn(async {}).id();
        assert_eq!(super::number(id).to_string(), id.to_string());
    }
}
