//! The unknowns, and the code outside of them, that could unblock stuck tasks, in words.

use crate::evidence::Evidence;
use crate::fixpoint::{Certain, Fixpoint, may_close};
use crate::health::words;
use crate::resource_kind::{End, Ends, UnitKind};
use crate::units::{Guess, Held};
use crate::wants::{Rules, blind_to_wakers, has_ended, has_foreign_waker};
use crate::{Edge, EdgeBody, Finding, Model, Resource};
use insight_protocol::{HoldMode, TaskId, Tier};
use std::collections::BTreeSet;

/// Maximum number of unknowns, and of ways out, that a finding names.
const MOST_DOUBTS: usize = 20;

/// Names the unknowns of a suspected finding, and the handles that may have been given away.
pub(crate) fn name_unknowns(finding: &mut Finding, evidence: &Evidence, fixpoint: &Fixpoint, model: &Model) {
    let (mut unknowns, mut unless) = (Vec::new(), Vec::new());
    if model.facts_lost() {
        unknowns.push("facts were lost: a hold or a wait may have ended".to_owned());
    }
    if blind_to_wakers(model) {
        unknowns.push("wakers are not observed: a timer or a socket may wake these tasks".to_owned());
    }
    for task in finding.tasks.iter().filter_map(|id| model.tasks.get(id)) {
        let label = model.task_label(task.id);
        if task.origin.partial {
            unknowns.push(format!("{label} was not spawned through insight: it may make progress in other ways"));
        }
        if has_foreign_waker(task) && !fixpoint.rules(model).has_used_foreign_waker(model, task) {
            unknowns.push(format!(
                "something unobserved has a waker of {label}, which none of its awaits seems to use any more"
            ));
        } else if has_foreign_waker(task) {
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
                unless.push(format!("another task with an end of {} closes it", resource.label()));
            }
        }
        unknowns.extend(evidence.guesses.iter().filter(|(of, _)| of == id).map(|(_, guess)| match guess {
            Guess::WriterAhead => format!("another writer may be ahead in the queue of {}", resource.label()),
            Guess::NotWoken(task) => {
                format!("another operation of {} may wake it for {}", model.task_label(*task), resource.label())
            }
        }));
        for (_, held) in evidence.held.iter().filter(|(of, _)| of == id) {
            doubtful_hold(model, resource, held, &mut unknowns, &mut unless);
        }
    }
    without_repeats(&mut unknowns);
    without_repeats(&mut unless);
    (finding.unknowns, finding.unless) = (unknowns, unless);
}

/// Whether the doubts about a finding allow it to be suspected.
pub(crate) fn is_suspect(model: &Model, finding: &Finding, rules: &Rules) -> bool {
    let tasks = finding.tasks.iter().filter_map(|id| model.tasks.get(id));
    let doubts = finding.unknowns.len() + finding.unless.len();
    match tasks.filter(|task| rules.has_used_foreign_waker(model, task)).count() {
        0 => doubts > 0,
        // With any further doubt there are two ways out. And one part of a task may hold a lock that another part waits
        // for while it writes to a socket.
        foreign => doubts == foreign && finding.tasks.len() > 1,
    }
}

/// Adds the ways in which code outside of the tasks could resolve the finding, whatever was observed: an owned handle can be
/// anywhere, and any code that has a semaphore can add permits. r[problem.unless.outside]
pub(crate) fn name_ways_out(finding: &mut Finding, model: &Model) {
    let mut unless = std::mem::take(&mut finding.unless);
    for id in &finding.resources {
        let Some(resource) = model.resources.get(id) else { continue };
        let (definition, name) = (resource.definition(), resource.label());
        if definition.is_channel() {
            let before = unless.len();
            let edges = finding.edges.iter().filter_map(|id| model.edges.get(id)).filter(|edge| edge.resource == *id);
            unless.extend(edges.filter_map(|edge| given_away(model, edge, &name)));
            if unless.len() == before {
                unless.push(format!("other code uses an end of {name}"));
            }
        } else if definition.units == UnitKind::Permits {
            unless.push(format!("other code adds permits to {name} or closes it"));
        } else if definition.units == UnitKind::Unknown && definition.ends != Ends::Joined {
            unless.push(format!("other code ends a wait for {name}"));
        }
    }
    without_repeats(&mut unless);
    finding.unless = unless;
}

/// Adds the ways in which a cancel could resolve the finding. r[problem.unless.outside]
pub(crate) fn name_cancels(finding: &mut Finding, certain: &Certain, model: &Model) {
    let is_outside = |by: &Option<TaskId>| by.is_none_or(|by| !finding.tasks.contains(&by));
    for id in &finding.tasks {
        let task = model.task_label(*id);
        finding.unless.extend(certain.cancelled_by(model, *id).filter(is_outside).map(|by| match by {
            Some(by) => format!("{} cancels {task} or ends its runtime", model.task_label(by)),
            None => format!("other code cancels {task}"),
        }));
    }
    if finding.unless.is_empty() {
        // A task that only waits behind these tasks can be unblocked, and that may change the order of the waits.
        let resources = finding.resources.iter().filter_map(|id| model.resources.get(id));
        let ways = resources.map(|it| format!("another task that waits for {} makes progress", it.label()));
        finding.unless.extend(ways);
    }
    without_repeats(&mut finding.unless);
}

/// "the receiver of channel `c` was given to other code since 12:03:07 UTC, when task 4 used it".
fn given_away(model: &Model, edge: &Edge, name: &str) -> Option<String> {
    let (had, used) = match &edge.body {
        EdgeBody::Party { role, .. } => (role.as_str(), "used"),
        EdgeBody::Wait { transferable: true, .. } if edge.waiter().polled == Some(false) => ("operation", "began"),
        _ => return None,
    };
    let (task, time) = (model.task_label(edge.task), words::time(model, edge.since_ns));
    Some(format!("the {had} of {name} was given to other code after {time}, when {task} {used} it"))
}

/// Keeps the first doubts, and the number of the others.
pub(crate) fn limit_doubts(finding: &mut Finding) {
    for (list, noun) in [(&mut finding.unknowns, "more unknown"), (&mut finding.unless, "more way")] {
        let more = list.len().saturating_sub(MOST_DOUBTS);
        list.truncate(MOST_DOUBTS);
        list.extend((more > 0).then(|| words::count(more, noun)));
    }
}

fn without_repeats(texts: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    texts.retain(|text| seen.insert(text.clone()));
}

/// Names each unknown about the tasks that have this end of a resource.
fn unknown_parties(model: &Model, resource: &Resource, end: End, unknowns: &mut Vec<String>) {
    let (word, handles, weak) = match end {
        End::Sender => ("sender", resource.senders, resource.weak_senders.unwrap_or(0)),
        End::Receiver => ("receiver", resource.receivers, 0),
        // A join of one task has no `length`.
        End::Joined => ("task", Some(resource.length.unwrap_or(1)), 0),
    };
    let edges = || model.edges_of_resource(resource.id);
    let parties = || {
        edges().filter_map(|edge| match &edge.body {
            EdgeBody::Party { role, exclusive } if end.is(role) => Some((edge.task, word, *exclusive)),
            _ => None,
        })
    };
    // These tasks have reserved places.
    let permits = edges().filter_map(|edge| match &edge.body {
        EdgeBody::Hold { transferable, .. } if end == End::Receiver => Some((edge.task, "permit", !transferable)),
        _ => None,
    });
    let name = resource.label();
    // If the number of handles is unknown, at least one may be anywhere.
    let more = handles.map_or(1, |handles| handles.saturating_sub(parties().count() as u64));
    match (more, handles) {
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
    for (id, had, certain) in parties().chain(permits) {
        let task = model.task_label(id);
        // Only the awaited task itself can end a join.
        let certain = certain || end == End::Joined;
        if model.tasks.get(&id).is_none_or(has_ended) {
            unknowns.push(format!("{task} has ended, and its {had} of {name} may be with another task"));
        } else if !certain && had == "permit" {
            unknowns.push(format!("the permit of {name} held by {task} may have moved to another task"));
        } else if !certain {
            unknowns.push(format!("the {had} of {name} that {task} uses is shared: other tasks may use it"));
        }
    }
}

/// Names the doubt about a hold, if there is one.
fn doubtful_hold(
    model: &Model,
    resource: &Resource,
    held: &Held,
    unknowns: &mut Vec<String>,
    unless: &mut Vec<String>,
) {
    let Some(edge) = model.edges.get(&held.edge) else { return };
    let (had, moves) = match &edge.body {
        EdgeBody::Hold { mode: HoldMode::Permit, transferable, .. } => ("permit", *transferable),
        EdgeBody::Hold { transferable, .. } => ("guard", *transferable),
        EdgeBody::Wait { transferable, .. } => ("operation", *transferable),
        EdgeBody::Party { .. } => return,
    };
    let (task, name) = (model.task_label(held.task), resource.label());
    if held.forgotten {
        unknowns.push(format!("{task} has ended, and its {had} of {name} may be with another task"));
    } else if moves {
        let (time, used) = (words::time(model, edge.since_ns), if had == "operation" { "began" } else { "acquired" });
        unless.push(format!("the {had} of {name} was given to other code after {time}, when {task} {used} it"));
    }
}
