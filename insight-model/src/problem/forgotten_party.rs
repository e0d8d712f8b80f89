//! `forgotten_party`: a forgotten handle or guard prevents the end of a wait.

use super::knot::{Knot, sends};
use super::story::{Story, is_wait, sentence};
use super::{About, Severities, Stuck, Tiers};
use insight_protocol::{Operation, ProblemKind, Severity};

pub(super) static ABOUT: About = About {
    kind: ProblemKind::ForgottenParty,
    severities: Severities::Always(Severity::Hang),
    tiers: Tiers::Both,
    says: "Only the receiving task itself could send; a task waits for the end of a channel and keeps it open; or a task \
           has ended and still holds a guard.",
    symptom: "A sender was kept, or a guard was leaked",
    called: "something was forgotten",
};

pub(super) static STUCK: Stuck = Stuck { is, title, sentence, advice };

/// Not asked of a forgotten guard: its problem has no waiting task, and the diagnosis recognises that.
fn is(knot: &Knot) -> bool {
    // If a task waits for both ends, no single handle was forgotten.
    let closed = knot.waits().filter(|(_, operation)| **operation == Operation::Closed).count();
    let of_one_end = closed == 0 || closed == knot.waits().count();
    let receives = |(wait, operation): (&crate::Edge, &Operation)| knot.is_channel(wait.resource) && !sends(operation);
    knot.is_alone() && of_one_end && knot.waits().all(receives)
}

fn title(story: &Story) -> String {
    let (first, labels) = (story.first(), story.labels_of_all());
    if is_forgotten_guard(story) {
        format!("forgotten guard: {first} has ended and still holds {labels}")
    } else if waits_for_end(story) {
        format!("forgotten receiver: {first} waits until {labels} is closed, and keeps a receiver itself")
    } else {
        format!("forgotten sender: {first} waits to receive from {labels}, and only it could send")
    }
}

fn advice(story: &Story) -> &'static str {
    if is_forgotten_guard(story) {
        "Look for `mem::forget`, `leak` or a reference cycle around the guard. Drop each guard before its task ends."
    } else if waits_for_end(story) {
        "Drop the receiver that the waiting task keeps, before it waits. Then the wait ends when all other receivers are dropped."
    } else {
        "Drop the sender that the receiving task keeps, before it receives. Then the receive ends when all other senders are dropped."
    }
}

/// Whether a task has ended and still holds a guard, so that no wait is a part of the problem.
fn is_forgotten_guard(story: &Story) -> bool {
    !story.edges().any(|edge| story.finding.tasks.contains(&edge.task) && is_wait(edge))
}

/// Whether the waits are for the end of a channel, and not for a message.
fn waits_for_end(story: &Story) -> bool {
    story.operations().any(|operation| *operation == Operation::Closed)
}
