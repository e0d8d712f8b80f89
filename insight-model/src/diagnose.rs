use crate::doubts::{is_suspect, limit_doubts, name_cancels, name_unknowns, name_ways_out};
use crate::evidence::Evidence;
use crate::fixpoint::{Certain, Changes, Fixpoint};
use crate::id_map::IdSet;
use crate::knot::bottom_components;
use crate::operation::is_hard;
use crate::problem::{self, Knot, lost_wakeup};
use crate::wait_graph::{Node, WaitGraph};
use crate::wants::has_foreign_waker;
use crate::{EdgeBody, Finding, Model};
use insight_protocol::{ProblemKind, ResourceId, TaskId, Tier};
use std::collections::BTreeSet;

/// Maximum number of findings that become problems: each takes some kilobytes, more than once.
pub(crate) const MOST_PROBLEMS: usize = 1_000;

/// Finds the tasks that can never make progress again: the proven findings first, then the suspected ones, each by their
/// tasks' ids.
///
/// A search for cycles would report a task that has a second way out, or that an unknown task can unblock. So we compute the
/// tasks that can still make progress. A task makes progress by itself if it runs, is scheduled, may be woken from outside (by
/// a timer or a socket), waits for something that we do not observe, or has changed within the last `settle_ns`. It
/// also makes progress if one of its waits can be ended by tasks that make progress (a least fixpoint):
///
/// - One sender ends a receive, one of the joined tasks ends a join, one task at the other end ends the wait for a channel's
///   end.
/// - A lock, permits, or a place in a channel are available if they are free, or held by tasks that make progress. If the
///   first wait is served first ([`HandOff`](insight_protocol::HandOff)), the waits ahead come first.
/// - One of several waits of a task is enough, but only if the task polls it. A wait without a poll keeps the units that it
///   was given, or will be given in its turn, from all other tasks.
///
/// All other tasks are stuck.
///
/// Two passes differ in unknowns:
///
/// - **Proven**: an unknown helps. Unknown parties, handles that other tasks can use, guards that may have moved, tasks that
///   ended with a guard, partial tasks and tasks with a foreign waker prove nothing. From its stuck tasks, we remove those that
///   other code could unblock: that wait for anything but a lock or a join, since an end of a channel can be anywhere and any code
///   can add permits, or that may be cancelled; and the tasks that these unblock or may cancel. The tasks that remain give the
///   `proven` findings. Any other finding of this pass is `suspected`, and [`Finding::unless`] names the ways out.
/// - **Suspected**: an unknown is named in [`Finding::unknowns`] and does not help, if at least one party is known. At least one
///   wait must be for a lock, for permits or for room in a channel, since in an idle service actors wait to receive from
///   each other. Units without a known holder help here too, and so does a thread that is not a task. A task with a foreign
///   waker counts as stuck here only if all its waits are of this kind and have lasted for ten times `settle_ns`, and
///   only together with another task, if nothing else is unknown.
///
/// Among the stuck tasks, only the strongly connected components that no arc leaves are findings: these tasks hold each
/// other, and all others wait behind them.
///
/// Takes time linear in the number of tasks and edges, and next to none if no wait lasts.
pub fn diagnose(model: &Model, settle_ns: u64) -> Vec<Finding> {
    let mut diagnosis = Diagnosis::new(settle_ns);
    diagnosis.update(model);
    diagnosis.findings
}

/// The tasks that cannot make progress, by id, including tasks that only wait behind a finding. Handles are taken to be with the
/// tasks that last used them. With [`Tier::Suspected`], unknowns do not help. That alone is no fault: the tasks of an idle program usually look like that.
pub fn stuck_tasks(model: &Model, settle_ns: u64, tier: Tier) -> BTreeSet<TaskId> {
    let mut fixpoint = Fixpoint::new(settle_ns);
    fixpoint.update(model);
    fixpoint.stuck(tier).clone()
}

/// The tasks whose foreign wakers alone keep a finding from being made, by id: capture their awaits first.
///
/// They are the tasks of the findings that there would be if each foreign waker of a task without known awaits was outdated.
/// Takes as long as a [`diagnose`] of the whole model.
pub fn doubted_tasks(model: &Model, settle_ns: u64) -> BTreeSet<TaskId> {
    let mut diagnosis = Diagnosis { fixpoint: Fixpoint::doubting_wakers(settle_ns), ..Diagnosis::default() };
    diagnosis.update(model);
    let is_doubted = |id: &TaskId| !model.has_own_awaits(*id) && model.tasks.get(id).is_some_and(has_foreign_waker);
    diagnosis.findings.iter().flat_map(|finding| finding.tasks.iter().copied()).filter(is_doubted).collect()
}

/// The findings of a model, kept up to date.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diagnosis {
    fixpoint: Fixpoint,
    findings: Vec<Finding>,
    /// The tasks and resources that the findings were made from.
    seen: Seen,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    tasks: IdSet<TaskId>,
    resources: IdSet<ResourceId>,
}

impl Diagnosis {
    pub(crate) fn new(settle_ns: u64) -> Diagnosis {
        Diagnosis { fixpoint: Fixpoint::new(settle_ns), ..Diagnosis::default() }
    }

    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    pub(crate) fn stuck(&self) -> &BTreeSet<TaskId> {
        self.fixpoint.stuck(Tier::Proven)
    }

    /// Looks at the changes of the model. Returns whether the findings, or their words, may have changed.
    pub(crate) fn update(&mut self, model: &Model) -> bool {
        let changes = self.fixpoint.update(model);
        if !self.concerned_by(&changes) {
            return false;
        }
        let Diagnosis { fixpoint, findings, seen } = self;
        findings.clear();
        seen.tasks.clear();
        seen.resources.clear();
        let certain = fixpoint.certain(model);
        let mut search = Search { model, fixpoint, certain: &certain, findings, seen };
        let (proven, suspected) = (fixpoint.stuck(Tier::Proven), fixpoint.stuck(Tier::Suspected));
        search.find_certain(proven.iter().copied());
        search.find(Tier::Proven, proven.iter().copied());
        // In a healthy program there may be many stuck tasks here. Only a wait that does not last in a healthy program matters.
        let suspected = suspected.difference(proven).copied().filter(|task| waits_hard(fixpoint, model, *task));
        search.find(Tier::Suspected, suspected);
        findings.extend(fixpoint.lost().iter().map(|task| lost_wakeup::finding(model, *task)));
        findings.sort_by(|a, b| (a.tier, &a.tasks).cmp(&(b.tier, &b.tasks)));
        true
    }

    fn concerned_by(&self, changes: &Changes) -> bool {
        let fixpoint = &self.fixpoint;
        // A stuck task that is not new was looked at before.
        let task = |id: &TaskId| self.seen.tasks.contains(id) || fixpoint.is_stuck(*id) || fixpoint.lost().contains(id);
        let lost = self.findings.iter().filter(|it| it.kind == ProblemKind::LostWakeup).flat_map(|it| &it.tasks);
        changes.all
            || changes.tasks.iter().any(task)
            || changes.resources.iter().any(|id| self.seen.resources.contains(id))
            || lost.into_iter().any(|task| changes.tasks.contains(task))
    }
}

/// Whether a polled wait of the task is for a lock, for permits or for room in a channel.
fn waits_hard(fixpoint: &Fixpoint, model: &Model, task: TaskId) -> bool {
    let is_hard = |edge| match model.edges.get(&edge).map(|edge| &edge.body) {
        Some(EdgeBody::Wait { operation, .. }) => is_hard(operation),
        _ => false,
    };
    let waits = fixpoint.waiting().waits(task).into_iter().flat_map(|waits| &waits.pending);
    waits.into_iter().any(|wait| wait.polled && is_hard(wait.edge))
}

/// The nodes of each component that no arc leaves.
fn components(graph: &WaitGraph) -> Vec<Vec<Node>> {
    let components = bottom_components(&graph.arcs).into_iter();
    components.map(|nodes| nodes.into_iter().map(|node| graph.nodes[node]).collect()).collect()
}

/// One search for findings.
struct Search<'a> {
    model: &'a Model,
    fixpoint: &'a Fixpoint,
    certain: &'a Certain,
    findings: &'a mut Vec<Finding>,
    seen: &'a mut Seen,
}

impl Search<'_> {
    /// Adds the proven findings.
    fn find_certain(&mut self, from: impl Iterator<Item = TaskId>) {
        let from = from.filter(|task| self.certain.is_stuck(*task));
        let look = self.fixpoint.look(self.model, Tier::Proven);
        let mut graph = WaitGraph::new(self.certain.waiting(), look, from);
        for nodes in components(&graph) {
            let (finding, _) = self.finding(Tier::Proven, &nodes, &mut graph);
            self.findings.push(finding);
        }
    }

    /// Adds the suspected findings that the stuck tasks of this pass lead to.
    fn find(&mut self, pass: Tier, from: impl Iterator<Item = TaskId>) {
        let (model, fixpoint) = (self.model, self.fixpoint);
        let mut graph = WaitGraph::new(fixpoint.waiting(), fixpoint.look(model, pass), from);
        for node in &graph.nodes {
            match *node {
                Node::Task(id) => {
                    self.seen.tasks.insert(id);
                    self.seen.tasks.extend(model.cancellers(id).into_iter().flat_map(|it| &it.tasks));
                }
                Node::Parties(id, _) | Node::Held { resource: id, .. } | Node::Front(id) => {
                    self.seen.resources.insert(id);
                }
            }
        }
        for nodes in components(&graph) {
            let tasks = || nodes.iter().filter_map(Node::task);
            // A finding of an earlier pass about a part says it all.
            let is_found = tasks().any(|task| match pass {
                Tier::Proven => self.certain.is_stuck(task),
                _ => fixpoint.stuck(Tier::Proven).contains(&task),
            });
            if is_found {
                continue;
            }
            if pass == Tier::Proven {
                let (mut finding, _) = self.finding(Tier::Suspected, &nodes, &mut graph);
                name_ways_out(&mut finding, model);
                name_cancels(&mut finding, self.certain, model);
                limit_doubts(&mut finding);
                self.findings.push(finding);
                continue;
            }
            if tasks().next().is_some() && !tasks().any(|task| waits_hard(fixpoint, model, task)) {
                continue;
            }
            let (mut finding, evidence) = self.finding(Tier::Suspected, &nodes, &mut graph);
            name_unknowns(&mut finding, &evidence, fixpoint, model);
            if is_suspect(model, &finding, &fixpoint.rules(model)) {
                name_ways_out(&mut finding, model);
                limit_doubts(&mut finding);
                self.findings.push(finding);
            }
        }
    }

    /// The finding about these nodes, without doubts.
    fn finding(&self, tier: Tier, nodes: &[Node], graph: &mut WaitGraph) -> (Finding, Evidence) {
        let evidence = Evidence::of(nodes, graph);
        let since = evidence.edges.iter().filter_map(|id| self.model.edges.get(id)).map(|edge| edge.since_ns);
        let mut finding = Finding {
            kind: ProblemKind::ForgottenParty,
            tier,
            tasks: evidence.tasks.iter().copied().collect(),
            resources: evidence.resources.iter().copied().collect(),
            edges: evidence.edges.iter().copied().collect(),
            unknowns: Vec::new(),
            unless: Vec::new(),
            since_ns: since.max().unwrap_or(0),
        };
        if !evidence.alone {
            let knot = Knot { model: self.model, finding: &finding, in_order: &evidence.in_order };
            finding.kind = problem::kind(&knot);
        }
        (finding, evidence)
    }
}
