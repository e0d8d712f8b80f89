use crate::fixpoint::{Fixpoint, Look, Role};
use crate::units::Units;
use crate::wants::{End, Want};
use crate::{EdgeBody, Model, Resource};
use insight_protocol::{EdgeId, ResourceId, TaskId, Tier};
use std::collections::HashMap;

/// Who that is stuck waits for whom: from some stuck tasks on, as far as it goes.
///
/// A task leads to what it wants, that to the tasks that have it. What many tasks want is one node, so that there are no
/// more arcs than the program has edges. Every node leads on, and only to what is stuck: none of what an arc leaves can go
/// on before something that it leads to does.
pub(crate) struct WaitGraph<'m> {
    pub(crate) nodes: Vec<Node>,
    pub(crate) arcs: Vec<Vec<usize>>,
    look: Look<'m>,
    /// Of the resources with nodes of units.
    units: HashMap<ResourceId, Option<Units>>,
}

/// What is stuck, and what keeps it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Task(TaskId),
    /// Those that have this end of the resource.
    Parties(ResourceId, End),
    /// Those that hold the resource; or only those that exclude readers.
    Held {
        resource: ResourceId,
        from_readers: bool,
    },
    /// Who is first in the queue for the resource.
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
    pub(crate) fn new(
        fixpoint: &Fixpoint,
        model: &'m Model,
        tier: Tier,
        from: impl Iterator<Item = TaskId>,
    ) -> WaitGraph<'m> {
        let look = fixpoint.look(model, tier);
        let mut graph = WaitGraph { nodes: Vec::new(), arcs: Vec::new(), look, units: HashMap::new() };
        let mut index: HashMap<Node, usize> = HashMap::new();
        let mut at = 0;
        for task in from {
            graph.node(Node::Task(task), &mut index);
            while at < graph.nodes.len() {
                let leads_to = graph.leads_to(fixpoint, graph.nodes[at]);
                let arcs = leads_to.into_iter().map(|node| graph.node(node, &mut index)).collect();
                graph.arcs.push(arcs);
                at += 1;
            }
        }
        graph
    }

    fn node(&mut self, node: Node, index: &mut HashMap<Node, usize>) -> usize {
        *index.entry(node).or_insert_with(|| {
            self.nodes.push(node);
            self.nodes.len() - 1
        })
    }

    fn leads_to(&mut self, fixpoint: &Fixpoint, node: Node) -> Vec<Node> {
        match node {
            Node::Task(task) => {
                let Some(waits) = fixpoint.waits(task) else { return Vec::new() };
                let polled = waits.pending.iter().filter(|wait| wait.polled);
                polled
                    .filter_map(|wait| match wait.want {
                        Want::Party(end) | Want::All(end) => Some(Node::Parties(wait.resource, end)),
                        Want::Units => {
                            let resource = wait.resource;
                            let units = self.units(fixpoint, resource)?;
                            if wait.need <= units.available {
                                return Some(Node::Front(resource));
                            }
                            Some(Node::Held { resource, from_readers: units.is_read(wait.need) })
                        }
                    })
                    .collect()
            }
            Node::Parties(resource, end) => {
                let Some(resource) = self.look.model.resources.get(&resource) else { return Vec::new() };
                self.parties(fixpoint, resource, end).map(|(task, _)| Node::Task(task)).collect()
            }
            Node::Held { resource: id, from_readers } => {
                let Some(units) = self.units(fixpoint, id) else { return Vec::new() };
                let for_receivers = units.for_receivers;
                let held = units.held.iter().filter(|held| !held.forgotten && (held.exclusive || !from_readers));
                let mut tasks: Vec<Node> = held.map(|held| Node::Task(held.task)).collect();
                if let Some(resource) = self.look.model.resources.get(&id).filter(|_| for_receivers) {
                    let receivers = self.parties(fixpoint, resource, End::Receiver);
                    tasks.extend(receivers.map(|(task, _)| Node::Task(task)));
                }
                tasks
            }
            Node::Front(resource) => {
                let Some(units) = self.units(fixpoint, resource) else { return Vec::new() };
                let Some(front) = units.front.map(|front| units.queue[front]) else { return Vec::new() };
                let held = Node::Held { resource, from_readers: units.is_read(front.need) };
                vec![Node::Task(front.task), held]
            }
        }
    }

    /// The units of a resource, with what those that wait unpolled have by their turn.
    pub(crate) fn units(&mut self, fixpoint: &Fixpoint, id: ResourceId) -> Option<&Units> {
        let (model, look) = (self.look.model, &self.look);
        let units = self.units.entry(id).or_insert_with(|| {
            let mut units = Units::new(fixpoint, look, model.resources.get(&id)?)?;
            let served = units.serve();
            debug_assert!(served.is_empty(), "{served:?} of {id} can go on");
            Some(units)
        });
        units.as_ref()
    }

    /// The stuck tasks that have this end of a resource, by which edge.
    pub(crate) fn parties<'a>(
        &'a self,
        fixpoint: &'a Fixpoint,
        resource: &'a Resource,
        end: End,
    ) -> impl Iterator<Item = (TaskId, EdgeId)> + 'a {
        let edges = self.look.model.edges_of_resource(resource.id).filter(move |edge| match &edge.body {
            EdgeBody::Party { role, .. } => end.is(role),
            EdgeBody::Hold { .. } | EdgeBody::Wait { .. } => false,
        });
        let stuck = edges.filter(|edge| fixpoint.role(&self.look, edge.task) == Role::Stuck);
        stuck.map(|edge| (edge.task, edge.id))
    }
}
