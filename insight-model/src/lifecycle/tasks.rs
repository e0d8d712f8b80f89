//! Tasks and resources.

use super::Checker;
use super::live::{EdgeKind, LiveTask};
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
            cancelled_by_others: false,
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

    pub(super) fn task_updated(&mut self, update: &TaskUpdated) {
        self.named(Some(update.name), None);
        self.expect_live_task(update.id);
    }

    pub(super) fn task_awaits(&mut self, awaits: &TaskAwaits) {
        let id = awaits.id;
        if !self.expect_live_task(id) {
            return;
        }
        // r[awaits.bounded]
        let most = awaits.awaits.iter().map(|it| it.frames.len()).max().unwrap_or(0);
        let bounded = awaits.awaits.len() <= MAX_AWAITS && most <= MAX_FRAMES && awaits.spans.len() <= MAX_SPANS;
        self.expect(
            bounded,
            "awaits.bounded",
            format_args!("up to {MAX_AWAITS} awaits, each with up to {MAX_FRAMES} frames, and up to {MAX_SPANS} spans"),
            || format!("{} awaits with up to {most} frames, and {} spans", awaits.awaits.len(), awaits.spans.len()),
        );
        // r[awaits.polls]
        let polls = self.tasks.get(&id).and_then(|task| task.stats.as_ref()).map_or(0, |stats| stats.polls);
        let actual = || format!("{} of task {id}", awaits.polls);
        self.expect(awaits.polls >= polls, "awaits.polls", format_args!("polls of at least {polls}"), actual);
        // r[awaits.complete]
        let cut = awaits.more > 0 || awaits.awaits.iter().any(|it| it.cut);
        let actual = || format!("complete awaits of task {id}, of which a part is missing");
        self.expect(!awaits.complete || !cut, "awaits.complete", "no missing part of complete awaits", actual);
        awaits.spans.iter().for_each(|span| self.named(Some(*span), None));
        for it in &awaits.awaits {
            self.named(it.function, None);
            it.frames.iter().for_each(|frame| self.named(frame.function, frame.location));
            // r[awaits.edge]
            let Some(edge) = it.edge else { continue };
            let known = self.edges.get(&edge);
            let fits = known.is_some_and(|edge| edge.task == id && edge.kind == EdgeKind::Wait);
            self.expect(fits, "awaits.edge", format_args!("an open wait of task {id}"), || format!("edge {edge}"));
        }
    }

    pub(super) fn task_cancellers(&mut self, cancellers: &TaskCancellers) {
        let id = cancellers.id;
        if !self.expect_live_task(id) {
            return;
        }
        if let Some(task) = self.tasks.get_mut(&id) {
            task.cancelled_by_others = cancellers.others;
        }
        // r[cancellers.bounded]
        let count = cancellers.tasks.len();
        let expected = format_args!("at most {MAX_CANCELLERS} tasks");
        self.expect(count <= MAX_CANCELLERS, "cancellers.bounded", expected, || count.to_string());
        // r[cancellers.alive]: a snapshot repeats a message.
        let is_known = |id: &&TaskId| self.snapshot.is_some() || self.tasks.get(id).is_some_and(|task| !task.completed);
        if let Some(unknown) = cancellers.tasks.iter().find(|id| !is_known(id)) {
            self.find("cancellers.alive", "tasks that are alive".to_owned(), format!("task {unknown}"));
        }
    }

    /// r[task.completed.last], r[order.introduced]
    pub(super) fn expect_live_task(&mut self, id: TaskId) -> bool {
        let live = self.tasks.get(&id).is_some_and(|task| !task.completed);
        if !live {
            let rule = if self.ended_tasks.contains(id.0) { "task.completed.last" } else { "order.introduced" };
            self.find(rule, "a task that is alive".to_owned(), format!("task {id}"));
        }
        live
    }

    pub(super) fn task_completed(&mut self, end: &TaskCompleted) {
        let id = end.id;
        self.panic_of(id, &end.outcome, end.panic.as_deref());
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

    fn panic_of(&mut self, id: TaskId, outcome: &Outcome, panic: Option<&str>) {
        let Some(panic) = panic else { return };
        // r[task.completed.panic]
        let panicked = *outcome == Outcome::Panicked;
        let expected = "`panic` only with the outcome `panicked`";
        self.expect(panicked, "task.completed.panic", expected, || format!("task {id} {outcome}"));
        // r[task.completed.panic-bounded]
        let length = panic.chars().count();
        let expected = format_args!("a message of at most {MAX_PANIC} characters");
        self.expect(length <= MAX_PANIC, "task.completed.panic-bounded", expected, || length.to_string());
    }

    pub(super) fn task_ended(&mut self, end: &TaskEnded) {
        self.named(end.name, end.location);
        self.named(end.executor, None);
        self.panic_of(end.id, &end.outcome, end.panic.as_deref());
        let id = end.id;
        let Some(opening) = &mut self.snapshot else {
            // r[task.ended.in-snapshot]
            return self.find("task.ended.in-snapshot", "a task.ended within a snapshot".into(), format!("task {id}"));
        };
        let first = opening.ended.insert(id);
        let group = &mut opening.groups[usize::from(!end.outcome.is_failure())];
        *group += 1;
        let group = *group;
        // r[task.ended.once]
        self.expect(first, "task.ended.once", "each ended task once", || format!("task {id} again"));
        // r[task.ended.bounded]
        let expected = format_args!("at most {MAX_ENDED} tasks of each group");
        self.expect(group <= MAX_ENDED, "task.ended.bounded", expected, || group.to_string());
        // r[task.ended.over]
        let is_live = self.tasks.get(&id).is_some_and(|task| !task.completed);
        self.expect(!is_live, "task.ended.over", "a task that has ended", || format!("task {id}, which is alive"));
        self.ended_tasks.insert(id.0);
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
        self.operations.resource_dropped(id);
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
