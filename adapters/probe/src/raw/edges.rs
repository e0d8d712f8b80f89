//! Reported resources and edges, each in a record of its own.

use super::RawTask;
use super::reported::{Moment, RawRelation, RawResourceMeta, RawUpdate, Reported};
use crate::fact::{EdgeEnd, Fact};
use crate::ring;
use crate::wait::{Op, OpenWait};
use crate::{clock, ids};
use insight_protocol::EdgeOutcome;

/// A reported resource. Dropping this drops the resource.
#[derive(Debug)]
pub struct RawResource(u64);

impl RawResource {
    /// Records its creation.
    pub fn created(meta: RawResourceMeta) -> RawResource {
        if !crate::on() {
            return RawResource(0);
        }
        let id = ids::next_resource();
        RawResource(if tell(Reported::Resource(id, meta)) { id } else { 0 })
    }

    /// Records changes of it.
    pub fn updated(&self, update: RawUpdate) {
        if self.0 != 0 {
            // If the queue refuses an update, the next one replaces it.
            let _ = tell(Reported::Update(self.0, update));
        }
    }
}

impl Drop for RawResource {
    fn drop(&mut self) {
        if self.0 != 0 {
            ring::push_closing(clock::ticks(), Fact::ResourceDropped { resource: self.0 });
        }
    }
}

/// A reported edge. Dropping this closes the edge.
#[derive(Debug)]
pub struct RawEdge(u64);

impl RawEdge {
    /// Records its opening at `since`. It is left out if the task or the resource is not recorded.
    pub fn opened(task: &RawTask, resource: &RawResource, relation: RawRelation, since: Moment) -> RawEdge {
        let task = task.0.recorded_id();
        if task == 0 || resource.0 == 0 {
            return RawEdge(0);
        }
        let edge = ids::next_edge();
        RawEdge(if tell(Reported::Edge { edge, task, resource: resource.0, relation, since }) { edge } else { 0 })
    }

    /// Closes it, with an outcome.
    pub fn close(mut self, outcome: &EdgeOutcome) {
        self.end(EdgeEnd::of(outcome));
    }

    fn end(&mut self, end: EdgeEnd) {
        let edge = std::mem::take(&mut self.0);
        if edge != 0 {
            ring::push_closing(clock::ticks(), Fact::EdgeClosed { edge, end });
        }
    }
}

impl Drop for RawEdge {
    fn drop(&mut self) {
        self.end(EdgeEnd::Unsaid);
    }
}

/// A wait that is sampled, like the waits of observed operations: a wait of microseconds is usually not sent.
/// Dropping this ends the wait.
#[derive(Debug)]
pub struct RawWait(OpenWait);

impl RawWait {
    /// Records that `task` waits on `resource`. `None` if one of them is not recorded.
    pub fn opened(task: &RawTask, resource: &RawResource, op: Op, need: u64) -> Option<RawWait> {
        let recorded = resource.0 != 0 && task.0.recorded_id() != 0;
        recorded.then(|| RawWait(OpenWait::of(&task.0, resource.0, op, need)))
    }

    /// Whether it is a wait of this task.
    pub fn is_of(&self, task: &RawTask) -> bool {
        self.0.is_of(&task.0)
    }
}

fn tell(reported: Reported) -> bool {
    ring::push_opening(clock::ticks(), Fact::Reported(Box::new(reported)))
}
