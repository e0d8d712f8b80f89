//! Executors that do legal odd things pass the suite.

use crate::pool::{HABITS, Mistake, Pool};
use insight_conformance::adapter::Suite;

/// Runs of the suite for each habit. `INSIGHT_RUNS` sets another number.
fn runs() -> usize {
    std::env::var("INSIGHT_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(1)
}

#[test]
fn odd_executor_passes() {
    for _ in 0..runs() {
        for habit in HABITS {
            let report = Suite::new(move || Pool::new(habit, Mistake::None)).run();
            assert!(report.passed(), "{habit:?}: {report}");
            // The pool has mutexes, channels and timers. Six cases need other kinds of resources.
            assert_eq!((report.number("passed"), report.number("skipped")), (13, 6), "{habit:?}: {report}");
        }
    }
}
