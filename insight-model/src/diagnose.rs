use crate::knot::bottom_components;
use crate::wait_graph::{WaitGraph, Want, blind_to_wakers, has_ended};
use crate::{EdgeBody, Model};
use insight_protocol::{EdgeId, HoldMode, Operation, PartyRole, ProblemKind, ResourceId, TaskId, Tier};
use std::collections::BTreeSet;

/// How many unknowns a finding names at most.
const MOST_UNKNOWNS: usize = 20;

/// What [`diagnose`] finds: the smallest part of a program that cannot go on, with all the evidence and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub kind: ProblemKind,
    /// How sure that is.
    pub tier: Tier,
    /// The tasks that wait for each other, by id. Tasks that merely wait behind them are not here.
    pub tasks: Vec<TaskId>,
    /// What they wait on, by id.
    pub resources: Vec<ResourceId>,
    /// Their waits, and the holds and parties by which they could free each other, by id.
    pub edges: Vec<EdgeId>,
    /// What is not known and could let them go on, in words; empty for a proven finding.
    pub unknowns: Vec<String>,
    /// Since when all of this has stood, in nanoseconds of the producer's time.
    pub since_ns: u64,
}

/// Finds what cannot go on any more: the proven findings first, then the suspected ones, each by their tasks' ids.
///
/// The question is not where there is a cycle, but who can still go on. Everything can go on that runs, is scheduled,
/// may be woken from outside (a timer, a socket), waits for something unseen, or has not stood still for `settle_ns`;
/// and so can, by the least fixpoint, every task of which a wait can be satisfied by a task that can go on. What is left
/// over is stuck. A plain search for cycles would cry wolf on a free second way out, and on unknown parties.
///
/// Two passes over one graph differ in what an unknown is:
///
/// - **Proven**: it can go on. An unknown party, a handle that others can use, a guard that may have moved, a task that
///   has ended with something in its hands, a task that is only partly seen: nothing is proven through them.
/// - **Suspected**: it is named in [`Finding::unknowns`], and does not help, where at least one party is known. At
///   least one wait must be for a lock, for room in a channel: actors that only wait to receive from each other are
///   what an idle service looks like.
///
/// Of what is stuck, only the strongly connected components out of which nothing leads are findings: these hold
/// themselves, all the others wait behind them. Only the program's own progress counts: whether somebody could abort
/// a task from outside is not asked.
///
/// Takes time linear in the number of tasks and edges, and next to none where nothing waits for long.
pub fn diagnose(model: &Model, settle_ns: u64) -> Vec<Finding> {
    let graph = WaitGraph::new(model, settle_ns);
    if graph.tasks.is_empty() {
        return Vec::new();
    }
    // What is stuck even if every unknown helps is stuck too if none does, by the very same arcs. So a component of
    // the second pass is one of the first, or shares no task with any.
    let proven = bottom_components(&graph.arcs, &graph.stuck(true));
    let suspected = bottom_components(&graph.arcs, &graph.stuck(false))
        .into_iter()
        .filter(|component| proven.binary_search(component).is_err() && has_hard_wait(&graph, component));
    let mut findings: Vec<Finding> = proven.iter().map(|it| finding(model, &graph, it, Tier::Proven)).collect();
    findings.extend(suspected.map(|it| finding(model, &graph, &it, Tier::Suspected)));
    findings
}

/// Whether one of the waits is of a kind that does not last in a healthy program.
fn has_hard_wait(graph: &WaitGraph, component: &[usize]) -> bool {
    let tasks = component.iter().filter_map(|&node| graph.tasks.get(node));
    tasks.flat_map(|waiter| &waiter.waits).any(|wait| match &wait.body {
        EdgeBody::Wait { operation, .. } => {
            matches!(operation, Operation::Lock | Operation::Send | Operation::Reserve)
        }
        _ => false,
    })
}

fn finding(model: &Model, graph: &WaitGraph, component: &[usize], tier: Tier) -> Finding {
    let mut finding = Finding {
        kind: ProblemKind::Deadlock,
        tier,
        tasks: Vec::new(),
        resources: Vec::new(),
        edges: Vec::new(),
        unknowns: Vec::new(),
        since_ns: 0,
    };
    if tier == Tier::Suspected {
        if model.facts_lost() {
            finding.unknowns.push("facts were lost on the way: something here may have ended".to_owned());
        }
        if blind_to_wakers(model) {
            finding.unknowns.push("it is not seen whether a timer or a socket may wake these tasks".to_owned());
        }
    }
    // Two wants of one channel are one resource.
    let mut resources = BTreeSet::new();
    for &node in component {
        if let Some(want) = graph.want(node) {
            resources.insert(want.resource.id);
            let live = want.freers.known.iter().filter(|freer| !model.tasks.get(&freer.task).is_none_or(has_ended));
            finding.edges.extend(live.map(|freer| freer.edge));
            unknowns_of_want(model, want, &mut finding.unknowns);
        } else {
            let waiter = &graph.tasks[node];
            finding.tasks.push(waiter.task.id);
            finding.edges.extend(waiter.waits.iter().map(|wait| wait.id));
            if waiter.task.partial {
                let task = waiter.task.label();
                finding
                    .unknowns
                    .push(format!("{task} was not spawned through insight: it may have other ways to go on"));
            }
        }
    }
    if finding.unknowns.len() > MOST_UNKNOWNS {
        let more = finding.unknowns.len() - MOST_UNKNOWNS;
        finding.unknowns.truncate(MOST_UNKNOWNS);
        finding.unknowns.push(format!("{more} more things are not known"));
    }
    finding.resources.extend(resources);
    finding.edges.sort_unstable();
    // One hold may be evidence for both ends of a channel.
    finding.edges.dedup();
    let since = finding.edges.iter().filter_map(|id| model.edges.get(id)).map(|edge| edge.since_ns);
    finding.since_ns = since.max().unwrap_or(0);
    finding
}

/// Names every uncertainty about who can satisfy a want. A want without any adds nothing.
fn unknowns_of_want(model: &Model, want: &Want, unknowns: &mut Vec<String>) {
    let resource = want.resource.label();
    let (end, handles, weak) = match want.receives {
        true => ("sender", want.resource.senders, want.resource.weak_senders.unwrap_or(0)),
        false => ("receiver", want.resource.receivers, 0),
    };
    match (want.freers.unknown.saturating_sub(weak), handles) {
        (0, _) => {}
        (_, None) => unknowns.push(format!("how many {end}s {resource} has is not known")),
        (1, _) => unknowns.push(format!("1 more {end} of {resource} that no task has used yet")),
        (more, _) => unknowns.push(format!("{more} more {end}s of {resource} that no task has used yet")),
    }
    match weak {
        0 => {}
        1 => unknowns.push(format!("1 weak sender of {resource}, which may become a sender")),
        _ => unknowns.push(format!("{weak} weak senders of {resource}, which may become senders")),
    }
    for freer in &want.freers.known {
        let task = model.task_label(freer.task);
        let body = model.edges.get(&freer.edge).map(|edge| &edge.body);
        let had = match body {
            Some(EdgeBody::Party { role: PartyRole::Sender, .. }) => "sender",
            Some(EdgeBody::Party { .. }) => "receiver",
            Some(EdgeBody::Hold { mode: HoldMode::Permit, .. }) => "permit",
            _ => "guard",
        };
        if model.tasks.get(&freer.task).is_none_or(has_ended) {
            unknowns.push(format!("{task} has ended, and its {had} of {resource} may be with another task"));
        } else if !freer.certain && matches!(body, Some(EdgeBody::Party { .. })) {
            unknowns.push(format!("the {had} of {resource} that {task} uses is shared: other tasks may use it"));
        } else if !freer.certain {
            unknowns.push(format!("the {had} of {resource} held by {task} may have moved to another task"));
        }
    }
}
