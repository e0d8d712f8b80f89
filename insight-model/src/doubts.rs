//! The unknowns that could unblock stuck tasks, in words.

use crate::evidence::Evidence;
use crate::fixpoint::{Fixpoint, may_close};
use crate::health::words;
use crate::resource_kind::End;
use crate::units::Held;
use crate::wants::{blind_to_wakers, has_ended, has_foreign_waker};
use crate::{EdgeBody, Finding, Model, Resource};
use insight_protocol::{HoldMode, Operation, PartyRole, Tier};
use std::collections::BTreeSet;

/// Maximum number of unknowns that a finding names.
const MOST_UNKNOWNS: usize = 20;

/// Names the unknowns of a suspected finding.
pub(crate) fn name_unknowns(finding: &mut Finding, evidence: &Evidence, fixpoint: &Fixpoint, model: &Model) {
    let mut unknowns = Vec::new();
    if model.facts_lost() {
        unknowns.push("facts were lost: a hold or a wait may have ended".to_owned());
    }
    if blind_to_wakers(model) {
        unknowns.push("wakers are not observed: a timer or a socket may wake these tasks".to_owned());
    }
    for task in finding.tasks.iter().filter_map(|id| model.tasks.get(id)) {
        let label = task.label();
        if task.origin.partial {
            unknowns.push(format!("{label} was not spawned through insight: it may make progress in other ways"));
        }
        if has_foreign_waker(task) {
            unknowns.push(format!(
                "something unobserved, such as a socket or a timer, has a waker of {label} and may wake it"
            ));
        }
    }
    for id in &finding.resources {
        let Some(resource) = model.resources.get(id) else { continue };
        for (_, end) in evidence.parties.range((*id, End::Sender)..=(*id, End::Joined)) {
            unknown_parties(model, resource, *end, &mut unknowns);
            if may_close(fixpoint.waiting(), &fixpoint.look(model, Tier::Proven), resource, *end) {
                unknowns.push(format!("another task with an end of {} may close it", resource.label()));
            }
        }
        for (_, held) in evidence.held.iter().filter(|(of, _)| of == id) {
            unknown_hold(model, resource, held, &mut unknowns);
        }
    }
    let mut named = BTreeSet::new();
    unknowns.retain(|unknown| named.insert(unknown.clone()));
    finding.unknowns = unknowns;
}

/// Whether the unknowns of a finding allow it to be suspected.
pub(crate) fn is_suspect(model: &Model, finding: &Finding) -> bool {
    match finding.tasks.iter().filter_map(|id| model.tasks.get(id)).filter(|task| has_foreign_waker(task)).count() {
        0 => !finding.unknowns.is_empty(),
        // With any further unknown there are two ways out. And one part of a task may hold a lock that another part waits
        // for while it writes to a socket.
        foreign => finding.unknowns.len() == foreign && finding.tasks.len() > 1,
    }
}

/// Keeps the first unknowns, and the number of the others.
pub(crate) fn limit_unknowns(finding: &mut Finding) {
    let more = finding.unknowns.len().saturating_sub(MOST_UNKNOWNS);
    finding.unknowns.truncate(MOST_UNKNOWNS);
    finding.unknowns.extend((more > 0).then(|| words::count(more, "more unknown")));
}

/// Names each unknown about the tasks that have this end of a resource.
fn unknown_parties(model: &Model, resource: &Resource, end: End, unknowns: &mut Vec<String>) {
    let (operation, word, handles, weak) = match end {
        End::Sender => (Operation::Recv, "sender", resource.senders, resource.weak_senders.unwrap_or(0)),
        End::Receiver => (Operation::Closed, "receiver", resource.receivers, 0),
        End::Joined => (Operation::Join, "task", resource.length.or(Some(1)), 0),
    };
    let freers = model.freers(resource, &operation);
    let name = resource.label();
    match (freers.unknown.saturating_sub(weak), handles) {
        (0, _) => {}
        (1, _) if end == End::Joined => unknowns.push(format!("1 more task of {name} is not observed")),
        (more, _) if end == End::Joined => unknowns.push(format!("{more} more tasks of {name} are not observed")),
        (_, None) => unknowns.push(format!("the number of {word}s of {name} is unknown")),
        (1, _) => unknowns.push(format!("1 more {word} of {name} that no task has used yet")),
        (more, _) => unknowns.push(format!("{more} more {word}s of {name} that no task has used yet")),
    }
    match weak {
        0 => {}
        1 => unknowns.push(format!("1 weak sender of {name}, which may become a sender")),
        _ => unknowns.push(format!("{weak} weak senders of {name}, which may become senders")),
    }
    for freer in &freers.known {
        let task = model.task_label(freer.task);
        let had = match model.edges.get(&freer.edge).map(|edge| &edge.body) {
            Some(EdgeBody::Party { role: PartyRole::Sender, .. }) => "sender",
            Some(EdgeBody::Party { .. }) => "receiver",
            _ => "permit",
        };
        if model.tasks.get(&freer.task).is_none_or(has_ended) {
            unknowns.push(format!("{task} has ended, and its {had} of {name} may be with another task"));
        } else if !freer.certain && had == "permit" {
            unknowns.push(format!("the permit of {name} held by {task} may have moved to another task"));
        } else if !freer.certain {
            unknowns.push(format!("the {had} of {name} that {task} uses is shared: other tasks may use it"));
        }
    }
}

/// Names the unknown about a hold, if it has one.
fn unknown_hold(model: &Model, resource: &Resource, held: &Held, unknowns: &mut Vec<String>) {
    let Some(EdgeBody::Hold { mode, transferable, .. }) = model.edges.get(&held.edge).map(|edge| &edge.body) else {
        return;
    };
    let (task, name) = (model.task_label(held.task), resource.label());
    let had = if *mode == HoldMode::Permit { "permit" } else { "guard" };
    if held.forgotten {
        unknowns.push(format!("{task} has ended, and its {had} of {name} may be with another task"));
    } else if *transferable {
        unknowns.push(format!("the {had} of {name} held by {task} may have moved to another task"));
    }
}
