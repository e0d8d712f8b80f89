//! Two tasks that lock two mutexes in opposite orders.

use crate::files::line;
use crate::program::{LOCK_ORDER, Program, command};
use crate::stream::{self, Stream};
use insight_protocol::{Operation, ResourceKind, Tier};

const FILE: &str = "examples/lock_order.rs";

#[test]
fn the_deadlock_is_proven_with_both_tasks_both_mutexes_and_both_awaits() {
    let program = Program::start(LOCK_ORDER);
    let stream = Stream::attach(&program.insight());
    stream.until("the problem", |received| {
        let (problem, at_ns) = received.raised().into_iter().next()?;
        assert_eq!(problem.tier, Tier::Proven);
        assert!(at_ns - problem.since_ns <= 2_000_000_000, "{} ns", at_ns - problem.since_ns);
        let mut tasks: Vec<_> = problem.tasks.iter().filter_map(|task| task.name.as_deref()).collect();
        tasks.sort_unstable();
        assert_eq!(tasks, ["lock_order::audit", "lock_order::deposit"]);
        let mut mutexes: Vec<_> = problem.resources.iter().map(|it| (&it.kind, it.name.as_deref())).collect();
        mutexes.sort_by_key(|(_, name)| *name);
        assert_eq!(mutexes, [(&ResourceKind::Mutex, Some("accounts")), (&ResourceKind::Mutex, Some("ledger"))]);
        let waits = problem.edges.iter().filter(|edge| edge.kind == "wait");
        let places = waits.map(|edge| edge.location.as_ref().expect("an await in this program has a location"));
        let mut places: Vec<_> = places.map(|place| (place.file.as_str(), place.line)).collect();
        places.sort_unstable();
        let second_locks = ["*ledger.lock().await += *account", "*accounts.lock().await += *entry"];
        assert_eq!(places, second_locks.map(|text| (FILE, line(FILE, text))));
        Some(())
    });
}

/// A wait with a timeout is not part of a deadlock, neither before the timer fires nor after.
#[test]
fn a_timeout_is_not_a_deadlock() {
    let program = Program::run(command(LOCK_ORDER).arg("--timeout"));
    let stream = Stream::attach(&program.insight()).complete();
    stream.until("each task to wait for the lock of the other task", |received| {
        let waits = ["deposit", "audit"].map(|task| stream::wait(&received.model, task, &Operation::Lock));
        waits.iter().all(Option::is_some).then_some(())
    });
    program.line_after("lock_order: done");
    stream.wait_until_covered(stream.read(|received| received.model.now_ns) + 1_500_000_000);
    stream.read(|received| {
        assert_eq!(received.raised(), []);
        assert_eq!(stream::task(&received.model, "deposit"), None);
    });
}
