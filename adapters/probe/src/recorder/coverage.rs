//! Which part of the program is observed: the difference between the tasks that an executor counts and the tasks here.

use crate::cell::TaskCell;
use crate::executor::{Alive, Executor};
use insight_protocol::*;
use std::ptr;

/// Number of samples over which a difference must last. If tasks begin and end all the time, one of these samples finds none
/// between its two counts.
const LOOKS: usize = 5;
/// Number of samples before the first difference is sent.
const FIRST_LOOKS: usize = 2;
/// Minimum time between two messages that differ in numbers only. r[coverage.changed]
const NUMBERS_EVERY_NS: u64 = 1_000_000_000;

/// The present coverage, and the last one sent.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    packages: Option<Vec<PackageCoverage>>,
    packages_left_out: u64,
    differences: Vec<Differences>,
    /// The time of the last sample.
    looked_ns: u64,
    sent: Option<StreamCoverage>,
}

/// The differences of one executor in the last samples, the latest last.
#[derive(Debug)]
struct Differences {
    executor: &'static Executor,
    last: Vec<u64>,
}

impl Differences {
    fn push(&mut self, difference: u64) {
        if self.last.len() == LOOKS {
            self.last.remove(0);
        }
        self.last.push(difference);
    }

    /// r[coverage.unobserved.lower-bound]
    fn least(&self) -> Option<u64> {
        if self.last.len() < FIRST_LOOKS { None } else { self.last.iter().min().copied() }
    }
}

/// The number of tasks that one executor counted when a collection began, and the number of them that we know.
#[derive(Debug)]
pub(super) struct Counted {
    alive: Alive,
    observed: u64,
}

impl Counted {
    pub(super) fn new(alive: Alive) -> Counted {
        Counted { alive, observed: 0 }
    }

    /// Counts a task that has ended since the cutoff, for each executor, since we do not keep the task's executor. So the
    /// difference may be too small, but never too large.
    pub(super) fn count_ended(counted: &mut [Counted]) {
        counted.iter_mut().for_each(|one| one.observed += 1);
    }

    /// Counts a known task. r[coverage.unobserved.partial]
    pub(super) fn count(counted: &mut [Counted], cell: &TaskCell) {
        for one in counted {
            let is_counted = ptr::eq(one.alive.executor, cell.executor()) && one.alive.kinds.contains(&cell.kind());
            one.observed += u64::from(is_counted && !cell.is_partial());
        }
    }
}

impl Coverage {
    pub(super) fn set_packages(&mut self, facts: Option<GraphFacts>) {
        let listed = facts.map(GraphFacts::listed);
        (self.packages, self.packages_left_out) = match listed {
            Some((packages, left_out)) => (Some(packages), left_out),
            None => (None, 0),
        };
    }

    /// Takes the counts of a look in. Two looks that follow at once, as two requests make them, would see the same tasks
    /// begin.
    pub(super) fn look(&mut self, counted: &[Counted], at_ns: u64, interval_ns: u64) {
        if self.looked_ns != 0 && at_ns < self.looked_ns + interval_ns {
            return;
        }
        self.looked_ns = at_ns;
        self.differences.retain(|known| counted.iter().any(|one| ptr::eq(one.alive.executor, known.executor)));
        for Counted { alive, observed } in counted {
            let difference = alive.tasks.saturating_sub(*observed);
            match self.differences.iter_mut().find(|known| ptr::eq(known.executor, alive.executor)) {
                Some(known) => known.push(difference),
                None => self.differences.push(Differences { executor: alive.executor, last: vec![difference] }),
            }
        }
    }

    /// The present coverage.
    fn of(&self, executors: &[&'static Executor], at_ns: u64) -> StreamCoverage {
        let of_executor = |executor: &&'static Executor| {
            with!(
                ExecutorCoverage::new(executor.name, executor.version),
                unobserved_tasks = self
                    .differences
                    .iter()
                    .find(|known| ptr::eq(known.executor, *executor))
                    .and_then(Differences::least)
            )
        };
        with!(
            StreamCoverage::default(),
            executors = executors.iter().map(of_executor).collect(),
            packages = self.packages.clone(),
            packages_left_out = self.packages_left_out,
            at_ns
        )
    }

    /// The present coverage, if it has to be sent. r[coverage.changed]
    pub(super) fn tell(&mut self, executors: &[&'static Executor], at_ns: u64) -> Option<StreamCoverage> {
        let now = self.of(executors, at_ns);
        let due = self.sent.as_ref().is_none_or(|sent| {
            let same = with!(sent.clone(), at_ns);
            now != same && (!differ_in_numbers(&now, &same) || at_ns >= sent.at_ns + NUMBERS_EVERY_NS)
        });
        if !due {
            return None;
        }
        self.sent = Some(now.clone());
        Some(now)
    }

    /// Recording was turned off or on, so earlier samples do not count. r[coverage.unobserved.unknown]
    pub(super) fn begin_anew(&mut self, executors: &[&'static Executor], at_ns: u64) -> StreamCoverage {
        self.differences.clear();
        let now = self.of(executors, at_ns);
        self.sent = Some(now.clone());
        now
    }
}

/// Whether two coverages differ in numbers of tasks at most.
fn differ_in_numbers(one: &StreamCoverage, other: &StreamCoverage) -> bool {
    let same_executors = one.executors.len() == other.executors.len()
        && one.executors.iter().zip(&other.executors).all(|(one, other)| {
            (&one.name, &one.version) == (&other.name, &other.version)
                && one.unobserved_tasks.is_some() == other.unobserved_tasks.is_some()
        });
    same_executors && one.packages == other.packages && one.packages_left_out == other.packages_left_out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    static ONE: Executor = Executor::new("one", "1.0", || None);
    static OTHER: Executor = Executor::new("other", "2.0", || None);
    const S: u64 = 1_000_000_000;

    fn look(coverage: &mut Coverage, tasks: u64, observed: u64, at_ns: u64) {
        let alive = Alive { executor: &ONE, tasks, kinds: vec![Kind::Task] };
        coverage.look(&[Counted { alive, observed }], at_ns, 50);
    }

    fn unobserved(coverage: &Coverage) -> Option<u64> {
        coverage.of(&[&ONE], 0).executors[0].unobserved_tasks
    }

    #[test]
    fn a_difference_counts_once_it_has_stood() {
        let mut coverage = Coverage::default();
        // Alive, observed, when, and the number after the look.
        for (tasks, observed, at_ns, expect) in [
            (5, 3, 100, None),
            // At once after the look before it: no look of its own.
            (5, 3, 120, None),
            (7, 3, 200, Some(2)),
            // One that spawns between the two counts.
            (4, 3, 300, Some(1)),
            (3, 4, 400, Some(0)),
            (8, 3, 500, Some(0)),
            (8, 3, 600, Some(0)),
            (8, 3, 700, Some(0)),
            (8, 3, 800, Some(0)),
            (8, 3, 900, Some(5)),
        ] {
            look(&mut coverage, tasks, observed, at_ns);
            assert_eq!(unobserved(&coverage), expect, "{at_ns}");
        }
        // An executor that counts no more.
        coverage.look(&[], 1000, 50);
        assert_eq!(unobserved(&coverage), None);
        (0..3).for_each(|n| look(&mut coverage, 8, 3, 1100 + 100 * n));
        assert_eq!(unobserved(&coverage), Some(5));
        assert_eq!(coverage.begin_anew(&[&ONE], 2000).executors[0].unobserved_tasks, None);
    }

    #[test]
    fn coverage_is_sent_when_it_changes_and_a_number_once_a_second() {
        let mut coverage = Coverage::default();
        let tell = |coverage: &mut Coverage, executors: &[&'static Executor], at_ns, expect: bool| {
            let sent = coverage.tell(executors, at_ns);
            assert_eq!(sent.is_some(), expect, "{at_ns}");
        };
        tell(&mut coverage, &[], S, true);
        tell(&mut coverage, &[], 5 * S, false);
        tell(&mut coverage, &[&ONE], 5 * S + 1, true);
        tell(&mut coverage, &[&ONE, &OTHER], 5 * S + 2, true);
        (0..2).for_each(|n| look(&mut coverage, 8, 3, 5 * S + 100 * n));
        // A number where there was none.
        tell(&mut coverage, &[&ONE, &OTHER], 5 * S + 200, true);
        look(&mut coverage, 4, 3, 5 * S + 300);
        tell(&mut coverage, &[&ONE, &OTHER], 5 * S + 300, false);
        tell(&mut coverage, &[&ONE, &OTHER], 6 * S + 199, false);
        tell(&mut coverage, &[&ONE, &OTHER], 6 * S + 200, true);
        tell(&mut coverage, &[&ONE, &OTHER], 9 * S, false);
        coverage.set_packages(Some(with!(GraphFacts::new(Vec::new()), version = 1)));
        tell(&mut coverage, &[&ONE, &OTHER], 9 * S, true);
        assert_eq!(coverage.sent.unwrap().packages, Some(Vec::new()));
    }
}
