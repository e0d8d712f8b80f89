//! The open operations and holds, as the checker remembers them.

use super::ids::Ids;
use insight_protocol::{OperationId, ResourceId, SnapshotBegin};
use std::collections::{HashMap, HashSet};

/// The open operations and holds of a stream.
#[derive(Debug, Default)]
pub(super) struct Operations {
    pub(super) open: HashMap<OperationId, Open>,
    pub(super) ended: Ids,
    pub(super) by_resource: HashMap<ResourceId, OfResource>,
    /// The time of the last event of each thread.
    pub(super) thread_ns: HashMap<u64, u64>,
    /// Operations may be open that the stream does not have: it began in the middle of the program.
    pub(super) others: bool,
}

#[derive(Debug)]
pub(super) struct Open {
    pub(super) resource: Option<ResourceId>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Operation { pending: u64, granted: u64 },
    Hold { exclusive: bool },
}

/// The open operations and holds of a resource.
#[derive(Debug, Default)]
pub(super) struct OfResource {
    open: HashSet<OperationId>,
    holds: u64,
    exclusive_holds: u64,
}

impl Operations {
    /// r[operation.after-snapshot]
    pub(super) fn snapshot(&mut self, begin: &SnapshotBegin) {
        self.others = begin.tasks + begin.resources > 0;
        if !self.others {
            self.open.clear();
            self.by_resource.clear();
        }
    }

    /// Its operations and holds end with it.
    pub(super) fn resource_dropped(&mut self, id: ResourceId) {
        for id in self.by_resource.remove(&id).map(|of| of.open).into_iter().flatten() {
            self.open.remove(&id);
            self.ended.insert(id.0);
        }
    }

    pub(super) fn add(&mut self, id: OperationId, resource: Option<ResourceId>, kind: Kind) {
        if let Some(of) = resource.map(|resource| self.by_resource.entry(resource).or_default()) {
            of.open.insert(id);
            of.count(&kind, 1);
        }
        self.open.insert(id, Open { resource, kind });
    }

    pub(super) fn end(&mut self, id: OperationId) {
        self.remove(id);
        self.ended.insert(id.0);
    }

    pub(super) fn remove(&mut self, id: OperationId) {
        let Some(Open { resource, kind }) = self.open.remove(&id) else { return };
        if let Some(of) = resource.and_then(|resource| self.by_resource.get_mut(&resource)) {
            of.open.remove(&id);
            of.count(&kind, -1);
        }
    }
}

impl OfResource {
    fn count(&mut self, kind: &Kind, change: i64) {
        if let Kind::Hold { exclusive } = kind {
            self.holds = self.holds.saturating_add_signed(change);
            self.exclusive_holds = self.exclusive_holds.saturating_add_signed(change * i64::from(*exclusive));
        }
    }

    /// Whether no hold excludes another one.
    pub(super) fn is_legal(&self) -> bool {
        self.exclusive_holds == 0 || self.holds == 1
    }
}
