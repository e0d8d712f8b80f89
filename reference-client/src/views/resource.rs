//! One resource: who waits for it, and the tasks that can free it.

use super::Scene;
use super::page::{Goto, MOST_ENTRIES, Page, task_label};
use crate::text::{clean, duration};
use crate::words;
use insight_model::{Edge, EdgeBody, Resource};
use insight_protocol::{Operation, ResourceId, ResourceKind};
use ratatui::text::Span;

/// The page of a resource.
pub fn page(scene: &Scene, id: ResourceId, width: usize) -> Page {
    let mut page = Page::new(scene, width);
    let Some(resource) = scene.model().resources.get(&id) else {
        page.text(1, "This resource is gone.");
        page.styled(1, "Esc goes back.", scene.theme.dim());
        return page;
    };
    let name = resource.name.as_deref().map_or(String::new(), |name| format!(" `{}`", clean(name)));
    page.spans(
        1,
        vec![
            Span::styled(clean(resource.kind.as_str()).into_owned() + &name, scene.theme.title()),
            Span::styled(format!("  resource {}", resource.id), scene.theme.dim()),
        ],
    );
    let sizes = words::sizes(resource);
    if !sizes.is_empty() {
        let style = if words::is_full(resource) { scene.theme.alarm() } else { Default::default() };
        page.styled(1, &sizes, style);
    }
    let created = if resource.kind == ResourceKind::Join { "task spawned at " } else { "created at " };
    match &resource.location {
        Some(location) => page.location(1, created, location),
        None => page.styled(1, "where it was created is not known", scene.theme.dim()),
    }
    waiting(scene, &mut page, resource);
    let first = page.entries.len();
    for operation in operations(scene, resource) {
        freers(scene, &mut page, resource, &operation);
    }
    // The way on from a cause is who can end it; without one the cursor begins at the top.
    page.first = if first < page.entries.len() { first } else { 0 };
    page
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
        page.entry(("wait", edge.id.0, 0), Some(Goto::Task(edge.task)), None, |page| {
            page.spans(
                2,
                vec![
                    Span::raw(format!("{}: ", task_label(scene, edge.task))),
                    Span::styled(words::reason(edge), scene.theme.reason()),
                    Span::raw(format!(
                        "  {} for {}",
                        words::role(edge),
                        duration(model.now_ns.saturating_sub(edge.since_ns))
                    )),
                ],
            );
            if let Some(location) = &edge.location {
                page.location(4, "at ", location);
            }
        });
    }
    page.more(waits.len().saturating_sub(MOST_ENTRIES));
}

/// What is waited for; of a channel for which nobody waits, all that could be.
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
        match resource.kind {
            ResourceKind::Channel => operations.extend([Operation::Send, Operation::Recv]),
            ResourceKind::Oneshot | ResourceKind::Broadcast => operations.push(Operation::Recv),
            ResourceKind::Watch => operations.push(Operation::Changed),
            ResourceKind::Notify => operations.push(Operation::Notified),
            ResourceKind::Rwlock => operations.push(Operation::Write),
            ResourceKind::Semaphore => operations.push(Operation::Acquire),
            ResourceKind::Barrier => operations.push(Operation::Wait),
            ResourceKind::OnceCell => operations.push(Operation::Init),
            ResourceKind::Join => operations.push(Operation::Join),
            _ => operations.push(Operation::Lock),
        }
    }
    operations.sort();
    // Sending and reserving wait for the same: room.
    operations.dedup_by(|b, a| *a == Operation::Send && *b == Operation::Reserve);
    operations
}

fn freers(scene: &Scene, page: &mut Page, resource: &Resource, operation: &Operation) {
    let model = scene.model();
    let freers = model.freers(resource, operation);
    page.heading(match (&resource.kind, operation) {
        (_, Operation::Recv | Operation::Changed) => "CAN FREE IT: TASKS THAT CAN SEND",
        (_, Operation::Send | Operation::Reserve) => "CAN FREE IT: TASKS THAT CAN RECEIVE",
        (_, Operation::Closed) => "CAN FREE IT: TASKS THAT CAN CLOSE",
        (ResourceKind::Notify, _) => "CAN FREE IT: WHO NOTIFIES",
        (ResourceKind::Barrier, _) => "CAN FREE IT: TASKS THAT HAVE YET TO COME",
        (ResourceKind::OnceCell, Operation::Wait) => "CAN FREE IT: WHO SETS IT",
        (ResourceKind::OnceCell, _) => "CAN FREE IT: THE TASK THAT MAKES THE VALUE",
        (ResourceKind::Timer, _) => "CAN FREE IT: TIME",
        (ResourceKind::Join, _) => "CAN FREE IT: THE TASK'S OWN END",
        _ => "CAN FREE IT: TASKS THAT HOLD IT",
    });
    let waited = model.edges_of_resource(resource.id).any(|edge| matches!(edge.body, EdgeBody::Wait { .. }));
    for freer in freers.known.iter().take(MOST_ENTRIES) {
        page.entry(("freer", freer.edge.0, 0), Some(Goto::Task(freer.task)), None, |page| {
            let mut spans = vec![Span::raw(task_label(scene, freer.task))];
            if let Some(edge) = model.edges.get(&freer.edge) {
                spans.push(Span::styled(format!("  {}", words::freeing(edge)), scene.theme.dim()));
            }
            page.spans(2, spans);
            let Some(task) = model.tasks.get(&freer.task) else { return };
            let mut spans = vec![Span::styled(words::state_for(task, model.now_ns), scene.theme.state(task.state()))];
            if let Some(waits_for) = words::waits_for(model, task.id) {
                spans.push(Span::raw(", waits for "));
                spans.push(Span::styled(waits_for, scene.theme.alarm()));
            }
            page.spans(4, spans);
        });
    }
    page.more(freers.known.len().saturating_sub(MOST_ENTRIES));
    match words::unknown_freers(&freers) {
        // Nobody need hold what nobody waits for.
        Some(_) if !waited && words::is_held(resource) && freers.known.is_empty() => {
            page.styled(3, "no task is seen to hold it", scene.theme.dim());
        }
        Some(unknown) => page.styled(3, &unknown, scene.theme.warning()),
        None if freers.known.is_empty() => page.styled(3, "no task", scene.theme.warning()),
        None => {}
    }
}
