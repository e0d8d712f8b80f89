//! Edges.

use super::Checker;
use super::live::{EdgeKind, LiveEdge, LiveResource};
use insight_protocol::*;

impl Checker {
    pub(super) fn edge_opened(
        &mut self,
        id: EdgeId,
        task: TaskId,
        resource: ResourceId,
        kind: EdgeKind,
        since_ns: u64,
    ) {
        // r[edge.opened.once]
        let used = self.edges.contains_key(&id) || self.ended_edges.contains(id.0);
        self.expect(!used, "edge.opened.once", "one opening an edge", || format!("edge {id} again"));
        let task_alive = self.tasks.get(&task).is_some_and(|task| !task.completed || self.snapshot.is_some());
        if !task_alive {
            // r[task.completed.last], r[edge.opened.ends-known]
            let ended = self.ended_tasks.contains(task.0);
            let unknown = self.unless_in_snapshot("edge.opened.ends-known");
            let rule = if ended { "task.completed.last" } else { unknown };
            self.find(rule, "a task that is alive".to_owned(), format!("task {task}"));
        }
        let resource_alive = self.resources.contains_key(&resource);
        if !resource_alive {
            // r[resource.dropped.last], r[edge.opened.ends-known]
            let ended = self.ended_resources.contains(resource.0);
            let unknown = self.unless_in_snapshot("edge.opened.ends-known");
            let rule = if ended { "resource.dropped.last" } else { unknown };
            self.find(rule, "a resource that is alive".to_owned(), format!("resource {resource}"));
        }
        if used || !task_alive || !resource_alive {
            return;
        }
        self.expect_alone(resource, &kind);
        if let Some(resource) = self.resources.get_mut(&resource) {
            resource.edges.insert(id);
            if let EdgeKind::Hold { exclusive, .. } = kind {
                resource.holds += 1;
                resource.exclusive_holds += u64::from(exclusive);
            }
        }
        if let Some(task) = self.tasks.get_mut(&task) {
            task.edges += 1;
            task.exclusive_parties += u64::from(kind.ends_with_a_spawn());
            task.ending_edges += u64::from(kind.ends_with_its_task());
        }
        self.edges.insert(id, LiveEdge { task, resource, kind, since_ns, polls: 0 });
    }

    /// r[edge.hold.before-release], r[edge.hold.exclusive-alone]
    fn expect_alone(&mut self, resource: ResourceId, kind: &EdgeKind) {
        let EdgeKind::Hold { exclusive, .. } = kind else { return };
        let Some(LiveResource { holds, exclusive_holds, .. }) = self.resources.get(&resource) else { return };
        let (beside_any, beside_exclusive) = (*holds > 0, *exclusive_holds > 0);
        let expected = || format!("no other hold of resource {resource} beside an exclusive hold");
        if *exclusive && beside_exclusive {
            self.find("edge.hold.before-release", expected(), "two exclusive holds".to_owned());
        } else if *exclusive && beside_any || beside_exclusive {
            self.find("edge.hold.exclusive-alone", expected(), "an exclusive hold and another one".to_owned());
        }
    }

    pub(super) fn edge_updated(&mut self, update: &EdgeUpdated) {
        let id = update.id;
        let Some(edge) = self.edges.get_mut(&id) else {
            // r[edge.updated.open]
            return self.find("edge.updated.open", "an edge that is open".to_owned(), format!("edge {id}"));
        };
        let wait = edge.kind == EdgeKind::Wait;
        let (before, now) = (edge.polls, update.polls.unwrap_or(edge.polls));
        edge.polls = now.max(before);
        // r[edge.updated.wait]
        self.expect(wait, "edge.updated.wait", "a wait", || format!("edge {id}"));
        // r[edge.updated.monotone]
        let actual = || now.to_string();
        self.expect(now >= before, "edge.updated.monotone", format_args!("polls of at least {before}"), actual);
    }

    pub(super) fn edge_closed(&mut self, end: &EdgeClosed) {
        let id = end.id;
        let Some(edge) = self.edges.get(&id) else {
            // r[edge.closed.once], r[resource.dropped.no-edge-closed], r[gap.left-out-whole]
            let rule = match (self.dropped_edges.contains(&id), self.ended_edges.contains(id.0)) {
                (true, _) => "resource.dropped.no-edge-closed",
                (false, true) => "edge.closed.once",
                (false, false) => "gap.left-out-whole",
            };
            return self.find(rule, "an edge that is open".to_owned(), format!("edge {id}"));
        };
        let (since_ns, kind) = (edge.since_ns, edge.kind.clone());
        // r[edge.closed.outcome-fits]
        let fits = match (&end.outcome, &kind) {
            (Some(EdgeOutcome::Claimed | EdgeOutcome::Abandoned), kind) => *kind == EdgeKind::Wait,
            (Some(EdgeOutcome::Released), kind) => matches!(kind, EdgeKind::Hold { .. }),
            (Some(EdgeOutcome::Moved), kind) => *kind != EdgeKind::Wait,
            _ => true,
        };
        self.expect(fits, "edge.closed.outcome-fits", "an outcome of such an edge", || format!("{:?}", end.outcome));
        // r[edge.closed.not-before-since]
        let in_time = matches!(kind, EdgeKind::Party { .. }) || end.at_ns >= since_ns;
        let actual = || end.at_ns.to_string();
        self.expect(in_time, "edge.closed.not-before-since", format_args!("at_ns of at least {since_ns}"), actual);
        self.forget_edge(id);
    }

    /// Remembers an edge that ended with its resource, to find a later `edge.closed` for it. Only the newest are kept:
    /// all of them would not be few ranges.
    pub(super) fn remember_dropped(&mut self, id: EdgeId) {
        const NEWEST: usize = 10_000;
        self.dropped_edges.insert(id);
        if self.dropped_edges.len() > NEWEST {
            self.dropped_edges.pop_first();
        }
    }

    pub(super) fn forget_edge(&mut self, id: EdgeId) {
        let Some(edge) = self.edges.remove(&id) else { return };
        self.ended_edges.insert(id.0);
        if let Some(resource) = self.resources.get_mut(&edge.resource) {
            resource.edges.remove(&id);
            if let EdgeKind::Hold { exclusive, .. } = edge.kind {
                resource.holds -= 1;
                resource.exclusive_holds -= u64::from(exclusive);
            }
        }
        if let Some(task) = self.tasks.get_mut(&edge.task) {
            task.edges -= 1;
            task.exclusive_parties -= u64::from(edge.kind.ends_with_a_spawn());
            task.ending_edges -= u64::from(edge.kind.ends_with_its_task());
            if task.completed && task.edges == 0 {
                self.tasks.remove(&edge.task);
            }
        }
    }
}
