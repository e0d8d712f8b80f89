use crate::{EdgeBody, Model, Resource};
use insight_protocol::{EdgeId, Operation, PartyRole, ResourceKind, TaskId};

/// A task that can free a resource, and the edge that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freer {
    /// The task.
    pub task: TaskId,
    /// Its hold or party edge.
    pub edge: EdgeId,
    /// Nothing but this task can do it by this edge: an exclusive handle, a guard that cannot have moved, a join.
    pub certain: bool,
}

/// Who can free a resource for an operation that waits on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freers {
    /// The known ones; any one of them is enough.
    pub known: Vec<Freer>,
    /// How many more there are or may be, of which no task is known.
    pub unknown: u64,
    /// What the unknown ones are, in words, such as "sender not used by any task yet".
    pub unknown_what: &'static str,
}

impl Freers {
    /// Every one that can free the resource is known, and each is certain.
    pub fn certain(&self) -> bool {
        self.unknown == 0 && self.known.iter().all(|freer| freer.certain)
    }
}

impl Model {
    /// Who can free `resource` for a task that waits on it with `operation`.
    pub fn freers(&self, resource: &Resource, operation: &Operation) -> Freers {
        match (&resource.kind, operation) {
            (ResourceKind::Channel, Operation::Recv) => {
                let mut freers = self.parties(resource, PartyRole::Sender, resource.senders);
                freers.unknown += resource.weak_senders.unwrap_or(0);
                freers.unknown_what = "sender that no task has used yet";
                freers
            }
            (ResourceKind::Channel, _) => {
                let mut freers = self.parties(resource, PartyRole::Receiver, resource.receivers);
                freers.known.extend(self.holders(resource));
                freers.unknown_what = "receiver that no task has used yet";
                freers
            }
            (ResourceKind::Join, _) => {
                let mut freers = self.parties(resource, PartyRole::Joined, Some(0));
                // A join ends with its task: nobody else can do that, whoever has the handle.
                freers.known.iter_mut().for_each(|freer| freer.certain = true);
                // Of a set it is known how many tasks it has.
                let all = resource.length.unwrap_or(1);
                freers.unknown = all.saturating_sub(freers.known.len() as u64);
                freers.unknown_what = "task that is not seen";
                freers
            }
            _ => {
                let known: Vec<Freer> = self.holders(resource).collect();
                let unknown = u64::from(known.is_empty());
                Freers { known, unknown, unknown_what: "holder outside of the tasks that are seen" }
            }
        }
    }

    fn parties(&self, resource: &Resource, role: PartyRole, handles: Option<u64>) -> Freers {
        let known: Vec<Freer> = self
            .edges_of_resource(resource.id)
            .filter_map(|edge| match &edge.body {
                EdgeBody::Party { role: edge_role, exclusive } if *edge_role == role => {
                    Some(Freer { task: edge.task, edge: edge.id, certain: *exclusive })
                }
                _ => None,
            })
            .collect();
        // How many handles there are is not known: at least one may be anywhere.
        let unknown = handles.map_or(1, |handles| handles.saturating_sub(known.len() as u64));
        Freers { known, unknown, unknown_what: "" }
    }

    fn holders(&self, resource: &Resource) -> impl Iterator<Item = Freer> {
        self.edges_of_resource(resource.id).filter_map(|edge| match &edge.body {
            EdgeBody::Hold { transferable, .. } => {
                Some(Freer { task: edge.task, edge: edge.id, certain: !transferable })
            }
            _ => None,
        })
    }
}
