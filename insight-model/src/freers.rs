use crate::resource_kind::{End, FreedBy, UnitKind};
use crate::{EdgeBody, Model, Resource};
use insight_protocol::{EdgeId, Operation, TaskId};

/// A task that can unblock a wait, and its edge as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freer {
    /// The task.
    pub task: TaskId,
    /// Its hold or party edge.
    pub edge: EdgeId,
    /// Only this task can use the edge: an exclusive handle, a guard that cannot have moved, a join.
    pub certain: bool,
}

/// The tasks that can unblock a wait for a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freers {
    /// The known tasks. Each one alone can do it.
    pub known: Vec<Freer>,
    /// Number of handles, holds or units without a known task.
    pub unknown: u64,
    /// A description of the unknown ones, such as "sender not used by any task yet".
    pub unknown_what: &'static str,
    /// The unknown ones have no number. `unknown` is then 1.
    pub anybody: bool,
}

impl Freers {
    /// Whether every task that can do it is known and certain.
    pub fn certain(&self) -> bool {
        self.unknown == 0 && self.known.iter().all(|freer| freer.certain)
    }
}

impl Model {
    /// Returns the tasks that can unblock a task which waits for `resource` with `operation`.
    pub fn freers(&self, resource: &Resource, operation: &Operation) -> Freers {
        let freed = resource.definition().freed(operation);
        let (known, unknown) = match freed.by {
            FreedBy::Holder => {
                let known: Vec<Freer> = self.holders(resource).collect();
                let unknown = self.unknown_holders(resource, &known);
                (known, unknown)
            }
            FreedBy::Room => self.parties(resource, End::Receiver),
            FreedBy::Party(end) | FreedBy::All(end) => self.parties(resource, end),
            FreedBy::Missing => {
                let missing = resource.capacity.map(|all| all.saturating_sub(resource.length.unwrap_or(0)));
                (Vec::new(), missing.unwrap_or(1).max(1))
            }
            FreedBy::Anybody => (Vec::new(), 1),
        };
        Freers { known, unknown, unknown_what: freed.unknown, anybody: freed.by == FreedBy::Anybody }
    }

    /// The tasks that have this end, and the number of further handles.
    fn parties(&self, resource: &Resource, end: End) -> (Vec<Freer>, u64) {
        let parties = self.edges_of_resource(resource.id).filter_map(|edge| match &edge.body {
            // Only the joined task itself can end a join.
            EdgeBody::Party { role, exclusive } if end.is(role) => {
                Some(Freer { task: edge.task, edge: edge.id, certain: *exclusive || end == End::Joined })
            }
            _ => None,
        });
        let mut known: Vec<Freer> = parties.collect();
        // If the number of handles is unknown, at least one may be anywhere.
        let more = |handles: Option<u64>| handles.map_or(1, |handles| handles.saturating_sub(known.len() as u64));
        let unknown = match end {
            End::Sender => more(resource.senders) + resource.weak_senders.unwrap_or(0),
            End::Receiver => more(resource.receivers),
            // `length` is the number of tasks in a set. A join of one task has none.
            End::Joined => more(resource.length.or(Some(1))),
        };
        if end == End::Receiver {
            // These tasks have reserved places.
            known.extend(self.holders(resource));
        }
        (known, unknown)
    }

    /// Number of unknown holders, or of their units.
    fn unknown_holders(&self, resource: &Resource, known: &[Freer]) -> u64 {
        // A task waits, so the resource has at least one holder.
        let least = u64::from(known.is_empty());
        match (resource.definition().units, resource.length) {
            (UnitKind::ReadWriteLock | UnitKind::Permits, Some(taken)) => {
                taken.saturating_sub(self.held_units(resource)).max(least)
            }
            (UnitKind::ReadWriteLock | UnitKind::Permits, None) => 1,
            (UnitKind::Lock | UnitKind::Room | UnitKind::Unknown, _) => least,
        }
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
