//! The shares of the states of each task in the last second or two.

use insight_model::{Model, Task, Times};
use insight_protocol::TaskId;

/// The shortest period of a share.
const WINDOW_NS: u64 = 1_000_000_000;

/// Samples of the tasks' times. The shares are computed from their differences.
#[derive(Debug, Default)]
pub struct Shares {
    /// At least [`WINDOW_NS`] older than the newer one.
    older: Sample,
    newer: Sample,
}

#[derive(Debug, Default)]
struct Sample {
    at_ns: u64,
    /// Sorted by ID.
    times: Vec<(TaskId, Times)>,
}

/// Parts of a period, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// Running.
    pub running: f64,
    /// Scheduled.
    pub scheduled: f64,
    /// Waiting.
    pub waiting: f64,
}

impl Shares {
    /// Keeps a sample when the last one is old enough.
    pub fn sample(&mut self, model: &Model) {
        if model.now_ns < self.newer.at_ns {
            *self = Shares::default();
        }
        if model.now_ns - self.newer.at_ns < WINDOW_NS && !self.newer.times.is_empty() {
            return;
        }
        let times = model.tasks.values().filter_map(|task| Some((task.id, task.times(model.now_ns)?))).collect();
        self.older = std::mem::replace(&mut self.newer, Sample { at_ns: model.now_ns, times });
    }

    /// The shares of a task, over its whole life while there is no older sample of it. `None` if its times are unknown.
    pub fn of(&self, task: &Task, now_ns: u64) -> Option<Share> {
        let now = task.times(now_ns)?;
        let sample = [&self.newer, &self.older]
            .into_iter()
            .filter(|sample| now_ns.saturating_sub(sample.at_ns) >= WINDOW_NS)
            .find_map(|sample| {
                let index = sample.times.binary_search_by_key(&task.id, |(id, _)| *id).ok()?;
                Some(sample.times[index].1)
            });
        let before = sample.unwrap_or_default();
        let running = now.running_ns.saturating_sub(before.running_ns) as f64;
        let scheduled = now.scheduled_ns.saturating_sub(before.scheduled_ns) as f64;
        let waiting = now.idle_ns.saturating_sub(before.idle_ns) as f64;
        let sum = running + scheduled + waiting;
        if sum <= 0.0 {
            return Some(Share::default());
        }
        Some(Share { running: running / sum, scheduled: scheduled / sum, waiting: waiting / sum })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insight_protocol::{TaskSpawned, TaskState, TaskStats, with};

    #[test]
    fn shares_are_of_the_last_period_once_there_is_one() {
        let mut model = Model::default();
        let mut shares = Shares::default();
        model.apply(&with!(TaskSpawned::default(), id = TaskId(1)).into());
        let mut check = |at_ms: u64, running_ms: u64, expect: [f64; 3]| {
            let ns = 1_000_000;
            model.apply(
                &with!(
                    TaskStats::default(),
                    id = TaskId(1),
                    state = Some(TaskState::Idle),
                    since_ns = at_ms * ns,
                    running_ns = running_ms * ns,
                    idle_ns = (at_ms - running_ms) * ns,
                    at_ns = at_ms * ns
                )
                .into(),
            );
            shares.sample(&model);
            let share = shares.of(&model.tasks[&TaskId(1)], model.now_ns).unwrap();
            assert_eq!([share.running, share.scheduled, share.waiting], expect, "at {at_ms} ms");
        };
        check(400, 100, [0.25, 0.0, 0.75]); // of its life
        check(1_400, 1_100, [1.0, 0.0, 0.0]); // since 400 ms
        check(2_400, 1_100, [0.0, 0.0, 1.0]); // since 1,400 ms
        check(2_900, 1_475, [0.25, 0.0, 0.75]); // since 1,400 ms
    }
}
