use crate::fixpoint::{Look, Role, WaitingTasks};
use crate::id_map::IdMap;
use crate::knot::Arcs;
use crate::units::Units;
use crate::wants::{End, Pending, Want};
use crate::{EdgeBody, Model, Resource};
use insight_protocol::{EdgeId, ResourceId, TaskId, Tier};

/// The graph of stuck tasks that wait for each other, from some stuck tasks on.
///
/// An arc leads from a task to the thing that it wants, and from there to the tasks that have it. A thing that many tasks want
/// is one node, so there are no more arcs than the program has edges. Each node has an arc, and arcs lead only to stuck tasks:
/// a node cannot make progress before one of the nodes behind its arcs does.
pub(crate) struct WaitGraph<'m> {
    pub(crate) nodes: Vec<Node>,
    pub(crate) arcs: Arcs,
    look: Look<'m>,
    waiting: &'m WaitingTasks,
    /// The units of resources that have a node for them.
    units: IdMap<ResourceId, Option<Units>>,
    index: Index,
}

/// The number of each node.
#[derive(Default)]
struct Index {
    tasks: IdMap<TaskId, usize>,
    parties: [IdMap<ResourceId, usize>; 3],
    held: [IdMap<ResourceId, usize>; 2],
    fronts: IdMap<ResourceId, usize>,
}

impl Index {
    /// The number of this node: `next` if it has none yet.
    fn of(&mut self, node: Node, next: usize) -> usize {
        *match node {
            Node::Task(task) => self.tasks.entry(task).or_insert(next),
            Node::Parties(resource, end) => self.parties[end as usize].entry(resource).or_insert(next),
            Node::Held { resource, from_readers } => {
                self.held[usize::from(from_readers)].entry(resource).or_insert(next)
            }
            Node::Front(resource) => self.fronts.entry(resource).or_insert(next),
        }
    }
}

/// A stuck task, or the reason why it is stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Task(TaskId),
    /// The tasks that have this end of the resource.
    Parties(ResourceId, End),
    /// The tasks that hold the resource, or only the tasks that exclude readers.
    Held {
        resource: ResourceId,
        from_readers: bool,
    },
    /// The task whose wait is first in the queue for the resource.
    Front(ResourceId),
}

impl Node {
    pub(crate) fn task(&self) -> Option<TaskId> {
        match self {
            Node::Task(id) => Some(*id),
            _ => None,
        }
    }
}

impl<'m> WaitGraph<'m> {
    /// The graph from these tasks on, which are stuck among the waiting ones.
    pub(crate) fn new(waiting: &'m WaitingTasks, look: Look<'m>, from: impl Iterator<Item = TaskId>) -> WaitGraph<'m> {
        let mut graph = WaitGraph {
            nodes: Vec::new(),
            arcs: Arcs::default(),
            look,
            waiting,
            units: IdMap::default(),
            index: Index::default(),
        };
        let mut leads_to = Vec::new();
        for task in from {
            graph.node(Node::Task(task));
            while let Some(node) = graph.nodes.get(graph.arcs.len()).copied() {
                graph.leads_to(node, &mut leads_to);
                let arcs: Vec<usize> = leads_to.drain(..).map(|node| graph.node(node)).collect();
                graph.arcs.push(arcs);
            }
        }
        graph
    }

    pub(crate) fn model(&self) -> &'m Model {
        self.look.model
    }

    /// The waits of a task.
    pub(crate) fn waits(&self, task: TaskId) -> impl Iterator<Item = &'m Pending> + use<'m> {
        self.waiting.waits(task).into_iter().flat_map(|waits| &waits.pending)
    }

    fn node(&mut self, node: Node) -> usize {
        let next = self.nodes.len();
        let number = self.index.of(node, next);
        if number == next {
            self.nodes.push(node);
        }
        number
    }

    /// Appends the nodes that the arcs of a node lead to.
    fn leads_to(&mut self, node: Node, to: &mut Vec<Node>) {
        match node {
            Node::Task(task) => {
                let waits = self.waiting.waits(task).into_iter().flat_map(|waits| &waits.pending);
                to.extend(waits.filter(|wait| wait.polled).filter_map(|wait| match wait.want {
                    Want::Party(end) | Want::All(end) => Some(Node::Parties(wait.resource, end)),
                    Want::Units => {
                        let resource = wait.resource;
                        let units = self.units(resource)?;
                        if wait.need <= units.available {
                            return Some(Node::Front(resource));
                        }
                        Some(Node::Held { resource, from_readers: units.is_read(wait.need) })
                    }
                }));
            }
            Node::Parties(resource, end) => {
                let Some(resource) = self.look.model.resources.get(&resource) else { return };
                to.extend(self.parties(resource, end).map(|(task, _)| Node::Task(task)));
            }
            Node::Held { resource: id, from_readers } => {
                let Some(units) = self.units(id) else { return };
                let for_receivers = units.for_receivers;
                let held = units.held.iter().filter(|held| !held.forgotten && (held.exclusive || !from_readers));
                to.extend(held.map(|held| Node::Task(held.task)));
                if let Some(resource) = self.look.model.resources.get(&id).filter(|_| for_receivers) {
                    let receivers = self.parties(resource, End::Receiver);
                    to.extend(receivers.map(|(task, _)| Node::Task(task)));
                }
            }
            Node::Front(resource) => {
                let Some(units) = self.units(resource) else { return };
                let Some(front) = units.front.map(|front| units.queue[front]) else { return };
                let held = Node::Held { resource, from_readers: units.is_read(front.need) };
                to.extend([Node::Task(front.task), held]);
            }
        }
    }

    /// The units of a resource, after its queue was served.
    pub(crate) fn units(&mut self, id: ResourceId) -> Option<&Units> {
        let (waiting, look) = (self.waiting, &self.look);
        let units = self.units.entry(id).or_insert_with(|| {
            let mut units = Units::new(waiting, look, look.model.resources.get(&id)?)?;
            let served = units.serve();
            debug_assert!(served.is_empty(), "{served:?} of {id} can make progress");
            Some(units)
        });
        units.as_ref()
    }

    /// The stuck tasks that have this end of a resource, each with its edge.
    ///
    /// If all tasks must give the end up, one that keeps it is enough. In the proven pass that is a task whose handle no other
    /// task can use: the others prove nothing. r[problem.proven.certain]
    pub(crate) fn parties<'a>(
        &'a self,
        resource: &'a Resource,
        end: End,
    ) -> impl Iterator<Item = (TaskId, EdgeId)> + 'a {
        let edges = self.look.model.edges_of_resource(resource.id).filter(move |edge| match &edge.body {
            EdgeBody::Party { role, exclusive } => {
                end.is(role) && (*exclusive || end == End::Joined || self.look.tier == Tier::Suspected)
            }
            EdgeBody::Hold { .. } | EdgeBody::Wait { .. } => false,
        });
        let stuck = edges.filter(|edge| self.waiting.role(&self.look, edge.task) == Role::Stuck);
        stuck.map(|edge| (edge.task, edge.id))
    }
}
