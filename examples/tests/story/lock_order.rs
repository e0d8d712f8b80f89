//! Two mutexes, taken in opposite orders.

use crate::files::line;
use crate::program::{LOCK_ORDER, Program, command};
use crate::stream::{self, Stream};
use insight_protocol::{Operation, ResourceKind, Tier};

const FILE: &str = "examples/lock_order.rs";

#[test]
fn proven_with_both_tasks_both_mutexes_and_both_awaits() {
    let program = Program::start(LOCK_ORDER);
    let stream = Stream::attach(&program.insight());
    stream.until("the problem", |seen| {
        let (problem, at_ns) = seen.raised().into_iter().next()?;
        assert_eq!(problem.tier, Tier::Proven);
        assert!(at_ns - problem.since_ns <= 2_000_000_000, "{} ns", at_ns - problem.since_ns);
        let mut tasks: Vec<_> = problem.tasks.iter().filter_map(|task| task.name.as_deref()).collect();
        tasks.sort_unstable();
        assert_eq!(tasks, ["lock_order::audit", "lock_order::deposit"]);
        let mut mutexes: Vec<_> = problem.resources.iter().map(|it| (&it.kind, it.name.as_deref())).collect();
        mutexes.sort_by_key(|(_, name)| *name);
        assert_eq!(mutexes, [(&ResourceKind::Mutex, Some("accounts")), (&ResourceKind::Mutex, Some("ledger"))]);
        let waits = problem.edges.iter().filter(|edge| edge.kind == "wait");
        let places = waits.map(|edge| edge.location.as_ref().expect("an await in this program has a place"));
        let mut places: Vec<_> = places.map(|place| (place.file.as_str(), place.line)).collect();
        places.sort_unstable();
        let second_locks = ["*ledger.lock().await += *account", "*accounts.lock().await += *entry"];
        assert_eq!(places, second_locks.map(|text| (FILE, line(FILE, text))));
        Some(())
    });
}

/// What a timer can end is no deadlock, neither before it fires nor after.
#[test]
fn a_timeout_is_no_deadlock() {
    let program = Program::run(command(LOCK_ORDER).arg("--timeout"));
    let stream = Stream::attach(&program.insight()).complete();
    stream.until("both to wait for the other's lock", |seen| {
        let waits = ["deposit", "audit"].map(|task| stream::wait(&seen.model, task, &Operation::Lock));
        waits.iter().all(Option::is_some).then_some(())
    });
    program.says("lock_order: done");
    stream.told(stream.read(|seen| seen.model.now_ns) + 1_500_000_000);
    stream.read(|seen| {
        assert_eq!(seen.raised(), []);
        assert_eq!(stream::task(&seen.model, "deposit"), None);
    });
}
