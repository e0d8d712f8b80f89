//! One resource: the tasks that wait for it, and the tasks that can unblock them.

use super::page::{MOST_ENTRIES, Page, task_label};
use super::page_view::{PageView, Subject};
use super::{BACK, Key, Kind, Link, Scene, Traced, task};
use crate::text::{clean, duration};
use crate::words;
use insight_model::resource_kind::FreedBy;
use insight_model::{Edge, EdgeBody, Lines, Model, Resource};
use insight_protocol::{Operation, ResourceId};
use ratatui::text::Span;
use std::collections::HashSet;

/// The kind of this view.
pub static KIND: Kind = Kind {
    title: "A resource",
    keys: &[
        Key { keys: "↑ ↓ j k", does: "move over tasks", hint: Some((6, "↑↓", "move")) },
        Key { keys: "Enter", does: "open the task", hint: Some((8, "Enter", "open")) },
        BACK,
    ],
    opener: None,
    help: HELP,
    docs: &["/docs/resource"],
    open: |id| PageView::open(ResourceSubject(ResourceId(id))),
};

/// The way to the view of a resource.
pub fn link(id: ResourceId) -> Link {
    Link { kind: &KIND, id: id.0 }
}

struct ResourceSubject(ResourceId);

impl Subject for ResourceSubject {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn name(&self, scene: &Scene) -> String {
        let (model, id) = (scene.model(), self.0);
        model.resources.get(&id).map_or_else(|| format!("resource {id}"), |it| words::short_name(model, it))
    }

    fn fill(&self, scene: &Scene, page: &mut Page) {
        match scene.model().resources.get(&self.0) {
            Some(resource) => describe(scene, page, resource),
            None => {
                page.text(1, "This resource is gone.");
                page.hint(1, "Esc goes back.");
            }
        }
    }

    fn traced(&self, _: &Scene) -> Traced {
        Traced::Tasks(Vec::new())
    }

    fn waits<'m>(&self, model: &'m Model) -> Vec<&'m Edge> {
        model.edges_of_resource(self.0).filter(|edge| matches!(edge.body, EdgeBody::Wait { .. })).collect()
    }

    fn more_docs(&self, _: &Model) -> Vec<String> {
        Vec::new()
    }
}

/// Puts a resource on a page.
pub fn describe(scene: &Scene, page: &mut Page, resource: &Resource) {
    let name = resource.name.as_deref().map_or(String::new(), |name| format!(" `{}`", clean(name)));
    let of = resource.library().map_or_else(String::new, |library| format!("{library}'s "));
    page.spans(
        1,
        vec![
            Span::styled(clean(&format!("{of}{}", resource.kind)).into_owned() + &name, scene.theme.title()),
            Span::styled(format!("  resource {}", resource.id), scene.theme.dim()),
        ],
    );
    let sizes = words::sizes(resource);
    if !sizes.is_empty() {
        let style = if words::is_full(resource) { scene.theme.alarm() } else { Default::default() };
        page.styled(1, &sizes, style);
    }
    let located = format!("{} ", resource.definition().located);
    match &resource.location {
        Some(location) => page.location(1, &located, location),
        None => page.styled(1, &format!("{located}an unknown place"), scene.theme.dim()),
    }
    waiting(scene, page, resource);
    let first = page.entries.len();
    for operation in operations(scene, resource) {
        freers(scene, page, resource, &operation);
    }
    // The cursor begins at the first task that can unblock it; without such a task, at the top.
    page.first = if first < page.entries.len() { first } else { 0 };
}

fn waiting(scene: &Scene, page: &mut Page, resource: &Resource) {
    let model = scene.model();
    let mut waits: Vec<(&Edge, &Operation)> = model
        .edges_of_resource(resource.id)
        .filter_map(|edge| match &edge.body {
            EdgeBody::Wait { operation, .. } => Some((edge, operation)),
            _ => None,
        })
        .collect();
    waits.sort_by_key(|(edge, _)| (edge.since_ns, edge.id));
    page.heading(&format!("WAITING ({})", crate::text::grouped(waits.len() as u64)));
    if waits.is_empty() {
        page.styled(3, "no task", scene.theme.dim());
    }
    for (edge, _) in waits.iter().take(MOST_ENTRIES) {
        page.entry(("wait", edge.id.0, 0), Some(task::link(edge.task)), None, |page| {
            page.spans(
                2,
                vec![
                    Span::raw(format!("{}: ", task_label(scene, edge.task))),
                    Span::styled(words::reason(edge), scene.theme.reason()),
                    Span::raw(format!(
                        " ({}) for {}",
                        words::role(edge),
                        duration(model.now_ns.saturating_sub(edge.since_ns))
                    )),
                    Span::styled(
                        words::polled(edge).map_or_else(String::new, |polled| format!(", {polled}")),
                        scene.theme.dim(),
                    ),
                ],
            );
            if let Some(waiter) = words::waiter(edge, model.now_ns) {
                page.styled(4, &waiter, scene.theme.warning());
            }
            page.lines_of(4, &model.lines_of_wait(edge), false);
            if let Some(others) = model.tasks.get(&edge.task).and_then(|task| words::other_wakers(model, task)) {
                page.styled(4, &others, scene.theme.dim());
            }
        });
    }
    page.more(waits.len().saturating_sub(MOST_ENTRIES));
}

/// The operations that tasks wait for; without waits, all that they could wait for.
fn operations(scene: &Scene, resource: &Resource) -> Vec<Operation> {
    let mut operations: Vec<Operation> = Vec::new();
    for edge in scene.model().edges_of_resource(resource.id) {
        if let EdgeBody::Wait { operation, .. } = &edge.body
            && !operations.contains(operation)
        {
            operations.push(operation.clone());
        }
    }
    if operations.is_empty() {
        operations.extend_from_slice(resource.definition().usual);
    }
    operations.sort();
    // Sending and reserving wait for the same: room.
    operations.dedup_by(|b, a| *a == Operation::Send && *b == Operation::Reserve);
    operations
}

fn freers(scene: &Scene, page: &mut Page, resource: &Resource, operation: &Operation) {
    let model = scene.model();
    let freers = model.freers(resource, operation);
    let freed = resource.definition().freed(operation);
    page.heading(&format!("CAN UNBLOCK IT: {}", freed.tasks.to_uppercase()));
    let mut described = HashSet::new();
    for freer in freers.known.iter().take(MOST_ENTRIES) {
        page.entry(("freer", freer.edge.0, 0), Some(task::link(freer.task)), None, |page| {
            let mut spans = vec![Span::raw(task_label(scene, freer.task))];
            let edge = model.edges.get(&freer.edge);
            if let Some(edge) = edge {
                spans.push(Span::styled(format!("  {}", words::freeing(edge)), scene.theme.dim()));
            }
            page.spans(2, spans);
            if let Some(edge) = edge.filter(|edge| matches!(edge.body, EdgeBody::Hold { .. })) {
                let lead = format!("for {}", duration(model.now_ns.saturating_sub(edge.since_ns)));
                match &edge.location {
                    Some(location) => page.location(4, &format!("{lead}, since "), location),
                    None => page.text(4, &lead),
                }
            }
            // A task may hold a million permits: its wait is looked up once.
            let Some(task) = model.tasks.get(&freer.task).filter(|task| described.insert(task.id)) else { return };
            let mut spans = vec![Span::styled(words::state_for(task, model.now_ns), scene.theme.state(task.state()))];
            if let Some(waits_for) = words::waits_for(model, task.id) {
                spans.push(Span::raw(", waits for "));
                spans.push(Span::styled(waits_for, scene.theme.alarm()));
            }
            let lines = words::main_lines(model, task.id).unwrap_or_default();
            if let Some(first) = lines.first {
                spans.push(Span::raw(" at "));
                spans.push(Span::styled(words::place(first), scene.theme.accent()));
            }
            page.spans(4, spans);
            page.lines_of(4, &Lines { first: None, ..lines }, false);
        });
    }
    page.more(freers.known.len().saturating_sub(MOST_ENTRIES));
    let waits = || model.edges_of_resource(resource.id).filter(|edge| matches!(edge.body, EdgeBody::Wait { .. }));
    let waited = waits().next().is_some();
    if waited && waits().all(words::is_overdue) {
        page.styled(3, "nothing: its time is over, and the task has to be polled", scene.theme.warning());
        return;
    }
    match words::unknown_freers(&freers) {
        // Without waits, it need not have a holder.
        Some(_) if !waited && freed.by == FreedBy::Holder && freers.known.is_empty() => {
            page.styled(3, "no observed holder", scene.theme.dim());
        }
        Some(unknown) => page.styled(3, &unknown, scene.theme.warning()),
        None if freers.known.is_empty() => page.styled(3, "no task", scene.theme.warning()),
        None => {}
    }
    for way in words::other_ways(&freers).filter(|_| waited) {
        page.styled(3, way, scene.theme.dim());
    }
}

const HELP: &str = "
# TERMS

WAITING: the tasks that wait for this resource, the longest wait first
at: the line of your own code that waits; inside: the library's function and line
CAN UNBLOCK IT: tasks that hold the lock, have the other end of the channel, or are awaited
unknown: handles that any code may use; one of them may unblock it too
maybe a shared one: other tasks may use the handle too
capacity: the room for messages
length: the number of messages and reserved places
";
