//! The waits that a resource ends.

use super::grounds::{Ground, Waiting, WaitingTasks};
use super::look::Look;
use super::parties::{Parties, Way};
use crate::id_map::IdSet;
use crate::units::Units;
use crate::wants::Want;
use crate::{Edge, EdgeBody, Resource};
use insight_protocol::{EdgeId, TaskId};

/// The tasks whose waits are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Only the stuck ones.
    Stuck,
    All,
}

/// The waiting tasks that this resource unblocks, and the ground of each.
pub(super) fn given(waiting: &WaitingTasks, look: &Look, resource: &Resource, of: Of) -> Vec<(TaskId, Ground)> {
    let mut ways: Vec<(Want, Option<Way>)> = Vec::new();
    let mut for_units: Vec<&Edge> = Vec::new();
    let mut given = Vec::new();
    for edge in look.model.edges_of_resource(resource.id) {
        if !matches!(edge.body, EdgeBody::Wait { .. }) {
            continue;
        }
        let is_asked = |it: &&Waiting| !it.paused && (of == Of::All || it.by.of(look.tier).is_none());
        let Some(task) = waiting.tasks.get(&edge.task).filter(is_asked) else {
            continue;
        };
        let wait = task.waits.pending.iter().find(|wait| wait.edge == edge.id);
        let Some(wait) = wait.filter(|wait| wait.polled) else { continue };
        let want = wait.want;
        if want == Want::Units {
            for_units.push(edge);
            continue;
        }
        let known = ways.iter().find(|(known, _)| *known == want).map(|(_, way)| *way);
        let way = known.unwrap_or_else(|| {
            let way = Parties::wanted(waiting, look, resource, want).way;
            ways.push((want, way));
            way
        });
        let ground = match way {
            Some(Way::Task(task)) => Ground::Task(resource.id, task),
            Some(Way::Seed | Way::Nobody) => Ground::Seed(resource.id),
            Some(Way::All) => Ground::Units(resource.id),
            None => continue,
        };
        given.push((edge.task, ground));
    }
    if !for_units.is_empty() {
        // We know nothing about a wait that is not in the queue, so it may end.
        if let Some(mut units) = Units::new(waiting, look, resource) {
            let queued: IdSet<EdgeId> = units.queue.iter().map(|queued| queued.edge).collect();
            for_units.retain(|wait| !queued.contains(&wait.id));
            given.extend(units.serve().into_iter().map(|task| (task, Ground::Units(resource.id))));
        }
        given.extend(for_units.into_iter().map(|wait| (wait.task, Ground::Seed(resource.id))));
    }
    given
}
