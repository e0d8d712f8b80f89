//! Tasks, resources and problems as one JSON document. Names are the protocol's; times are nanoseconds of the
//! program's clock.

use crate::views::Scene;
use crate::views::task_list::TaskList;
use crate::words::{self, FreersOf};
use insight_model::{Edge, EdgeBody, Location, Model, ObservedTasks, Resource, Task};
use insight_protocol::Operation;
use serde_json::{Value, json};

/// The document, indented, with its last line's end.
pub fn json(scene: &Scene) -> String {
    let model = scene.model();
    let mut list = TaskList::default();
    list.refresh(scene);
    let freers = FreersOf::new(model);
    let tasks: Vec<Value> =
        list.order().iter().filter_map(|id| model.tasks.get(id)).map(|value| task(model, &freers, value)).collect();
    let resources: Vec<Value> = model.resources.values().map(|value| resource(model, value)).collect();
    let losses = &scene.picture.losses;
    let document = json!({
        "header": model.header,
        "now_ns": model.now_ns,
        "coverage": coverage(model, &list.observed),
        "tasks": tasks,
        "resources": resources,
        "problems": model.problems().problems,
        "losses": {
            "bad_lines": losses.bad_lines,
            "unknown_messages": losses.unknown_messages,
            "missing_messages": losses.missing_messages,
            "gap_count": scene.picture.gap_count(),
        },
    });
    format!("{document:#}\n")
}

/// As in the stream, and how many tasks are observed, and the line that the screens have.
fn coverage(model: &Model, observed: &ObservedTasks) -> Value {
    let mut value = json!(model.coverage);
    for executor in value["executors"].as_array_mut().into_iter().flatten() {
        executor["observed_tasks"] = json!(executor["name"].as_str().map(|name| observed.by(name)));
    }
    json!({ "said": value, "text": model.coverage_text(observed), "why_empty": model.why_empty() })
}

fn task(model: &Model, freers: &FreersOf, task: &Task) -> Value {
    let edges = |wanted: fn(&EdgeBody) -> bool| -> Vec<Value> {
        model.edges_of_task(task.id).filter(|edge| wanted(&edge.body)).map(|value| edge(model, freers, value)).collect()
    };
    let stats = task.counters();
    let stats = stats.as_ref();
    let times = task.times(model.now_ns).map(|times| {
        json!({
            "running_ns": times.running_ns,
            "scheduled_ns": times.scheduled_ns,
            "idle_ns": times.idle_ns,
        })
    });
    json!({
        "id": task.id,
        "kind": task.kind,
        "name": task.name.as_deref(),
        "state": task.state(),
        "since_ns": task.since_ns(),
        "partial": task.partial,
        "outcome": task.outcome(),
        "location": task.location.as_deref().map(location),
        "parent": task.parent(),
        "executor": task.executor.as_deref(),
        "executor_task_id": task.executor_task_id(),
        "future_bytes": task.future_bytes,
        "spawned_ns": task.spawned_ns,
        "times": times,
        "polls": stats.map(|stats| stats.polls),
        "wakes": stats.map(|stats| stats.wakes),
        "self_wakes": stats.map(|stats| stats.self_wakes),
        "woken_by": stats.and_then(|stats| stats.woken_by),
        "foreign_wakers": stats.map(|stats| stats.foreign_wakers),
        "waits": model.waits_of_task(task.id).into_iter().map(|value| edge(model, freers, value)).collect::<Vec<_>>(),
        "holds": edges(|body| matches!(body, EdgeBody::Hold { .. })),
        "parties": edges(|body| matches!(body, EdgeBody::Party { .. })),
    })
}

fn edge(model: &Model, freers: &FreersOf, edge: &Edge) -> Value {
    let resource = model.resources.get(&edge.resource);
    let mut value = json!({
        "id": edge.id,
        "task": edge.task,
        "resource": edge.resource,
        "resource_kind": resource.map(|resource| &resource.kind),
        "resource_name": resource.and_then(|resource| resource.name.as_deref()),
        "since_ns": edge.since_ns,
        "location": edge.location.as_deref().map(location),
    });
    match &edge.body {
        EdgeBody::Wait { operation, reason, need } => {
            let waiter = edge.waiter();
            value["operation"] = json!(operation);
            value["reason"] = json!(**reason);
            value["need"] = json!(need);
            value["polls"] = json!(waiter.polls);
            value["polled"] = json!(waiter.polled);
            value["granted_ns"] = json!(waiter.granted_ns);
            if let Some(resource) = resource {
                value["freed_by"] = freed_by(freers, resource, operation);
            }
        }
        EdgeBody::Hold { mode, units, transferable } => {
            value["mode"] = json!(mode);
            value["units"] = json!(units);
            value["transferable"] = json!(transferable);
        }
        EdgeBody::Party { role, exclusive } => {
            value["role"] = json!(role);
            value["exclusive"] = json!(exclusive);
        }
    }
    value
}

/// So many tasks that can free a resource are listed with each wait; the parties and holds of the resource are all of them.
const FREERS: usize = 100;

fn freed_by(freers: &FreersOf, resource: &Resource, operation: &Operation) -> Value {
    let freers = freers.freers(resource, operation);
    let tasks: Vec<_> = freers.known.iter().take(FREERS).map(|freer| freer.task).collect();
    let more = freers.known.len() - tasks.len();
    json!({ "tasks": tasks, "more": more, "unknown": freers.unknown, "unknown_what": words::unknown_freers(&freers) })
}

fn resource(model: &Model, resource: &Resource) -> Value {
    let ids = |wanted: fn(&EdgeBody) -> bool| -> Vec<_> {
        model.edges_of_resource(resource.id).filter(|edge| wanted(&edge.body)).map(|edge| edge.id).collect()
    };
    json!({
        "id": resource.id,
        "kind": resource.kind,
        "name": resource.name.as_deref(),
        "location": resource.location.as_deref().map(location),
        "task": resource.task,
        "capacity": resource.capacity,
        "length": resource.length,
        "senders": resource.senders,
        "weak_senders": resource.weak_senders,
        "receivers": resource.receivers,
        "waits": ids(|body| matches!(body, EdgeBody::Wait { .. })),
        "holds": ids(|body| matches!(body, EdgeBody::Hold { .. })),
        "parties": ids(|body| matches!(body, EdgeBody::Party { .. })),
    })
}

fn location(location: &Location) -> Value {
    json!({
        "file": location.place.file,
        "line": location.place.line,
        "column": location.place.column,
        "source": location.source,
    })
}
