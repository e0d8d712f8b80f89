use crate::{EdgeBody, Finding, Model};
use insight_protocol::{EdgeId, HoldMode, Operation, ProblemKind, ResourceId, ResourceKind};

/// What a knot of tasks that wait is called. `in_order` are the resources of which a wait ends only after one ahead of it.
pub(crate) fn kind(model: &Model, finding: &Finding, in_order: &[ResourceId]) -> ProblemKind {
    let edges = || finding.edges.iter().filter_map(|id| model.edges.get(id));
    let waits = || {
        edges().filter_map(|edge| match &edge.body {
            EdgeBody::Wait { operation, .. } => Some((edge, operation, edge.waiter().polled != Some(false))),
            _ => None,
        })
    };
    let kind_of = |id: ResourceId| model.resources.get(&id).map(|resource| &resource.kind);
    let is_channel = |id| {
        matches!(
            kind_of(id),
            Some(ResourceKind::Channel | ResourceKind::Oneshot | ResourceKind::Watch | ResourceKind::Broadcast)
        )
    };
    if waits().any(|(_, _, polled)| !polled) {
        return ProblemKind::Futurelock;
    }
    let behind_writer = |id: &ResourceId| kind_of(*id) == Some(&ResourceKind::Rwlock);
    if in_order.iter().any(behind_writer) {
        return ProblemKind::ReadBehindWriter;
    }
    let holds_lock = |edge: &&crate::Edge| match &edge.body {
        EdgeBody::Hold { mode, .. } => *mode != HoldMode::Permit || !is_channel(edge.resource),
        _ => false,
    };
    let across_join = |(join, operation, _): (&crate::Edge, &Operation, bool)| {
        *operation == Operation::Join && edges().filter(holds_lock).any(|hold| hold.task == join.task)
    };
    if waits().any(across_join) {
        return ProblemKind::LockAcrossJoin;
    }
    let sends = |operation: &Operation| matches!(operation, Operation::Send | Operation::Reserve);
    if finding.tasks.len() == 1 {
        if waits().all(|(wait, ..)| edges().filter(holds_lock).any(|hold| hold.resource == wait.resource)) {
            return ProblemKind::SelfDeadlock;
        }
        if waits().all(|(wait, operation, _)| is_channel(wait.resource) && !sends(operation)) {
            return ProblemKind::ForgottenParty;
        }
        return ProblemKind::Deadlock;
    }
    if waits().all(|(wait, ..)| is_channel(wait.resource)) {
        return ProblemKind::ChannelCycle;
    }
    if waits().any(|(_, operation, _)| sends(operation)) {
        return ProblemKind::ChannelFull;
    }
    ProblemKind::Deadlock
}

/// The page of the documentation about problems of this kind.
pub(crate) fn page(kind: &ProblemKind) -> String {
    format!("/docs/{}", kind.as_str().replace('_', "-"))
}

/// Whether the wait is of a kind that does not last in a healthy program: for a lock, permits, or room.
pub(crate) fn is_hard(model: &Model, wait: EdgeId) -> bool {
    let operation = match model.edges.get(&wait).map(|edge| &edge.body) {
        Some(EdgeBody::Wait { operation, .. }) => operation,
        _ => return false,
    };
    matches!(
        operation,
        Operation::Lock
            | Operation::Read
            | Operation::Write
            | Operation::Acquire
            | Operation::Init
            | Operation::Send
            | Operation::Reserve
    )
}
