//! Pitfalls of tokio's spans. Each test sends spans of the same form by hand, in an order that only a race would give.

use crate::common::{bench, edges, summary};
use tracing::{Span, trace, trace_span};

fn task(id: u64, name: &str) -> Span {
    trace_span!(target: "tokio::task", parent: None, "runtime.spawn", kind = "task", task.name = name, task.id = id)
}

fn resource(concrete_type: &str) -> Span {
    trace_span!(target: "tokio::sync", parent: None, "runtime.resource", concrete_type, kind = "Sync")
}

/// An operation on a resource: the spans of the resource, of the operation and of its polls.
struct Operation([Span; 3]);

impl Operation {
    fn new(resource: &Span, source: &str) -> Operation {
        let operation = trace_span!(target: "tokio::util", parent: resource, "runtime.resource.async_op", source);
        let poll = trace_span!(target: "tokio::util", parent: &operation, "runtime.resource.async_op.poll");
        Operation([resource.clone(), operation, poll])
    }

    /// A poll that sends these events.
    fn poll(&self, ready: &[bool]) {
        let [resource, operation, poll] = &self.0;
        let _spans = (resource.enter(), operation.enter(), poll.enter());
        for is_ready in ready {
            trace!(target: "runtime::resource::poll_op", op_name = "poll", is_ready);
        }
    }
}

fn locked(resource: &Span, locked: bool) {
    resource.in_scope(|| trace!(target: "runtime::resource::state_update", locked));
}

// r[tracing.tokio.last-poll-op]
#[test]
fn the_last_word_of_a_poll_counts() {
    let check = |polls: &[&[bool]], expect: &str| {
        let mut bench = bench();
        let (sleeper, timer) = (task(1, "sleeper"), resource("Sleep"));
        let sleep = Operation::new(&timer, "Sleep::new_timeout");
        polls.iter().for_each(|ready| sleeper.in_scope(|| sleep.poll(ready)));
        assert_eq!(edges(&mut bench), expect, "{polls:?}");
        drop((sleep, sleeper, timer));
        bench.until(|model| (model.resources.is_empty() && model.tasks.is_empty()).then_some(()));
    };
    check(&[&[true, false]], "sleeper waits sleep 1 timer");
    check(&[&[true, true]], "");
    check(&[&[true, false], &[true, true]], "");
    check(&[&[false]], "sleeper waits sleep 1 timer");
    check(&[&[]], "");
}

// r[tracing.tokio.late-release]
#[test]
fn a_release_that_is_reported_late() {
    let mut bench = bench();
    let (a, b, c, lock) = (task(1, "a"), task(2, "b"), task(3, "c"), resource("Mutex"));
    locked(&lock, false);
    a.in_scope(|| locked(&lock, true));
    let waits = Operation::new(&lock, "Mutex::lock");
    c.in_scope(|| waits.poll(&[false]));
    assert_eq!(summary(bench.sample()), "a holds exclusive mutex transferable; c waits lock 1 mutex");
    b.in_scope(|| locked(&lock, true));
    a.in_scope(|| locked(&lock, false));
    assert_eq!(edges(&mut bench), "b holds exclusive mutex transferable; c waits lock 1 mutex");
    b.in_scope(|| locked(&lock, false));
    assert_eq!(edges(&mut bench), "c waits lock 1 mutex");
    drop((a, b, c, waits, lock));
    bench.until(|model| model.resources.is_empty().then_some(()));
}
