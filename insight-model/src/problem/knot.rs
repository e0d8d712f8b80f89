use crate::resource_kind::Definition;
use crate::{Edge, EdgeBody, Finding, Model};
use insight_protocol::{HoldMode, Operation, ResourceId};

/// Stuck tasks that wait for each other, as the question of each kind gets them.
pub(crate) struct Knot<'a> {
    pub(crate) model: &'a Model,
    pub(crate) finding: &'a Finding,
    /// The resources whose waits end in order.
    pub(crate) in_order: &'a [ResourceId],
}

impl<'a> Knot<'a> {
    pub(super) fn edges(&self) -> impl Iterator<Item = &'a Edge> {
        let model = self.model;
        self.finding.edges.iter().filter_map(|id| model.edges.get(id))
    }

    /// Its waits, each with the operation.
    pub(super) fn waits(&self) -> impl Iterator<Item = (&'a Edge, &'a Operation)> {
        self.edges().filter_map(|edge| match &edge.body {
            EdgeBody::Wait { operation, .. } => Some((edge, operation)),
            _ => None,
        })
    }

    pub(super) fn is_alone(&self) -> bool {
        self.finding.tasks.len() == 1
    }

    pub(super) fn kind_of(&self, id: ResourceId) -> Option<&'static Definition> {
        self.model.resources.get(&id).map(|resource| resource.definition())
    }

    pub(super) fn is_channel(&self, id: ResourceId) -> bool {
        self.kind_of(id).is_some_and(Definition::is_channel)
    }

    /// Its holds, without reserved places of channels.
    pub(super) fn locks(&self) -> impl Iterator<Item = &'a Edge> + use<'a, '_> {
        self.edges().filter(move |edge| match &edge.body {
            EdgeBody::Hold { mode, .. } => *mode != HoldMode::Permit || !self.is_channel(edge.resource),
            _ => false,
        })
    }
}

/// Whether the operation puts something into a channel.
pub(super) fn sends(operation: &Operation) -> bool {
    matches!(operation, Operation::Send | Operation::Reserve)
}
