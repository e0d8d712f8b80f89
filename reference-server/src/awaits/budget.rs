//! The budget of the captures: a number of tasks, and processor time.

use std::time::{Duration, Instant};

/// Maximum number of tasks captured in one second.
const TASKS: usize = 50;
/// Captures may take one part of this many of a processor, on average.
const PART: u32 = 100;
/// Maximum processor time that is saved up. The program begins with it: the first capture reads the debug information.
const SAVED: Duration = Duration::from_secs(2);

/// The captures that are allowed now.
#[derive(Debug)]
pub(super) struct Budget {
    /// Processor time that may still be used; negative if more was used, in nanoseconds.
    credit_ns: i64,
    credited: Instant,
    /// The begin of the present second, and the number of tasks since then.
    second: Instant,
    tasks: usize,
}

impl Budget {
    pub(super) fn new(now: Instant) -> Budget {
        Budget { credit_ns: nanoseconds(SAVED), credited: now, second: now, tasks: 0 }
    }

    /// Number of tasks that may be captured now.
    pub(super) fn left(&mut self, now: Instant) -> usize {
        let earned = now.saturating_duration_since(self.credited) / PART;
        self.credited = now;
        self.credit_ns = self.credit_ns.saturating_add(nanoseconds(earned)).min(nanoseconds(SAVED));
        if now.saturating_duration_since(self.second) >= Duration::from_secs(1) {
            (self.second, self.tasks) = (now, 0);
        }
        if self.credit_ns > 0 { TASKS - self.tasks } else { 0 }
    }

    /// Counts tasks that are captured now.
    pub(super) fn take(&mut self, tasks: usize) {
        self.tasks = TASKS.min(self.tasks + tasks);
    }

    /// Pays for captures.
    pub(super) fn pay(&mut self, cost: Duration) {
        self.credit_ns = self.credit_ns.saturating_sub(nanoseconds(cost));
    }
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_a_maximum_of_tasks_and_the_time_is_paid_back() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let mut budget = Budget::new(begun);
        assert_eq!(budget.left(at(0)), 50);
        budget.take(30);
        assert_eq!(budget.left(at(999)), 20);
        budget.take(30);
        assert_eq!((budget.left(at(999)), budget.left(at(1000))), (0, 50));
        // Saved time is used first.
        budget.pay(Duration::from_secs(2));
        assert_eq!(budget.left(at(1001)), 50);
        budget.pay(Duration::from_millis(10));
        assert_eq!((budget.left(at(1002)), budget.left(at(1900))), (0, 0));
        assert_eq!(budget.left(at(2100)), 50);
        // An hour saves no more than the maximum.
        assert_eq!(budget.left(at(3_600_000)), 50);
        budget.pay(SAVED);
        assert_eq!(budget.left(at(3_600_000)), 0);
    }
}
