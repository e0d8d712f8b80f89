use crate::{Edge, EdgeBody, Freers, Model, Resource, Task};
use insight_protocol::{Capability, Operation, ResourceKind, TaskId, TaskState};
use std::collections::HashMap;

/// For how many times the settle time the wait of a partial task must have stood: of such a task nothing else is seen.
const PARTIAL_SETTLES: u64 = 4;

/// Who waits for whom, as far as that can matter to a diagnosis: the tasks that may be stuck, what they want, and the
/// tasks that can give it to them.
///
/// Tasks and wants are the nodes of one graph. A task leads to its wants, a want to the tasks that can satisfy it. What
/// many tasks want is one node, so that the graph has no more arcs than the program has edges.
///
/// A node can go on as soon as any node that it leads to can: several pending waits of a task are taken as a `select!`,
/// where any one frees it. For a `join!` that is too hopeful, so a diagnosis may be missed and none is made up.
pub(crate) struct WaitGraph<'m> {
    /// The tasks that do not go on by themselves: the first nodes, by id.
    pub(crate) tasks: Vec<Waiter<'m>>,
    /// What they want: the nodes after the tasks.
    pub(crate) wants: Vec<Want<'m>>,
    /// From each node to those of which any one lets it go on.
    pub(crate) arcs: Vec<Vec<usize>>,
    /// What is known of each node by itself.
    verdicts: Vec<Verdict>,
}

/// A task that waits and does not go on by itself.
pub(crate) struct Waiter<'m> {
    pub(crate) task: &'m Task,
    pub(crate) waits: Vec<&'m Edge>,
}

/// What some task waits for: a resource's end of a channel, a lock, the end of a task.
pub(crate) struct Want<'m> {
    pub(crate) resource: &'m Resource,
    /// Of a channel: a message, rather than room for one.
    pub(crate) receives: bool,
    pub(crate) freers: Freers,
}

/// Whether a node can go on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It can, or so little is known that nothing can be said.
    Free,
    /// Nothing that is known lets it; something that is not known may.
    Unsure,
    /// It cannot: only what it leads to lets it.
    Bound,
}

impl<'m> WaitGraph<'m> {
    pub(crate) fn new(model: &'m Model, settle_ns: u64) -> WaitGraph<'m> {
        let mut graph = WaitGraph { tasks: Vec::new(), wants: Vec::new(), arcs: Vec::new(), verdicts: Vec::new() };
        let blind = blind_to_wakers(model) || model.facts_lost();
        for task in model.tasks.values() {
            let (verdict, waits) = judge_task(model, task, settle_ns);
            if verdict != Verdict::Free {
                graph.tasks.push(Waiter { task, waits });
                graph.verdicts.push(if blind { Verdict::Unsure } else { verdict });
            }
        }
        let nodes: HashMap<TaskId, usize> =
            graph.tasks.iter().enumerate().map(|(node, waiter)| (waiter.task.id, node)).collect();
        let mut want_nodes = HashMap::new();
        for waiter in &graph.tasks {
            let mut arcs = Vec::with_capacity(waiter.waits.len());
            for wait in &waiter.waits {
                let Some(resource) = model.resources.get(&wait.resource) else { continue };
                let receives = matches!(&wait.body, EdgeBody::Wait { operation: Operation::Recv, .. });
                let next = graph.tasks.len() + graph.wants.len();
                let node = *want_nodes.entry((resource.id, receives)).or_insert(next);
                if node == next {
                    let operation = if receives { Operation::Recv } else { Operation::Send };
                    let freers = model.freers(resource, &operation);
                    graph.verdicts.push(judge_want(model, resource, &freers, settle_ns, &nodes));
                    graph.wants.push(Want { resource, receives, freers });
                }
                arcs.push(node);
            }
            graph.arcs.push(arcs);
        }
        for want in &graph.wants {
            graph.arcs.push(want.freers.known.iter().filter_map(|freer| nodes.get(&freer.task).copied()).collect());
        }
        graph
    }

    /// The nodes that cannot go on: what is left over when everything that can has passed it on to those that wait for
    /// it. With `unsure_goes_on`, an unknown counts as something that can.
    ///
    /// Every arc of a stuck node leads to a stuck node, and there is at least one.
    pub(crate) fn stuck(&self, unsure_goes_on: bool) -> Vec<bool> {
        let mut waited_for_by = vec![Vec::new(); self.arcs.len()];
        for (from, arcs) in self.arcs.iter().enumerate() {
            arcs.iter().for_each(|&to| waited_for_by[to].push(from));
        }
        let mut stuck: Vec<bool> = self
            .verdicts
            .iter()
            .map(|verdict| match verdict {
                Verdict::Free => false,
                Verdict::Unsure => !unsure_goes_on,
                Verdict::Bound => true,
            })
            .collect();
        let mut go_on: Vec<usize> = (0..stuck.len()).filter(|&node| !stuck[node]).collect();
        while let Some(node) = go_on.pop() {
            for &waiting in &waited_for_by[node] {
                if std::mem::replace(&mut stuck[waiting], false) {
                    go_on.push(waiting);
                }
            }
        }
        stuck
    }

    pub(crate) fn want(&self, node: usize) -> Option<&Want<'m>> {
        node.checked_sub(self.tasks.len()).map(|want| &self.wants[want])
    }
}

/// The producer does not tell whether a timer or a socket may wake a task, so `foreign_wakers: 0` says nothing.
/// A model without a header is the producer's own.
pub(crate) fn blind_to_wakers(model: &Model) -> bool {
    model.header.as_ref().is_some_and(|header| !header.capabilities.contains(&Capability::ForeignWakers))
}

/// Whether it has ended, or is about to be reported so.
pub(crate) fn has_ended(task: &Task) -> bool {
    task.state() == Some(TaskState::Completed)
}

/// Whether a task goes on by itself; if it does not, its waits.
fn judge_task<'m>(model: &'m Model, task: &'m Task, settle_ns: u64) -> (Verdict, Vec<&'m Edge>) {
    const FREE: (Verdict, Vec<&Edge>) = (Verdict::Free, Vec::new());
    if task.edges.is_empty() || has_ended(task) {
        // It waits for something that is not seen, or for nothing ever again. An ended task is no node: what it held
        // is a matter of the want.
        return FREE;
    }
    let (verdict, settle_ns) = match task.state() {
        // Of a partial task only the waits are seen: it may run, or have another way to go on.
        None | Some(TaskState::Idle) if task.partial => (Verdict::Unsure, settle_ns.saturating_mul(PARTIAL_SETTLES)),
        Some(TaskState::Idle) if !is_young(model, task.since_ns(), settle_ns) => (Verdict::Bound, settle_ns),
        // Runs, will run, ran a moment ago, or is not seen.
        _ => return FREE,
    };
    if task.stats.as_ref().is_some_and(|stats| stats.foreign_wakers > 0) {
        return FREE;
    }
    let waits = model.waits_of_task(task.id);
    let free = |wait: &&Edge| is_young(model, wait.since_ns, settle_ns) || can_go_on_alone(model, wait);
    if waits.is_empty() || waits.iter().any(free) { FREE } else { (verdict, waits) }
}

/// Whether a wait may end without a task that can be named.
fn can_go_on_alone(model: &Model, wait: &Edge) -> bool {
    let EdgeBody::Wait { operation, need, .. } = &wait.body else { return true };
    let Some(resource) = model.resources.get(&wait.resource) else { return true };
    match (&resource.kind, operation) {
        (ResourceKind::Mutex, Operation::Lock) | (ResourceKind::Join, Operation::Join) => false,
        (ResourceKind::Channel, Operation::Recv | Operation::Closed) => false,
        (ResourceKind::Channel, Operation::Send | Operation::Reserve) => {
            // With room for it, it is about to be granted.
            let room = resource.capacity.zip(resource.length).map(|(capacity, length)| capacity.saturating_sub(length));
            room.is_some_and(|room| room >= *need)
        }
        // Time and the world outside.
        (ResourceKind::Timer | ResourceKind::Io | ResourceKind::BlockingSlot | ResourceKind::Foreign, _) => true,
        // Not diagnosed yet: who can free these depends on units, or is anybody who has a reference.
        (
            ResourceKind::Rwlock
            | ResourceKind::Semaphore
            | ResourceKind::Notify
            | ResourceKind::Oneshot
            | ResourceKind::Watch
            | ResourceKind::Broadcast
            | ResourceKind::Barrier
            | ResourceKind::OnceCell,
            _,
        ) => true,
        // A kind or an operation of a later version.
        _ => true,
    }
}

/// Whether a want can be satisfied by something other than a task that waits too.
fn judge_want(
    model: &Model,
    resource: &Resource,
    freers: &Freers,
    settle_ns: u64,
    waiters: &HashMap<TaskId, usize>,
) -> Verdict {
    let mut live = 0;
    let mut unsure = freers.unknown > 0;
    for freer in &freers.known {
        if model.tasks.get(&freer.task).is_none_or(has_ended) {
            if resource.kind == ResourceKind::Join {
                // What was waited for has happened.
                return Verdict::Free;
            }
            // It will do nothing any more, but what it had may have moved to somebody.
            unsure = true;
            continue;
        }
        // Who has only just got it has not settled, whatever it waits for.
        let young = model.edges.get(&freer.edge).is_none_or(|edge| is_young(model, edge.since_ns, settle_ns));
        if young || !waiters.contains_key(&freer.task) {
            return Verdict::Free;
        }
        live += 1;
        unsure |= !freer.certain;
    }
    match (live, unsure) {
        // Nobody known: nothing claimed.
        (0, _) => Verdict::Free,
        (_, true) => Verdict::Unsure,
        (_, false) => Verdict::Bound,
    }
}

/// What is read of one task and what is read of another is not read at once: what has not stood for a while may be half
/// of a change. What has stood until everything was told has stood all at the same time.
fn is_young(model: &Model, since_ns: u64, settle_ns: u64) -> bool {
    model.told_ns.saturating_sub(since_ns) < settle_ns
}
