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
    /// There is no number of them: `unknown` is 1, and stands for whatever `unknown_what` says.
    pub anybody: bool,
}

impl Freers {
    /// Nothing tells who, or how many.
    fn anybody(what: &'static str) -> Freers {
        Freers { known: Vec::new(), unknown: 1, unknown_what: what, anybody: true }
    }

    /// Every one that can free the resource is known, and each is certain.
    pub fn certain(&self) -> bool {
        self.unknown == 0 && self.known.iter().all(|freer| freer.certain)
    }
}

/// What is waited on through handles that send and handles that receive.
fn has_ends(kind: &ResourceKind) -> bool {
    matches!(kind, ResourceKind::Channel | ResourceKind::Oneshot | ResourceKind::Watch | ResourceKind::Broadcast)
}

impl Model {
    /// Who can free `resource` for a task that waits on it with `operation`.
    pub fn freers(&self, resource: &Resource, operation: &Operation) -> Freers {
        match (&resource.kind, operation) {
            (kind, Operation::Recv | Operation::Changed) if has_ends(kind) => {
                let mut freers = self.parties(resource, PartyRole::Sender, resource.senders);
                freers.unknown += resource.weak_senders.unwrap_or(0);
                freers.unknown_what = "sender that no task has used yet";
                freers
            }
            (kind, _) if has_ends(kind) => {
                let mut freers = self.parties(resource, PartyRole::Receiver, resource.receivers);
                freers.known.extend(self.holders(resource));
                freers.unknown_what = "receiver that no task has used yet";
                freers
            }
            (ResourceKind::Rwlock | ResourceKind::Semaphore, _) => {
                let known: Vec<Freer> = self.holders(resource).collect();
                // Who waits cannot have what somebody else has: there is one, known or not.
                let least = u64::from(known.is_empty());
                let unknown = match resource.length {
                    Some(taken) => taken.saturating_sub(self.held_units(resource)).max(least),
                    None => 1,
                };
                let unknown_what = match resource.kind {
                    ResourceKind::Semaphore => "permit that was taken outside of the tasks that are seen",
                    _ => "holder outside of the tasks that are seen",
                };
                Freers { known, unknown, unknown_what, anybody: false }
            }
            (ResourceKind::Notify, _) => Freers::anybody("anybody that has a reference to it can notify"),
            (ResourceKind::OnceCell, Operation::Wait) => {
                Freers::anybody("anybody that has a reference to it can set it")
            }
            (ResourceKind::Barrier, _) => {
                let missing = resource.capacity.map(|all| all.saturating_sub(resource.length.unwrap_or(0)));
                let unknown_what = "task that has not come to it yet";
                Freers { unknown: missing.unwrap_or(1).max(1), unknown_what, ..Freers::default() }
            }
            (ResourceKind::Timer, _) => Freers::anybody("time, and nothing else"),
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
                Freers { known, unknown, unknown_what: "holder outside of the tasks that are seen", anybody: false }
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
        Freers { known, unknown, ..Freers::default() }
    }

    fn held_units(&self, resource: &Resource) -> u64 {
        let units = self.edges_of_resource(resource.id).map(|edge| match &edge.body {
            EdgeBody::Hold { units, .. } => *units,
            _ => 0,
        });
        units.fold(0, u64::saturating_add)
    }

    fn holders(&self, resource: &Resource) -> impl Iterator<Item = Freer> + use<'_> {
        self.edges_of_resource(resource.id).filter_map(|edge| match &edge.body {
            EdgeBody::Hold { transferable, .. } => {
                Some(Freer { task: edge.task, edge: edge.id, certain: !transferable })
            }
            _ => None,
        })
    }
}
