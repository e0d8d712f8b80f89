//! One task: its waits and their places, its holds, and the resources that it can unblock.

use super::page::{MOST_ENTRIES, Page, task_label};
use super::page_view::{PageView, Subject};
use super::{BACK, Key, Kind, Link, Scene, Traced, resource, trace};
use crate::text::{clean, count, duration, grouped};
use crate::words;
use insight_model::{Awaits, Edge, EdgeBody, EndedTask, Leaf, Model, Origin, Task};
use insight_protocol::{Operation, Outcome, PartyRole, TaskId, TaskState};
use ratatui::style::Style;
use ratatui::text::Span;

/// The kind of this view.
pub static KIND: Kind = Kind {
    title: "A task",
    keys: &[
        Key {
            keys: "↑ ↓ j k", does: "move over waits, holds and ends of channels", hint: Some((6, "↑↓", "move"))
        },
        Key {
            keys: "Enter",
            does: "open the resource, or the task that spawned this one",
            hint: Some((8, "Enter", "open")),
        },
        BACK,
        Key {
            keys: "t",
            does: "ask the program for the line at which the task waits; again for a new answer",
            hint: Some((5, "t", "trace")),
        },
    ],
    opener: None,
    help: HELP,
    docs: &["/docs/task"],
    open: |id| PageView::open(TaskSubject(TaskId(id))),
};

/// The way to the view of a task.
pub fn link(id: TaskId) -> Link {
    Link { kind: &KIND, id: id.0 }
}

struct TaskSubject(TaskId);

impl Subject for TaskSubject {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn name(&self, scene: &Scene) -> String {
        task_label(scene, self.0)
    }

    fn fill(&self, scene: &Scene, page: &mut Page) {
        match scene.model().tasks.get(&self.0) {
            Some(task) => describe(scene, page, task),
            None => match scene.model().ended_tasks.get(self.0) {
                Some(task) => describe_ended(scene, page, task),
                None => {
                    page.text(1, "This task has ended, and nothing is left of it.");
                    page.hint(1, "Esc goes back.");
                }
            },
        }
    }

    fn traced(&self, scene: &Scene) -> Traced {
        Traced::Tasks(scene.model().tasks.get(&self.0).map(|task| task.id).into_iter().collect())
    }

    fn waits<'m>(&self, model: &'m Model) -> Vec<&'m Edge> {
        model.waits_of_task(self.0)
    }

    fn more_docs(&self, _: &Model) -> Vec<String> {
        Vec::new()
    }
}

fn describe(scene: &Scene, page: &mut Page, task: &Task) {
    let now_ns = scene.model().now_ns;
    let name = scene.model().task_name(task).map_or(String::new(), |name| format!("  {}", clean(&name.to_string())));
    page.spans(
        1,
        vec![
            Span::styled(format!("task {}{name}", task.id), scene.theme.title()),
            Span::styled(format!("  {}", task.origin.kind), scene.theme.dim()),
            Span::raw("  "),
            Span::styled(words::state_for(task, now_ns), scene.theme.state(task.state())),
            Span::raw(task.outcome().map_or(String::new(), |outcome| format!(" ({outcome})"))),
        ],
    );
    if task.origin.partial {
        page.styled(1, words::PARTIAL, scene.theme.warning());
    }
    if let Some(ended) = scene.model().ended_tasks.get(task.id) {
        panic_message(scene, page, ended);
    }
    waits(scene, page, task);
    trace::section(scene, page, task.id);
    holds(scene, page, task);
    parties(scene, page, task);
    times(scene, page, task);
    origin(scene, page, Spawned::of(task));
}

fn describe_ended(scene: &Scene, page: &mut Page, task: &EndedTask) {
    let now_ns = scene.model().now_ns;
    let name = task.origin.name.as_deref().map_or(String::new(), |name| format!("  {}", clean(name)));
    let style = if task.outcome.is_failure() { scene.theme.alarm() } else { Style::new() };
    page.spans(
        1,
        vec![
            Span::styled(format!("task {}{name}", task.id), scene.theme.title()),
            Span::styled(format!("  {}  ", task.origin.kind), scene.theme.dim()),
            Span::styled(words::ended_ago(task, now_ns), style),
            Span::raw(format!(" after {}", duration(task.ended_ns.saturating_sub(task.spawned_ns)))),
        ],
    );
    panic_message(scene, page, task);
    origin(scene, page, Spawned::of_ended(task));
}

/// The message of a panic, or the way to get it.
fn panic_message(scene: &Scene, page: &mut Page, task: &EndedTask) {
    if task.outcome != Outcome::Panicked {
        return;
    }
    page.heading("PANIC");
    match &task.panic {
        Some(_) => words::panic_lines(task).for_each(|line| page.styled(3, line, scene.theme.reason())),
        None => page.text(3, "The program does not send the message. INSIGHT_PANICS=message turns it on."),
    }
}

fn waits(scene: &Scene, page: &mut Page, task: &Task) {
    let model = scene.model();
    let waits = model.waits_of_task(task.id);
    let mut others: Vec<&Leaf> = model.other_awaits(task.id).collect();
    if waits.is_empty() && others.is_empty() {
        if task.state() == Some(TaskState::Idle) {
            page.heading("WAITS FOR");
            page.text(3, &words::unobserved_wait(model, task));
            if scene.traces.of(task.id).is_none() {
                page.hint(3, "t asks the program at which line");
            }
        }
        return;
    }
    let only = waits.len() + others.len() == 1;
    page.heading(if only { "WAITS FOR" } else { "WAITS FOR, AT THE SAME TIME" });
    let has_few = waits.len() <= words::MOST_QUEUES;
    for edge in waits {
        page.entry(("wait", edge.id.0, 0), Some(resource::link(edge.resource)), None, |page| {
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
            if let Some(behind) = has_few.then(|| words::behind(model, edge)).flatten() {
                page.styled(4, &behind, scene.theme.dim());
            }
            let kind = model.resources.get(&edge.resource).map_or(String::new(), |resource| {
                let level = words::level(resource);
                format!("{} {}{}{level}", resource.kind, resource.id, if level.is_empty() { "" } else { ", " })
            });
            let polled = words::polled(edge).map_or_else(String::new, |polled| format!(" · {polled}"));
            page.styled(4, &format!("{} · {kind}{polled}", words::role(edge)), scene.theme.dim());
            let traced = if only { trace::only_await(scene, task.id) } else { None };
            let lines = model.lines_of_wait(edge);
            match (lines.first, &traced) {
                (Some(_), _) => page.lines_of(4, &lines, true),
                (None, Some(location)) => page.location(4, "at, by its trace, ", location),
                (None, None) => {
                    page.styled(4, "location of this await is unknown; t asks the program for it", scene.theme.dim());
                }
            }
        });
    }
    // The program's own code first.
    others.sort_by_key(|leaf| leaf.own().is_none());
    for (leaf, number) in others.into_iter().zip(0..) {
        page.entry(("await", task.id.0, number), None, None, |page| {
            page.spans(
                2,
                vec![
                    Span::styled(words::awaited(leaf), scene.theme.title()),
                    Span::styled(", which insight does not observe", scene.theme.dim()),
                ],
            );
            page.lines_of(4, &model.lines_of_await(task.id, leaf), true);
        });
    }
    if let Some(others) = words::unobserved_wakers(model, task) {
        page.text(3, &others);
    }
    if let Some(known) = model.awaits(task.id).filter(|known| !known.represents) {
        page.styled(3, &completeness(known.awaits), scene.theme.dim());
    }
}

/// Whether the awaits of the task are all that it has.
fn completeness(awaits: &Awaits) -> String {
    match (awaits.complete, awaits.more) {
        (true, _) => "complete: the task has no other awaits".to_owned(),
        (false, 0) => "the task may have more awaits".to_owned(),
        (false, more) => format!("and {} that are not shown", count(more, "more await")),
    }
}

fn holds(scene: &Scene, page: &mut Page, task: &Task) {
    let model = scene.model();
    let holds: Vec<&Edge> =
        model.edges_of_task(task.id).filter(|edge| matches!(edge.body, EdgeBody::Hold { .. })).collect();
    page.heading("HOLDS");
    if holds.is_empty() {
        page.styled(3, "nothing observed", scene.theme.dim());
    }
    for edge in holds.iter().take(MOST_ENTRIES) {
        page.entry(("hold", edge.id.0, 0), Some(resource::link(edge.resource)), None, |page| {
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
    page.heading("CAN UNBLOCK");
    for edge in parties.iter().take(MOST_ENTRIES) {
        let (resource, by) = match &edge.body {
            EdgeBody::Party { role: PartyRole::Joined, .. } => ("its own end".into(), String::new()),
            _ => (words::resource_name(model, edge), format!("  {}", words::freeing(edge))),
        };
        page.entry(("party", edge.id.0, 0), Some(resource::link(edge.resource)), None, |page| {
            page.spans(2, vec![Span::raw(resource), Span::styled(by, scene.theme.dim()), waiting(scene, edge)]);
        });
    }
    page.more(parties.len().saturating_sub(MOST_ENTRIES));
}

/// The number of tasks that the task of this edge can unblock, if there are any.
fn waiting(scene: &Scene, edge: &Edge) -> Span<'static> {
    let resource = scene.model().resources.get(&edge.resource);
    let gives = |operation: &Operation| match (&edge.body, resource) {
        (EdgeBody::Party { role, .. }, Some(resource)) => resource.definition().freed(operation).by.is_party(role),
        _ => true,
    };
    let waits = scene
        .model()
        .edges_of_resource(edge.resource)
        .filter(|edge| matches!(&edge.body, EdgeBody::Wait { operation, .. } if gives(operation)));
    match waits.count() as u64 {
        0 => Span::raw(""),
        1 => Span::styled("  1 task waits for it", scene.theme.alarm()),
        number => Span::styled(format!("  {} tasks wait for it", grouped(number)), scene.theme.alarm()),
    }
}

fn times(scene: &Scene, page: &mut Page, task: &Task) {
    let model = scene.model();
    let Some(stats) = task.counters() else { return };
    page.heading("TIMES");
    if let (Some(times), Some(share)) = (task.times(model.now_ns), scene.shares.of(task, model.now_ns)) {
        for (state, ns, part) in [
            ("running", times.running_ns, share.running),
            ("scheduled", times.scheduled_ns, share.scheduled),
            ("waiting", times.idle_ns, share.waiting),
        ] {
            page.text(3, &format!("{state:<9} {:>5.1} %  {}", part * 100.0, duration(ns)));
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
        page.text(3, &format!("{wakers}: {} or a thread may wake it", words::foreign_things(model)));
    }
}

/// The facts of a spawn.
struct Spawned<'a> {
    origin: &'a Origin,
    at_ns: u64,
    parent: Option<TaskId>,
    executor_task_id: Option<u64>,
}

impl<'a> Spawned<'a> {
    fn of(task: &'a Task) -> Spawned<'a> {
        let (parent, executor_task_id) = (task.parent(), task.executor_task_id());
        Spawned { origin: &task.origin, at_ns: task.spawned_ns, parent, executor_task_id }
    }

    fn of_ended(task: &'a EndedTask) -> Spawned<'a> {
        let (parent, executor_task_id) = (task.parent(), task.executor_task_id());
        Spawned { origin: &task.origin, at_ns: task.spawned_ns, parent, executor_task_id }
    }
}

fn origin(scene: &Scene, page: &mut Page, task: Spawned) {
    page.heading(if task.origin.partial { "FIRST OBSERVED" } else { "SPAWNED" });
    let age = duration(scene.model().now_ns.saturating_sub(task.at_ns));
    page.text(3, &format!("{age} ago"));
    match &task.origin.location {
        Some(location) => page.location(3, "at ", location),
        None => page.styled(3, "location of its spawn is unknown", scene.theme.dim()),
    }
    if let Some(parent) = task.parent {
        page.entry(("parent", parent.0, 0), Some(link(parent)), None, |page| {
            page.text(2, &format!(" by {}", task_label(scene, parent)));
        });
    }
    let executor = task.origin.executor.as_deref().map(|name| clean(name).into_owned());
    let id = task.executor_task_id.map(|id| format!("executor's id {id}"));
    let size = task.origin.future_bytes.map(|bytes| format!("future of {}", count(bytes, "byte")));
    let facts: Vec<String> = [executor, id, size].into_iter().flatten().collect();
    if !facts.is_empty() {
        page.styled(3, &facts.join(", "), scene.theme.dim());
    }
}

const HELP: &str = "
# TERMS

WAITS FOR: each resource with the reason, the operation and the lines; select! and join! wait for several
at: the line of your own code that waits; inside: the library's function and line; called by: your functions around it
behind 2 waits in the queue: a fair lock or channel serves those first
complete: the list has every await of the task
HOLDS: the locks, permits and places that the task has taken
TRACE: for each await, the awaited function and the program's own functions; the program polls the task once for it
CAN UNBLOCK: its ends of channels, and joins on it; other tasks may wait for them until it acts
TIMES: the shares of the last second or two, and the sums over its life
PANIC: the message of the panic; the program sends it only with INSIGHT_PANICS=message
foreign waker: something outside of the observed resources that may wake the task: io, a thread
source changed since build: the file is newer than the program; its text may have moved
source not found: the file is not there where the program runs; the location is still right
";
