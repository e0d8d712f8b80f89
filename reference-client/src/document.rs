//! Tasks, resources and problems as one JSON document. Names are the protocol's; times are nanoseconds of the
//! program's clock.

use crate::views::Scene;
use crate::views::task_list::TaskList;
use crate::words::{self, FreersOf};
use insight_model::{
    Awaits, ByOther, Edge, EdgeBody, EndedTask, Frame, KnownAwaits, Leaf, Lines, Location, Model, ObservedTasks,
    Resource, Task,
};
use insight_protocol::Operation;
use insight_reader::JsonWriter;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes the document, indented, with a newline at its end. It is never whole in memory: there may be a million tasks.
pub fn write(scene: &Scene, output: &mut dyn Write) -> io::Result<()> {
    let model = scene.model();
    let mut list = TaskList::default();
    list.sort_again(scene);
    let freers = FreersOf::new(model);
    let losses = &scene.snapshot.losses;
    let document = Document {
        coverage: coverage(model, &list.observed),
        ended_tasks: Each(&|each| {
            let mut tasks = model.ended_tasks.newest_first().into_iter();
            tasks.try_for_each(|value| each(Item::of(ended_task(value))))
        }),
        header: json!(model.header),
        losses: json!({
            "bad_lines": losses.bad_lines,
            "cut": losses.cut,
            "facts_not_kept": losses.facts,
            "names_not_kept": losses.names,
            "unknown_messages": losses.unknown_messages,
            "missing_messages": losses.missing_messages,
            "gap_count": scene.snapshot.gap_count(),
        }),
        now_ns: model.now_ns,
        problems: Each(&|each| model.problems().problems.iter().try_for_each(|problem| each(Item::of(json!(problem))))),
        resources: Each(&|each| model.resources.values().try_for_each(|value| each(Item::of(resource(model, value))))),
        tasks: Each(&|each| {
            let mut tasks = list.order().iter().filter_map(|id| model.tasks.get(id));
            tasks.try_for_each(|value| task(model, &freers, value, each))
        }),
    };
    // r[security.control-characters]
    serde_json::to_writer_pretty(JsonWriter(&mut *output), &document)?;
    output.write_all(b"\n")
}

/// The document as a string.
#[cfg(test)]
pub fn json(scene: &Scene) -> String {
    let mut text = Vec::new();
    write(scene, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[derive(Serialize)]
struct Document<'a> {
    coverage: Value,
    ended_tasks: Each<'a>,
    header: Value,
    losses: Value,
    now_ns: u64,
    problems: Each<'a>,
    resources: Each<'a>,
    tasks: Each<'a>,
}

/// An array whose values are made one after another, each when the one before it is written.
struct Each<'a>(&'a dyn Fn(&mut Take) -> Result<(), Stop>);

/// Takes an item.
type Take<'t> = dyn FnMut(Item<'_>) -> Result<(), Stop> + 't;

/// A value. The fields in `arrays` are made while they are written: one task may hold a million permits.
struct Item<'a> {
    value: Value,
    arrays: &'a [(&'static str, Each<'a>)],
}

impl Item<'_> {
    fn of(value: Value) -> Item<'static> {
        Item { value, arrays: &[] }
    }
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (Value::Object(fields), [_, ..]) = (&self.value, self.arrays) else {
            return self.value.serialize(serializer);
        };
        let mut map = serializer.serialize_map(Some(fields.len()))?;
        for (name, value) in fields {
            match self.arrays.iter().find(|(array, _)| array == name) {
                Some((_, array)) => map.serialize_entry(name, array)?,
                None => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

/// No more values shall be made.
struct Stop;

impl Serialize for Each<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_seq(None)?;
        let mut outcome = Ok(());
        let _ = (self.0)(&mut |item| {
            outcome = array.serialize_element(&item);
            if outcome.is_ok() { Ok(()) } else { Err(Stop) }
        });
        outcome?;
        array.end()
    }
}

/// The coverage of the stream, the number of observed tasks, and the line of the screens.
fn coverage(model: &Model, observed: &ObservedTasks) -> Value {
    let mut value = json!(model.coverage);
    for executor in value["executors"].as_array_mut().into_iter().flatten() {
        executor["observed_tasks"] = json!(executor["name"].as_str().map(|name| observed.by(name)));
    }
    json!({ "said": value, "text": model.coverage_text(observed), "why_empty": model.why_empty() })
}

fn task(model: &Model, freers: &FreersOf, task: &Task, each: &mut Take) -> Result<(), Stop> {
    let edges = |wanted: fn(&EdgeBody) -> bool, each: &mut Take| {
        let mut edges = model.edges_of_task(task.id).filter(|edge| wanted(&edge.body));
        edges.try_for_each(|value| each(Item::of(edge(model, freers, value))))
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
    let value = json!({
        "id": task.id,
        "kind": task.origin.kind,
        "name": task.origin.name.as_deref(),
        "shown_name": model.task_name(task).map(|name| name.to_string()),
        "awaits": model.awaits(task.id).map(|known| awaits(model, task, known)),
        "state": task.state(),
        "since_ns": task.since_ns(),
        "partial": task.origin.partial,
        "outcome": task.outcome(),
        "location": task.origin.location.as_deref().map(location),
        "parent": task.parent(),
        "executor": task.origin.executor.as_deref(),
        "executor_task_id": task.executor_task_id(),
        "future_bytes": task.origin.future_bytes,
        "spawned_ns": task.spawned_ns,
        "times": times,
        "polls": stats.map(|stats| stats.polls),
        "wakes": stats.map(|stats| stats.wakes),
        "self_wakes": stats.map(|stats| stats.self_wakes),
        "woken_by": stats.and_then(|stats| stats.woken_by),
        "foreign_wakers": stats.map(|stats| stats.foreign_wakers),
        "waits": null,
        "holds": null,
        "parties": null,
    });
    let arrays = [
        (
            "waits",
            Each(&|each| {
                let mut waits = model.waits_of_task(task.id).into_iter();
                waits.try_for_each(|value| each(Item::of(edge(model, freers, value))))
            }),
        ),
        ("holds", Each(&|each| edges(|body| matches!(body, EdgeBody::Hold { .. }), each))),
        ("parties", Each(&|each| edges(|body| matches!(body, EdgeBody::Party { .. }), each))),
    ];
    each(Item { value, arrays: &arrays })
}

fn ended_task(task: &EndedTask) -> Value {
    json!({
        "id": task.id,
        "kind": task.origin.kind,
        "name": task.origin.name.as_deref(),
        "outcome": task.outcome,
        "panic": task.panic.as_deref(),
        "partial": task.origin.partial,
        "location": task.origin.location.as_deref().map(location),
        "parent": task.parent(),
        "executor": task.origin.executor.as_deref(),
        "executor_task_id": task.executor_task_id(),
        "future_bytes": task.origin.future_bytes,
        "spawned_ns": task.spawned_ns,
        "ended_ns": task.ended_ns,
    })
}

/// `as_in` is the task that represents this one.
fn awaits(model: &Model, task: &Task, known: KnownAwaits) -> Value {
    let KnownAwaits { awaits: Awaits { polls, leaves, more, complete, at_ns, task: of, .. }, represents } = known;
    let frame = |frame: &Frame| {
        json!({
            "function": frame.function.as_deref(),
            "location": frame.location.as_deref().map(location),
            "kind": frame.kind,
        })
    };
    let leaf = |leaf: &Leaf| {
        json!({
            "edge": leaf.edge,
            "function": leaf.function.as_deref(),
            "frames": leaf.frames.iter().map(frame).collect::<Vec<_>>(),
            "cut": leaf.cut,
            "lines": if leaf.edge.is_none() { lines(&model.lines_of_await(task.id, leaf)) } else { Value::Null },
        })
    };
    json!({
        "polls": polls,
        "leaves": leaves.iter().map(leaf).collect::<Vec<_>>(),
        "more": more,
        "complete": complete,
        "as_in": represents.then_some(of),
        "at_ns": at_ns,
    })
}

/// The program's own line first, and the library's line second.
fn lines(lines: &Lines) -> Value {
    json!({
        "first": lines.first.map(location),
        "function": lines.function,
        "inside": lines.inside,
        "library": lines.library.map(location),
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
        EdgeBody::Wait { operation, reason, need, transferable } => {
            let waiter = edge.waiter();
            value["operation"] = json!(operation);
            value["reason"] = json!(**reason);
            value["need"] = json!(need);
            value["transferable"] = json!(transferable);
            value["polls"] = json!(waiter.polls);
            value["polled"] = json!(waiter.polled);
            value["granted_ns"] = json!(waiter.granted_ns);
            value["lines"] = lines(&model.lines_of_wait(edge));
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

/// Maximum number of tasks in the list of a wait. The parties and holds of the resource have all.
const FREERS: usize = 100;

fn freed_by(freers: &FreersOf, resource: &Resource, operation: &Operation) -> Value {
    let freers = freers.freers(resource, operation);
    let tasks: Vec<_> = freers.known.iter().take(FREERS).map(|freer| freer.task).collect();
    let more = freers.known.len() - tasks.len();
    let other = |by: &ByOther| match by.count {
        Some(count) => json!({ "reason": by.reason.as_str(), "count": count }),
        None => json!({ "reason": by.reason.as_str() }),
    };
    let others: Vec<_> = freers.others.iter().map(other).collect();
    json!({
        "tasks": tasks,
        "more": more,
        "unknown": freers.unknown,
        "unknown_what": words::unknown_freers(&freers),
        "others": others,
    })
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
