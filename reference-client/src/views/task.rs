//! One task: what it waits for and where, what it holds, and what others need it for.

use super::Scene;
use super::page::{Goto, MOST_ENTRIES, Page, task_label};
use super::trace;
use crate::text::{clean, count, duration, grouped};
use crate::words;
use insight_model::{Edge, EdgeBody, Task};
use insight_protocol::{Operation, PartyRole, TaskId, TaskState};
use ratatui::text::Span;

/// The page of a task.
pub fn page(scene: &Scene, id: TaskId, width: usize) -> Page {
    let mut page = Page::new(scene, width);
    let Some(task) = scene.model().tasks.get(&id) else {
        page.text(1, "This task has ended, and nothing is left of it.");
        page.styled(1, "Esc goes back.", scene.theme.dim());
        return page;
    };
    let now_ns = scene.model().now_ns;
    let name = task.name.as_deref().map_or(String::new(), |name| format!("  {}", clean(name)));
    page.spans(
        1,
        vec![
            Span::styled(format!("task {}{name}", task.id), scene.theme.title()),
            Span::styled(format!("  {}", task.kind), scene.theme.dim()),
            Span::raw("  "),
            Span::styled(words::state_for(task, now_ns), scene.theme.state(task.state())),
            Span::raw(task.outcome().map_or(String::new(), |outcome| format!(" ({outcome})"))),
        ],
    );
    if task.partial {
        page.styled(1, words::PARTIAL, scene.theme.warning());
    }
    waits(scene, &mut page, task);
    trace::section(scene, &mut page, id);
    holds(scene, &mut page, task);
    parties(scene, &mut page, task);
    times(scene, &mut page, task);
    origin(scene, &mut page, task);
    page
}

fn waits(scene: &Scene, page: &mut Page, task: &Task) {
    let model = scene.model();
    let waits = model.waits_of_task(task.id);
    if waits.is_empty() {
        if task.state() == Some(TaskState::Idle) {
            page.heading("WAITS FOR");
            page.text(3, &words::unobserved_wait(task));
            if scene.traces.of(task.id).is_none() {
                page.styled(3, "t asks the program at which line", scene.theme.dim());
            }
        }
        return;
    }
    let only = waits.len() == 1;
    page.heading(if waits.len() > 1 { "WAITS FOR, ALL AT ONCE" } else { "WAITS FOR" });
    for edge in waits {
        page.entry(("wait", edge.id.0, 0), Some(Goto::Resource(edge.resource)), None, |page| {
            page.spans(
                2,
                vec![
                    Span::styled(format!("{}: ", words::resource_name(model, edge)), scene.theme.title()),
                    Span::styled(words::reason(edge), scene.theme.reason()),
                    Span::raw(format!("  for {}", duration(model.now_ns.saturating_sub(edge.since_ns)))),
                ],
            );
            if let Some(waiter) = words::waiter(edge, model.now_ns) {
                page.styled(4, &waiter, scene.theme.warning());
            }
            let kind = model.resources.get(&edge.resource).map_or(String::new(), |resource| {
                let level = words::level(resource);
                format!("{} {}{}{level}", resource.kind, resource.id, if level.is_empty() { "" } else { ", " })
            });
            page.styled(4, &format!("{} · {kind}", words::role(edge)), scene.theme.dim());
            let traced = if only { trace::only_await(scene, task.id) } else { None };
            match (&edge.location, &traced) {
                (Some(location), _) => page.location(4, "at ", location),
                (None, Some(location)) => page.location(4, "at, by its trace, ", location),
                (None, None) => {
                    page.styled(4, "location of this await is not known; t asks the program for it", scene.theme.dim());
                }
            }
        });
    }
    if let Some(others) = words::other_wakers(task) {
        page.text(3, &others);
    }
}

fn holds(scene: &Scene, page: &mut Page, task: &Task) {
    let model = scene.model();
    let holds: Vec<&Edge> =
        model.edges_of_task(task.id).filter(|edge| matches!(edge.body, EdgeBody::Hold { .. })).collect();
    page.heading("HOLDS");
    if holds.is_empty() {
        page.styled(3, "nothing that is seen", scene.theme.dim());
    }
    for edge in holds.iter().take(MOST_ENTRIES) {
        page.entry(("hold", edge.id.0, 0), Some(Goto::Resource(edge.resource)), None, |page| {
            let since = duration(model.now_ns.saturating_sub(edge.since_ns));
            page.spans(
                2,
                vec![
                    Span::raw(words::resource_name(model, edge)),
                    Span::raw(format!("  {} for {since}", words::role(edge))),
                    waiting(scene, edge),
                ],
            );
            if let Some(location) = &edge.location {
                page.location(4, "since ", location);
            }
        });
    }
    page.more(holds.len().saturating_sub(MOST_ENTRIES));
}

fn parties(scene: &Scene, page: &mut Page, task: &Task) {
    let model = scene.model();
    let parties: Vec<&Edge> =
        model.edges_of_task(task.id).filter(|edge| matches!(edge.body, EdgeBody::Party { .. })).collect();
    if parties.is_empty() {
        return;
    }
    page.heading("CAN FREE");
    for edge in parties.iter().take(MOST_ENTRIES) {
        let (what, by) = match &edge.body {
            EdgeBody::Party { role: PartyRole::Joined, .. } => ("its own end".into(), String::new()),
            _ => (words::resource_name(model, edge), format!("  {}", words::freeing(edge))),
        };
        page.entry(("party", edge.id.0, 0), Some(Goto::Resource(edge.resource)), None, |page| {
            page.spans(2, vec![Span::raw(what), Span::styled(by, scene.theme.dim()), waiting(scene, edge)]);
        });
    }
    page.more(parties.len().saturating_sub(MOST_ENTRIES));
}

/// How many tasks wait for what this edge's task can give, where some do.
fn waiting(scene: &Scene, edge: &Edge) -> Span<'static> {
    let gives = |operation: &Operation| match &edge.body {
        EdgeBody::Party { role: PartyRole::Sender, .. } => *operation == Operation::Recv,
        EdgeBody::Party { role: PartyRole::Receiver, .. } => *operation != Operation::Recv,
        _ => true,
    };
    let waits = scene
        .model()
        .edges_of_resource(edge.resource)
        .filter(|edge| matches!(&edge.body, EdgeBody::Wait { operation, .. } if gives(operation)));
    match waits.count() as u64 {
        0 => Span::raw(""),
        1 => Span::styled("  1 task waits for that", scene.theme.alarm()),
        number => Span::styled(format!("  {} tasks wait for that", grouped(number)), scene.theme.alarm()),
    }
}

fn times(scene: &Scene, page: &mut Page, task: &Task) {
    let model = scene.model();
    let Some(stats) = task.counters() else { return };
    page.heading("TIMES");
    if let (Some(times), Some(share)) = (task.times(model.now_ns), scene.shares.of(task, model.now_ns)) {
        for (what, ns, part) in [
            ("running", times.running_ns, share.running),
            ("scheduled", times.scheduled_ns, share.scheduled),
            ("waiting", times.idle_ns, share.waiting),
        ] {
            page.text(3, &format!("{what:<9} {:>5.1} %  {}", part * 100.0, duration(ns)));
        }
    }
    let woken = match stats.woken_by {
        Some(id) => format!(", last by {}", task_label(scene, id)),
        None => String::new(),
    };
    let polls = count(stats.polls, "poll");
    page.text(3, &format!("{polls}, {} ({} by itself{woken})", count(stats.wakes, "wake"), grouped(stats.self_wakes)));
    if stats.foreign_wakers > 0 {
        let wakers = count(stats.foreign_wakers, "foreign waker");
        page.text(3, &format!("{wakers}: a timer, io or a thread may wake it"));
    }
}

fn origin(scene: &Scene, page: &mut Page, task: &Task) {
    page.heading(if task.partial { "FIRST SEEN" } else { "SPAWNED" });
    let age = duration(scene.model().now_ns.saturating_sub(task.spawned_ns));
    page.text(3, &format!("{age} ago"));
    match &task.location {
        Some(location) => page.location(3, "at ", location),
        None => page.styled(3, "location of its spawn is not known", scene.theme.dim()),
    }
    if let Some(parent) = task.parent() {
        page.entry(("parent", parent.0, 0), Some(Goto::Task(parent)), None, |page| {
            page.text(2, &format!(" by {}", task_label(scene, parent)));
        });
    }
    let executor = task.executor.as_deref().map(|name| clean(name).into_owned());
    let id = task.executor_task_id().map(|id| format!("executor's id {id}"));
    let size = task.future_bytes.map(|bytes| format!("future of {}", count(bytes, "byte")));
    let facts: Vec<String> = [executor, id, size].into_iter().flatten().collect();
    if !facts.is_empty() {
        page.styled(3, &facts.join(", "), scene.theme.dim());
    }
}
