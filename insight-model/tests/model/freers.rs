use crate::scenario::scenario;
use insight_protocol::{Operation, ResourceId};

/// `expect` has the tasks that can unblock a wait with this operation for the first resource, and the number of unknown
/// ones.
fn check(text: &str, operation: Operation, expect: (&[u64], u64)) {
    let model = scenario(text);
    let freers = model.freers(&model.resources[&ResourceId(1)], &operation);
    let known: Vec<u64> = freers.known.iter().map(|freer| freer.task.0).collect();
    assert_eq!((&known[..], freers.unknown), expect, "{text}");
    assert!(freers.unknown == 0 || !freers.unknown_what.is_empty());
}

#[test]
fn freers_of_signals_are_known_or_counted() {
    let oneshot = "resource o oneshot senders=1 receivers=1\n task a\n a receiver o";
    check(oneshot, Operation::Recv, (&[], 1));
    check(oneshot, Operation::Closed, (&[1], 0));
    let watch = "resource w watch senders=3 receivers=1\n task a\n task b\n a sender w\n b receiver w";
    check(watch, Operation::Changed, (&[1], 2));
    check(watch, Operation::Closed, (&[2], 0));
    let broadcast = "resource b broadcast senders=1 weak=2 receivers=2\n task a\n a sender b";
    check(broadcast, Operation::Recv, (&[1], 2));
    check(broadcast, Operation::Closed, (&[], 2));
    check("resource n notify", Operation::Notified, (&[], 1));
    check("resource t timer", Operation::Sleep, (&[], 1));
    check("resource b barrier 1/3", Operation::Wait, (&[], 2));
    check("resource b barrier", Operation::Wait, (&[], 1));
    check("resource c once_cell", Operation::Wait, (&[], 1));
    check("resource c once_cell", Operation::Init, (&[], 1));
    check("resource c once_cell\n task a\n a holds c", Operation::Init, (&[1], 0));
}
