//! The evidence of stuck tasks that wait for each other.

use crate::units::{Guess, Held};
use crate::wait_graph::{Node, WaitGraph};
use crate::wants::End;
use insight_protocol::{EdgeId, ResourceId, TaskId};
use std::collections::BTreeSet;

/// The parts of a program that explain why tasks are stuck.
#[derive(Default)]
pub(crate) struct Evidence {
    pub(crate) tasks: BTreeSet<TaskId>,
    /// A set, since both ends of a channel are one resource.
    pub(crate) resources: BTreeSet<ResourceId>,
    pub(crate) edges: BTreeSet<EdgeId>,
    /// The resources whose waits end in order.
    pub(crate) in_order: Vec<ResourceId>,
    /// The ends that the tasks want, by resource: so the words come in the order of the program.
    pub(crate) parties: BTreeSet<(ResourceId, End)>,
    /// The units that the tasks want, with their holders.
    pub(crate) held: Vec<(ResourceId, Held)>,
    /// The likely facts that the evidence rests on.
    pub(crate) guesses: Vec<(ResourceId, Guess)>,
    /// The only parts are guards of tasks that have ended.
    pub(crate) alone: bool,
}

impl Evidence {
    pub(crate) fn of(nodes: &[Node], graph: &mut WaitGraph) -> Evidence {
        let mut evidence = Evidence::default();
        for node in nodes {
            match *node {
                Node::Task(id) => {
                    evidence.tasks.insert(id);
                    evidence.edges.extend(graph.waits(id).filter(|wait| wait.polled).map(|wait| wait.edge));
                }
                Node::Parties(id, end) => evidence.add_parties(graph, id, end),
                Node::Held { resource, from_readers } => evidence.add_held(graph, resource, from_readers),
                Node::Front(id) => {
                    evidence.resources.insert(id);
                    evidence.in_order.push(id);
                    let Some(units) = graph.units(id) else { continue };
                    evidence.edges.extend(units.front.map(|front| units.queue[front].edge));
                    evidence.guesses.extend(units.guess.map(|guess| (id, guess)));
                }
            }
        }
        evidence.alone = evidence.tasks.is_empty();
        if evidence.alone {
            // The tasks that wait for a forgotten guard are not part of the problem.
            let forgotten = evidence.held.iter().filter(|(_, held)| held.forgotten);
            evidence.tasks.extend(forgotten.map(|(_, held)| held.task));
        }
        evidence
    }

    fn add_parties(&mut self, graph: &WaitGraph, id: ResourceId, end: End) {
        self.resources.insert(id);
        self.parties.insert((id, end));
        if let Some(resource) = graph.model().resources.get(&id) {
            self.edges.extend(graph.parties(resource, end).map(|(_, edge)| edge));
        }
    }

    fn add_held(&mut self, graph: &mut WaitGraph, id: ResourceId, from_readers: bool) {
        self.resources.insert(id);
        let Some(units) = graph.units(id) else { return };
        self.guesses.extend(units.guess.map(|guess| (id, guess)));
        let held = units.held.iter().filter(|held| held.exclusive || !from_readers).copied();
        for held in held {
            self.edges.insert(held.edge);
            self.held.push((id, held));
        }
        if units.for_receivers {
            self.add_parties(graph, id, End::Receiver);
        }
    }
}
