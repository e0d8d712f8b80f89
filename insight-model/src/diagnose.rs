use crate::fixpoint::{Changes, Fixpoint, IdSet};
use crate::knot::bottom_components;
use crate::operation::is_hard;
use crate::problem::{self, Knot, lost_wakeup};
use crate::units::Held;
use crate::wait_graph::{Node, WaitGraph};
use crate::wants::{End, blind_to_wakers, has_ended, has_foreign_waker};
use crate::{EdgeBody, Freers, Model, Resource};
use insight_protocol::{EdgeId, HoldMode, Operation, PartyRole, ProblemKind, ResourceId, TaskId, Tier};
use std::collections::BTreeSet;

/// How many unknowns a finding names at most.
const MOST_UNKNOWNS: usize = 20;

/// Maximum number of findings that become problems: each takes some kilobytes, more than once.
pub(crate) const MOST_PROBLEMS: usize = 1_000;

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
/// and so can, by the least fixpoint, every task of which a wait can be satisfied by tasks that can go on:
///
/// - a receive by one sender, a join by one of the tasks that it is for, the end of a channel by one at its other end;
/// - a lock, permits, a place in a channel by as many units as are free, or are given back by those that can go on. Where
///   who came first is first served ([`HandOff`](insight_protocol::HandOff)), only after those ahead;
/// - of several waits of a task any one is enough, but not one that the task no longer polls. That one keeps what it was
///   given, or will be given when its turn comes, from everybody else.
///
/// What is left over is stuck. A plain search for cycles would cry wolf on a free second way out, and on unknown parties.
///
/// Two passes differ in what an unknown is:
///
/// - **Proven**: it can go on. An unknown party, a handle that others can use, a guard that may have moved, a task that
///   has ended with something in its hands, a task that is only partly seen or that something foreign may wake: nothing is
///   proven through them.
/// - **Suspected**: it is named in [`Finding::unknowns`], and does not help, where at least one party is known. At
///   least one wait must be for a lock, for permits or for room in a channel: actors that only wait to receive from each
///   other are what an idle service looks like. Units that nobody is known to have help here too, and so does what a plain
///   thread has. A task with a foreign waker counts as stuck here only when all that it waits for is of this kind and
///   has stood for ten times `settle_ns`, and it is suspected of several tasks of which all else is certain.
///
/// Of what is stuck, only the strongly connected components out of which nothing leads are findings: these hold
/// themselves, all the others wait behind them. Only the program's own progress counts: whether somebody could abort
/// a task from outside is not asked.
///
/// Takes time linear in the number of tasks and edges, and next to none where nothing waits for long.
pub fn diagnose(model: &Model, settle_ns: u64) -> Vec<Finding> {
    let mut diagnosis = Diagnosis::new(settle_ns);
    diagnosis.update(model);
    diagnosis.findings
}

/// The tasks that cannot go on, those too that only wait behind a finding, by id. With [`Tier::Suspected`] as far as
/// nothing unknown helps, which alone is no fault: many an idle program looks like that.
pub fn stuck_tasks(model: &Model, settle_ns: u64, tier: Tier) -> BTreeSet<TaskId> {
    let mut fixpoint = Fixpoint::new(settle_ns);
    fixpoint.update(model);
    fixpoint.stuck(tier).clone()
}

/// The findings of a model, kept up to date.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diagnosis {
    fixpoint: Fixpoint,
    findings: Vec<Finding>,
    /// What the findings were made from.
    seen_tasks: IdSet<TaskId>,
    seen_resources: IdSet<ResourceId>,
}

impl Diagnosis {
    pub(crate) fn new(settle_ns: u64) -> Diagnosis {
        Diagnosis { fixpoint: Fixpoint::new(settle_ns), ..Diagnosis::default() }
    }

    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Looks at what has changed. Says whether the findings may be others now, or would be told otherwise.
    pub(crate) fn update(&mut self, model: &Model) -> bool {
        let changes = self.fixpoint.update(model);
        if !self.concerned_by(&changes) {
            return false;
        }
        self.seen_tasks.clear();
        self.seen_resources.clear();
        self.findings.clear();
        let proven = self.fixpoint.stuck(Tier::Proven).iter().copied();
        let proven = WaitGraph::new(&self.fixpoint, model, Tier::Proven, proven);
        self.find(model, proven, Tier::Proven);
        // Of the others only those matter that wait for something for which nobody waits long in a healthy program: the
        // others may be many, and are no fault by themselves.
        let mut from = self.fixpoint.stuck(Tier::Suspected).difference(self.fixpoint.stuck(Tier::Proven)).peekable();
        if from.peek().is_some() {
            let from: Vec<TaskId> = from.copied().filter(|task| self.waits_hard(model, *task)).collect();
            let suspected = WaitGraph::new(&self.fixpoint, model, Tier::Suspected, from.into_iter());
            self.find(model, suspected, Tier::Suspected);
        }
        for &task in self.fixpoint.lost() {
            self.findings.push(lost_wakeup::finding(model, task));
        }
        self.findings.sort_by(|a, b| (a.tier, &a.tasks).cmp(&(b.tier, &b.tasks)));
        true
    }

    fn concerned_by(&self, changes: &Changes) -> bool {
        let fixpoint = &self.fixpoint;
        let task = |id: &TaskId| {
            // One that is stuck now was looked at, if it is not new.
            self.seen_tasks.contains(id) || fixpoint.is_stuck(*id) || fixpoint.lost().contains(id)
        };
        let lost = self.findings.iter().filter(|it| it.kind == ProblemKind::LostWakeup).flat_map(|it| &it.tasks);
        changes.all
            || changes.tasks.iter().any(task)
            || changes.resources.iter().any(|id| self.seen_resources.contains(id))
            || lost.into_iter().any(|task| changes.tasks.contains(task))
    }

    fn waits_hard(&self, model: &Model, task: TaskId) -> bool {
        let waits = self.fixpoint.waits(task).into_iter().flat_map(|waits| &waits.pending);
        let is_hard = |edge| match model.edges.get(&edge).map(|edge| &edge.body) {
            Some(EdgeBody::Wait { operation, .. }) => is_hard(operation),
            _ => false,
        };
        waits.into_iter().any(|wait| wait.polled && is_hard(wait.edge))
    }

    fn find(&mut self, model: &Model, mut graph: WaitGraph, tier: Tier) {
        for node in &graph.nodes {
            match *node {
                Node::Task(id) => _ = self.seen_tasks.insert(id),
                Node::Parties(id, _) | Node::Held { resource: id, .. } | Node::Front(id) => {
                    self.seen_resources.insert(id);
                }
            }
        }
        for component in bottom_components(&graph.arcs) {
            let nodes: Vec<Node> = component.into_iter().map(|node| graph.nodes[node]).collect();
            if tier == Tier::Suspected {
                let tasks = || nodes.iter().filter_map(Node::task);
                // What is proven of a part says it all.
                if tasks().any(|task| self.fixpoint.stuck(Tier::Proven).contains(&task)) {
                    continue;
                }
                if tasks().next().is_some() && !tasks().any(|task| self.waits_hard(model, task)) {
                    continue;
                }
            }
            let mut finding = self.finding(model, &mut graph, &nodes, tier);
            if tier == Tier::Proven || is_suspect(model, &finding) {
                let more = finding.unknowns.len().saturating_sub(MOST_UNKNOWNS);
                finding.unknowns.truncate(MOST_UNKNOWNS);
                finding.unknowns.extend((more > 0).then(|| format!("{more} more things are not known")));
                self.findings.push(finding);
            }
        }
    }

    fn finding(&self, model: &Model, graph: &mut WaitGraph, nodes: &[Node], tier: Tier) -> Finding {
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
        let mut tasks = BTreeSet::new();
        // Two ends of one channel are one resource.
        let mut resources = BTreeSet::new();
        let mut edges = BTreeSet::new();
        let mut in_order = Vec::new();
        // By resource, so that the words come in the order of the program.
        let mut parties: BTreeSet<(ResourceId, End)> = BTreeSet::new();
        let mut forgotten = Vec::new();
        let mut held_by: Vec<(ResourceId, Held)> = Vec::new();
        for node in nodes {
            match *node {
                Node::Task(id) => {
                    tasks.insert(id);
                    let waits = self.fixpoint.waits(id).into_iter().flat_map(|waits| &waits.pending);
                    edges.extend(waits.filter(|wait| wait.polled).map(|wait| wait.edge));
                }
                Node::Parties(id, end) => {
                    resources.insert(id);
                    parties.insert((id, end));
                    if let Some(resource) = model.resources.get(&id) {
                        edges.extend(graph.parties(&self.fixpoint, resource, end).map(|(_, edge)| edge));
                    }
                }
                Node::Held { resource: id, from_readers } => {
                    resources.insert(id);
                    let Some(units) = graph.units(&self.fixpoint, id) else { continue };
                    let for_receivers = units.for_receivers;
                    let held: Vec<Held> =
                        units.held.iter().filter(|held| held.exclusive || !from_readers).copied().collect();
                    edges.extend(held.iter().map(|held| held.edge));
                    forgotten.extend(held.iter().filter(|held| held.forgotten).copied());
                    held_by.extend(held.into_iter().map(|held| (id, held)));
                    if let Some(resource) = model.resources.get(&id).filter(|_| for_receivers) {
                        parties.insert((id, End::Receiver));
                        let receivers = graph.parties(&self.fixpoint, resource, End::Receiver);
                        edges.extend(receivers.map(|(_, edge)| edge));
                    }
                }
                Node::Front(id) => {
                    resources.insert(id);
                    in_order.push(id);
                    let Some(units) = graph.units(&self.fixpoint, id) else { continue };
                    edges.extend(units.front.map(|front| units.queue[front].edge));
                }
            }
        }
        let alone = tasks.is_empty();
        if alone {
            // A guard that was forgotten: who waits for it is not part of it.
            tasks.extend(forgotten.iter().map(|held| held.task));
        }
        finding.tasks = tasks.into_iter().collect();
        finding.resources = resources.into_iter().collect();
        finding.edges = edges.into_iter().collect();
        finding.kind = match alone {
            true => ProblemKind::ForgottenParty,
            false => problem::kind(&Knot { model, finding: &finding, in_order: &in_order }),
        };
        let since = finding.edges.iter().filter_map(|id| model.edges.get(id)).map(|edge| edge.since_ns);
        finding.since_ns = since.max().unwrap_or(0);
        if tier == Tier::Suspected {
            for task in finding.tasks.iter().filter_map(|id| model.tasks.get(id)) {
                let label = task.label();
                if task.partial {
                    finding
                        .unknowns
                        .push(format!("{label} was not spawned through insight: it may have other ways to go on"));
                }
                if has_foreign_waker(task) {
                    finding.unknowns.push(format!(
                        "something that is not seen holds a waker of {label}, such as a socket or a timer: it may wake it"
                    ));
                }
            }
            for id in &finding.resources {
                let Some(resource) = model.resources.get(id) else { continue };
                for (_, end) in parties.range((*id, End::Sender)..=(*id, End::Joined)) {
                    unknown_parties(model, resource, *end, &mut finding.unknowns);
                    if self.fixpoint.may_close(&self.fixpoint.look(model, Tier::Proven), resource, *end) {
                        let name = resource.label();
                        finding.unknowns.push(format!("whoever has another end of {name} may close it"));
                    }
                }
                for (_, held) in held_by.iter().filter(|(of, _)| of == id) {
                    unknown_hold(model, resource, held, &mut finding.unknowns);
                }
            }
            let mut named = BTreeSet::new();
            finding.unknowns.retain(|unknown| named.insert(unknown.clone()));
        }
        finding
    }
}

/// Whether what is not known is no more than what may be suspected in spite of it.
fn is_suspect(model: &Model, finding: &Finding) -> bool {
    match finding.tasks.iter().filter_map(|id| model.tasks.get(id)).filter(|task| has_foreign_waker(task)).count() {
        0 => !finding.unknowns.is_empty(),
        // Where anything else is not known either, there are two ways out. And one part of a task may hold what another one
        // waits for while it writes to a socket.
        foreign => finding.unknowns.len() == foreign && finding.tasks.len() > 1,
    }
}

/// Names every uncertainty about who has this end of a resource. One without any adds nothing.
fn unknown_parties(model: &Model, resource: &Resource, end: End, unknowns: &mut Vec<String>) {
    let (operation, word, handles, weak) = match end {
        End::Sender => (Operation::Recv, "sender", resource.senders, resource.weak_senders.unwrap_or(0)),
        End::Receiver => (Operation::Closed, "receiver", resource.receivers, 0),
        End::Joined => (Operation::Join, "task", resource.length.or(Some(1)), 0),
    };
    let freers: Freers = model.freers(resource, &operation);
    let name = resource.label();
    match (freers.unknown.saturating_sub(weak), handles) {
        (0, _) => {}
        (more, _) if end == End::Joined => unknowns.push(format!("{more} more of the tasks of {name} is not seen")),
        (_, None) => unknowns.push(format!("how many {word}s {name} has is not known")),
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

/// Names what is not certain of a hold, if anything.
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
