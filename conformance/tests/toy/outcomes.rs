//! The outcomes of cases with a baseline, and the forms of a report.

use crate::pool::{Habit, Mistake, Pool};
use insight_conformance::adapter::{Baseline, Suite};

/// A baseline that lists these cases.
fn baseline(name: &str, cases: &[&str]) -> Baseline {
    let path = std::env::temp_dir().join(format!("insight-baseline-{}-{name}.toml", std::process::id()));
    let entries: String = cases.iter().map(|case| format!("\"{case}\" = \"issue 12\"\n")).collect();
    std::fs::write(&path, format!("[conformance]\n{entries}")).unwrap();
    let baseline = Baseline::read(&path, "conformance").unwrap();
    std::fs::remove_file(&path).unwrap();
    baseline
}

#[test]
fn outcome_follows_from_the_case_and_the_baseline() {
    let check = |mistake: Mistake, case: &str, listed: &[&str], expect: &str, is_failure: bool| {
        let suite = Suite::new(move || Pool::new(Habit::Plain, mistake)).baseline(baseline("outcome", listed));
        let outcome = suite.run_case(case).expect("a case of the suite").outcome;
        assert_eq!((outcome.as_str(), outcome.is_failure()), (expect, is_failure), "{mistake:?} {case} {listed:?}");
    };
    let (late, other) = ("lock.mutex.released", "task.ends");
    check(Mistake::None, late, &[], "passed", false);
    check(Mistake::ReleasesLate, late, &[], "failed", true);
    check(Mistake::ReleasesLate, late, &[other], "failed", true);
    check(Mistake::ReleasesLate, late, &[other, late], "known", false);
    check(Mistake::None, late, &[late], "stale", true);
    check(Mistake::None, "lock.rwlock.held", &[], "skipped", false);
    check(Mistake::None, "lock.rwlock.held", &["lock.rwlock.held"], "stale", true);
    check(Mistake::ResourceIsNotShown, late, &[], "failed", true);
}

#[test]
fn report_has_each_case_in_each_form() {
    let wrong = || Pool::new(Habit::Plain, Mistake::OutcomeIsAlwaysReturned);
    let suite = Suite::new(wrong).baseline(baseline("report", &["no.case"]));
    let report = suite.run();
    assert!(!report.passed());
    let text = report.to_string();
    assert!(text.contains("task.ends failed: "), "{text}");
    assert!(text.contains("no.case: the baseline lists this case"), "{text}");
    assert!(text.ends_with("pool 1.0, suite 1.0: 12 passed, 1 failed, 6 skipped of 19 cases"), "{text}");
    let mut json = Vec::new();
    report.json(&mut json).unwrap();
    let json = String::from_utf8(json).unwrap();
    assert_eq!(json.lines().filter(|line| line.contains(r#"{"type":"case","suite":"conformance""#)).count(), 19);
    assert_eq!(json.matches(r#""rule":"adapter.outcome""#).count(), 1, "{json}");
    assert!(
        json.lines().last().unwrap().contains(r#""failed":1,"known":0,"stale":0,"skipped":6,"unknown":["no.case"]"#)
    );
    let mut junit = Vec::new();
    report.junit(&mut junit).unwrap();
    let junit = String::from_utf8(junit).unwrap();
    // One more for the unknown entry.
    assert_eq!(junit.matches("<testcase ").count(), 20, "{junit}");
    assert!(junit.contains(r#"failures="2""#), "{junit}");
}
