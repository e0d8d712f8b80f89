//! Tasks and resources.

use super::Checker;
use super::live::LiveTask;
use insight_protocol::*;

impl Checker {
    pub(super) fn task_spawned(&mut self, task: &TaskSpawned) {
        self.named(task.name, task.location);
        self.named(task.executor, None);
        // r[id.never-reused]: a snapshot has ended tasks that still have edges, so an ended id is valid there.
        let ended = self.ended_tasks.contains(task.id.0) && self.snapshot.is_none();
        let used = ended || self.tasks.contains_key(&task.id);
        self.expect(!used, "id.never-reused", "an unused id", || format!("task {} again", task.id));
        // r[party.exclusive.spawn]
        if let (Some(parent), None) = (task.parent, &self.snapshot) {
            let exclusive = self.tasks.get(&parent).is_some_and(|parent| parent.exclusive_parties > 0);
            let actual = || "one is open".to_owned();
            self.expect(
                !exclusive,
                "party.exclusive.spawn",
                format_args!("no exclusive party of task {parent}, which spawns"),
                actual,
            );
        }
        let live = LiveTask {
            partial: task.partial,
            // Counters continue across a snapshot.
            stats: self.snapshot.as_mut().and_then(|opening| opening.stats_before.remove(&task.id)),
            sample: u64::MAX,
            listed_polls: 0,
            completed: false,
            edges: 0,
            exclusive_parties: 0,
            ending_edges: 0,
        };
        self.tasks.entry(task.id).or_insert(live);
    }

    pub(super) fn task_stats(&mut self, stats: &TaskStats) {
        let (sample, in_snapshot) = (self.sample, self.snapshot.is_some());
        let Some(task) = self.tasks.get_mut(&stats.id) else {
            // r[task.completed.last], r[order.introduced]
            let rule = if self.ended_tasks.contains(stats.id.0) { "task.completed.last" } else { "order.introduced" };
            return self.find(rule, "a task that is alive".to_owned(), format!("task {}", stats.id));
        };
        let (partial, completed, listed) = (task.partial, task.completed, task.listed_polls);
        let again = task.stats.is_some() && task.sample == sample && !in_snapshot;
        let before = task.stats.replace(stats.clone());
        // A snapshot may repeat the stats of a sample.
        task.sample = if in_snapshot { u64::MAX } else { sample };
        let id = stats.id;
        self.expect(!completed, "task.completed.last", "no stats of an ended task", || format!("task {id}"));
        // r[task.partial.no-state]
        let stateless = !partial || stats.state.is_none();
        self.expect(stateless, "task.partial.no-state", "no state of a partial task", || format!("task {id} has one"));
        // r[task.stats.once-a-sample]
        self.expect(!again, "task.stats.once-a-sample", "one task.stats in each sample", || format!("task {id} again"));
        self.expect_polls_counted(stats, listed);
        // r[task.stats.monotone]
        if let Some(decreased) = before.and_then(|before| decreased(&before, stats)) {
            self.find(
                "task.stats.monotone",
                "counters that do not decrease".to_owned(),
                format!("task {id}: {decreased}"),
            );
        }
    }

    pub(super) fn task_completed(&mut self, end: &TaskCompleted) {
        let id = end.id;
        match self.tasks.get_mut(&id) {
            Some(task) if !task.completed => {
                task.completed = true;
                self.polls_may_follow.insert(id);
                if task.edges == 0 {
                    self.tasks.remove(&id);
                } else {
                    self.just_ended.push(id);
                }
                self.ended_tasks.insert(id.0);
            }
            // r[task.completed.once]
            Some(_) => self.find("task.completed.once", "one end of each task".into(), format!("task {id} ends again")),
            None if self.ended_tasks.contains(id.0) => {
                self.find("task.completed.once", "one end of each task".into(), format!("task {id} ends again"));
            }
            // r[gap.left-out-whole]
            None => self.find("gap.left-out-whole", "the end of a known task".into(), format!("task {id}")),
        }
    }

    /// r[task.completed.waits]
    pub(super) fn expect_no_waits_of_ended_tasks(&mut self) {
        for id in std::mem::take(&mut self.just_ended) {
            let open = self.tasks.get(&id).filter(|task| task.completed).map_or(0, |task| task.ending_edges);
            let actual = || format!("{open} of them");
            self.expect(
                open == 0,
                "task.completed.waits",
                format_args!("no wait and no joined party of task {id}, which has ended"),
                actual,
            );
        }
    }

    pub(super) fn resource_created(&mut self, resource: &ResourceCreated) {
        self.named(resource.name, resource.location);
        let id = resource.id;
        // r[id.never-reused]
        let used = self.resources.contains_key(&id) || self.ended_resources.contains(id.0);
        self.expect(!used, "id.never-reused", "an unused id", || format!("resource {id} again"));
        self.resources.entry(id).or_default();
    }

    pub(super) fn resource_updated(&mut self, update: &ResourceUpdated) {
        self.named(update.name, None);
        let id = update.id;
        if !self.resources.contains_key(&id) {
            // r[resource.dropped.last], r[order.introduced]
            let ended = self.ended_resources.contains(id.0);
            let rule = if ended { "resource.dropped.last" } else { "order.introduced" };
            self.find(rule, "a resource that is alive".to_owned(), format!("resource {id}"));
        }
    }

    pub(super) fn resource_dropped(&mut self, end: &ResourceDropped) {
        let id = end.id;
        let Some(resource) = self.resources.remove(&id) else {
            // r[resource.dropped.once], r[gap.left-out-whole]
            let ended = self.ended_resources.contains(id.0);
            let rule = if ended { "resource.dropped.once" } else { "gap.left-out-whole" };
            return self.find(rule, "a resource that is alive".to_owned(), format!("resource {id}"));
        };
        self.ended_resources.insert(id.0);
        // Its edges end with it.
        for edge in resource.edges {
            self.forget_edge(edge);
            self.remember_dropped(edge);
        }
    }
}

/// The first counter that is less than before.
fn decreased(before: &TaskStats, now: &TaskStats) -> Option<String> {
    let counters = [
        ("polls", before.polls, now.polls),
        ("wakes", before.wakes, now.wakes),
        ("self_wakes", before.self_wakes, now.self_wakes),
        ("running_ns", before.running_ns, now.running_ns),
        ("scheduled_ns", before.scheduled_ns, now.scheduled_ns),
    ];
    let histogram = before.poll_ns_log2.iter().enumerate().map(|(entry, count)| {
        let now = now.poll_ns_log2.get(entry).copied().unwrap_or(0);
        ("poll_ns_log2", *count, now)
    });
    let (name, before, now) = counters.into_iter().chain(histogram).find(|(_, before, now)| now < before)?;
    Some(format!("{name} was {before} and is {now}"))
}
