//! `lock_held_long`: a task holds a lock or a permit for a long time, and others wait for it.

use super::{About, OFF, SECOND, Severities, Tiers};
use crate::health::{Candidate, HealthFinding, Look, Subject, evidence, suspect, words};
use crate::operation::is_hard;
use crate::resource_kind::{LongHold, UnitKind};
use crate::wants::has_foreign_waker;
use crate::{Edge, EdgeBody, Model, Resource, Waiter};
use insight_protocol::{HoldMode, Operation, PartyRole, ProblemKind, Severity};
use std::collections::BTreeSet;

pub(super) static ABOUT: About = About {
    kind: ProblemKind::LockHeldLong,
    severities: Severities::Grows { from: Severity::Notice, to: Severity::Degraded, when: "from 30 s on" },
    tiers: Tiers::Both,
    says: "A lock or permit is held for a long time, and others wait for it.",
    symptom: "Tasks wait for a lock",
    called: "it is held for a long time",
};

/// When a lock or a permit is held for too long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockHeldLong {
    /// Time for which a lock was held. Default: 5 s. Many programs hold a lock across a query or a request, against
    /// good advice and usually without harm. 5 s is longer than those take, and shorter than usual timeouts of callers.
    pub held_ns: u64,
    /// Time for which a task has waited for it. Default: 1 s. A lock that no task wants may be held for any time.
    pub waited_ns: u64,
    /// As `held_ns`, for a permit of a semaphore that has several. Default: [`OFF`]. A program limits itself with a
    /// semaphore. Its purpose is that tasks wait while others have a permit for as long as their work takes.
    pub permit_held_ns: u64,
    /// Time for which a lock was held when the notice becomes `degraded`. Default: 30 s, the longest usual timeout of
    /// callers. By then their work is lost.
    pub degraded_ns: u64,
}

impl Default for LockHeldLong {
    fn default() -> LockHeldLong {
        LockHeldLong { held_ns: 5 * SECOND, waited_ns: SECOND, permit_held_ns: OFF, degraded_ns: 30 * SECOND }
    }
}

const ADVICE: &str = "Drop the guard before you wait for something slow, and lock again afterwards. Or work on a copy, or \
                      let one task own the data and send it messages.";

/// Maximum number of tasks in a search for the way back to the lock.
const MOST_LOOKED_AT: usize = 64;

/// Maximum number of waits that are evidence.
const MOST_WAITS: usize = 8;

pub(super) fn look(look: &Look, limits: &LockHeldLong, out: &mut Vec<Candidate>) {
    for resource in look.model.resources.values() {
        let held_ns = match (resource.definition().long_hold, resource.capacity) {
            (LongHold::Lock, _) | (LongHold::Permit, Some(1)) => limits.held_ns,
            (LongHold::Permit, _) => limits.permit_held_ns,
            (LongHold::Never, _) => continue,
        };
        out.extend(held_long(look, limits, resource, held_ns));
    }
}

fn held_long(look: &Look, limits: &LockHeldLong, resource: &Resource, held_ns: u64) -> Option<Candidate> {
    let model = look.model;
    let mut waits: Vec<&Edge> =
        model.edges_of_resource(resource.id).filter(|edge| is_blocked(look, limits, edge)).collect();
    if waits.is_empty() {
        return None;
    }
    let mut holds: Vec<&Edge> = model
        .edges_of_resource(resource.id)
        .filter(|edge| matches!(edge.body, EdgeBody::Hold { .. }) && look.for_ns(edge.since_ns) >= held_ns)
        .collect();
    holds.sort_by_key(|hold| (hold.since_ns, hold.id));
    let hold = *holds.first()?;
    let EdgeBody::Hold { mode, transferable, .. } = &hold.body else { return None };
    // If the holder waits for itself, that is a deadlock, unless something unobserved may wake it.
    let foreign = model.tasks.get(&hold.task).is_some_and(has_foreign_waker);
    waits.retain(|wait| (wait.task != hold.task || foreign) && excludes(mode, wait));
    waits.sort_by_key(|wait| (wait.since_ns, wait.id));
    let holder = model.tasks.get(&hold.task).filter(|task| task.outcome().is_none())?;
    let own = model.waits_of_task(holder.id);
    if waits.is_empty() || is_turn(hold, &own, &waits) || is_stuck(model, hold) {
        return None;
    }
    let degraded_ns = limits.degraded_ns.max(held_ns);
    let (severity, long_ns) = match look.for_ns(hold.since_ns) >= degraded_ns {
        true => (Severity::Degraded, degraded_ns),
        false => (Severity::Notice, held_ns),
    };
    let long = words::span(long_ns);
    let label = resource.label();
    let mut explanation = vec![format!(
        "{} has held {label}{} for more than {long}{}.",
        words::task_at(model, holder),
        words::at(&hold.location),
        match own.first() {
            Some(wait) => format!(", and waits {}", words::wait(model, wait)),
            None => String::new(),
        }
    )];
    let others = waits
        .iter()
        .filter(|wait| wait.task != hold.task)
        .take(MOST_WAITS)
        .map(|wait| format!("{} waits {}.", model.task_label(wait.task), words::wait(model, wait)));
    explanation.extend(others);
    let back = leads_back(look, hold);
    explanation.extend(back.as_deref().map(|back| back_in_words(look, hold, back)));
    let mut finding = evidence(&ABOUT, hold.since_ns);
    finding.tasks.push(holder.id);
    finding.resources.push(resource.id);
    finding.edges.push(hold.id);
    finding.edges.extend(own.iter().chain(waits.iter().take(MOST_WAITS)).map(|edge| edge.id));
    finding.edges.extend(back.into_iter().flatten().flat_map(|(wait, hold)| [wait.id, hold.id]));
    finding.edges.sort_unstable();
    finding.edges.dedup();
    if *transferable {
        suspect(&mut finding, &format!("the guard of {label} may have moved to another task"));
    }
    if model.facts_lost() {
        suspect(&mut finding, "facts were lost: a hold or a wait may have ended");
    }
    let wait =
        if waits.iter().any(|wait| wait.task != hold.task) { "others wait for it" } else { "waits for it itself" };
    let title = format!("lock held long: {} holds {label}, and {wait}", model.task_label(holder.id));
    let finding = HealthFinding { finding, severity, place: None, title, explanation, advice: ADVICE };
    Some(Candidate { subject: Subject::Hold(hold.id), over: true, settle_ns: None, frozen: false, finding })
}

/// Whether a wait for a lock or a permit has lasted long, was not granted yet, and is still polled.
fn is_blocked(look: &Look, limits: &LockHeldLong, edge: &Edge) -> bool {
    let EdgeBody::Wait { operation, .. } = &edge.body else { return false };
    let locks = is_hard(operation);
    let pending = !matches!(edge.waiter(), Waiter { granted_ns: Some(_), .. } | Waiter { polled: Some(false), .. });
    locks && pending && look.for_ns(edge.since_ns) >= limits.waited_ns
}

/// The shortest way from a wait of the holder back to its hold: the waits, each with the hold or the party that blocks
/// it.
fn leads_back<'a>(look: &Look<'a>, hold: &'a Edge) -> Option<Vec<(&'a Edge, &'a Edge)>> {
    let model = look.model;
    let mut ways: Vec<Vec<(&Edge, &Edge)>> = vec![Vec::new()];
    let mut seen = BTreeSet::from([hold.task]);
    let mut at = 0;
    while at < ways.len() && at < MOST_LOOKED_AT {
        let way = ways[at].clone();
        at += 1;
        let task = way.last().map_or(hold.task, |(_, by)| by.task);
        for wait in model.waits_of_task(task) {
            let EdgeBody::Wait { operation, .. } = &wait.body else { continue };
            let waiter = wait.waiter();
            if waiter.granted_ns.is_some() || waiter.polled == Some(false) {
                continue;
            }
            let Some(resource) = model.resources.get(&wait.resource) else { continue };
            for freer in model.freers(resource, operation).known {
                let Some(by) = model.edges.get(&freer.edge) else { continue };
                let next = || way.iter().copied().chain([(wait, by)]).collect();
                if by.id == hold.id {
                    return Some(next());
                }
                // A way through the same task again is no shorter.
                if by.task != hold.task && seen.insert(by.task) {
                    ways.push(next());
                }
            }
        }
    }
    None
}

/// ``Its wait leads back to mutex `m`: task 2 (b) holds mutex `n` (src/main.rs:3) and waits to lock mutex `m`
/// (src/main.rs:8).``
fn back_in_words(look: &Look, hold: &Edge, back: &[(&Edge, &Edge)]) -> String {
    let model = look.model;
    let label = model.resource_label(hold.resource);
    let mut steps = Vec::new();
    for pair in back.windows(2) {
        let ((_, by), (wait, _)) = (pair[0], pair[1]);
        let (of, at) = (model.resource_label(by.resource), words::at(&by.location));
        let is_channel = model.resources.get(&by.resource).is_some_and(|it| it.definition().units == UnitKind::Room);
        let has = match &by.body {
            EdgeBody::Hold { mode: HoldMode::Permit, .. } if is_channel => format!("has a place in {of} reserved{at}"),
            EdgeBody::Hold { mode: HoldMode::Permit, .. } => format!("has permits of {of}{at}"),
            EdgeBody::Hold { .. } => format!("holds {of}{at}"),
            EdgeBody::Party { role, .. } if *role == PartyRole::Joined => "is the awaited task".to_owned(),
            EdgeBody::Party { role, .. } => format!("has a {} of {of}", role.as_str()),
            EdgeBody::Wait { .. } => continue,
        };
        steps.push(format!("{} {has} and waits {}", model.task_label(by.task), words::wait(model, wait)));
    }
    match steps.is_empty() {
        true => format!("It waits for {label} and holds it itself: only another part of the same task can release it."),
        false => format!("Its wait leads back to {label}: {}.", steps.join("; ")),
    }
}

/// Whether the hold blocks the wait. A reader does not block other readers.
fn excludes(mode: &HoldMode, wait: &Edge) -> bool {
    let reads = matches!(wait.body, EdgeBody::Wait { operation: Operation::Read, .. });
    !(*mode == HoldMode::Shared && reads)
}

/// Whether the waiting tasks only wait for their turn. Workers that share one receiver behind a lock all lock it on the
/// same line. The worker that holds the lock waits for a message, which may take any time.
fn is_turn(hold: &Edge, own: &[&Edge], waits: &[&Edge]) -> bool {
    let receives = !own.is_empty()
        && own.iter().all(|edge| match &edge.body {
            EdgeBody::Wait { operation, .. } => {
                matches!(operation, Operation::Recv | Operation::Changed | Operation::Notified)
            }
            _ => false,
        });
    let place = hold.location.as_ref().map(|it| &it.place);
    receives && place.is_some() && waits.iter().all(|wait| wait.location.as_ref().map(|it| &it.place) == place)
}

/// Whether a problem already shows that the holder cannot make progress.
fn is_stuck(model: &Model, hold: &Edge) -> bool {
    let hangs = model.problems.values().filter(|problem| problem.severity == Severity::Hang);
    hangs.flat_map(|problem| &problem.tasks).any(|task| task.id == hold.task)
}
