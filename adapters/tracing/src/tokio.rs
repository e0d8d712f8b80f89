//! The tasks of tokio's own spans.

use crate::fields::{PlaceFields, each};
use insight_probe::{Capability, TaskKind};
use insight_probe::{Executor, Parent, RawMeta, RawTask, is_observed_spawn, report_capability, report_executor};
use std::sync::Once;
use tracing_core::Event;
use tracing_core::span::{Attributes, Id};

/// The spans do not name tokio's version.
static TOKIO: Executor = Executor::new("tokio", "unknown", || None);

/// The task of a span `runtime.spawn`. `None` if another adapter records the task, or if it is not the program's.
pub(crate) fn spawned(attributes: &Attributes<'_>) -> Option<RawTask> {
    let mut place = PlaceFields::default();
    let (mut kind, mut name, mut function) = (TaskKind::Task, None, None);
    let (mut id, mut bytes, mut original_bytes) = (None, None, None);
    attributes.record(&mut each(|field, value| match field {
        "kind" => kind = value.text().map_or(TaskKind::Task, TaskKind::from),
        "task.name" => name = value.text().map(str::to_owned),
        "task.id" => id = value.number(),
        "size.bytes" => bytes = value.number(),
        "original_size.bytes" => original_bytes = value.number(),
        "fn" => function = value.text().map(str::to_owned),
        _ => place.take(field.strip_prefix("loc.").unwrap_or(""), value),
    }));
    let place = place.place();
    // Called for every spawn, so that the thread's mark is always taken.
    if is_observed_spawn(&[bytes, original_bytes], place.as_ref()) {
        return None;
    }
    // r[tracing.tokio.workers]: a thread of the runtime itself, which runs all the other tasks.
    if function.as_deref().is_some_and(|function| function.starts_with("tokio::runtime::")) {
        return None;
    }
    static ANNOUNCED: Once = Once::new();
    ANNOUNCED.call_once(|| {
        // r[tracing.tokio.unseen]: no capability of a resource, since tokio does not report some resources of each
        // kind.
        report_capability(Capability::Tasks);
        report_capability(Capability::TaskTimes);
        report_executor(&TOKIO);
    });
    Some(RawTask::spawned(RawMeta {
        executor: &TOKIO,
        kind,
        name: name.as_deref(),
        type_name: function.as_deref(),
        place,
        parent: Parent::Current,
        executor_task_id: id,
        future_bytes: original_bytes.or(bytes),
        partial: false,
    }))
}

/// The result in an event `poll_op`.
pub(crate) fn is_ready(event: &Event<'_>) -> Option<bool> {
    let mut ready = None;
    event.record(&mut each(|field, value| {
        if field == "is_ready" {
            ready = value.flag();
        }
    }));
    ready
}

/// The span of the woken task. `None` if the event is about another waker.
pub(crate) fn woken_span(event: &Event<'_>) -> Option<Id> {
    let (mut woken, mut span) = (false, None);
    event.record(&mut each(|field, value| match field {
        "op" => woken = matches!(value.text(), Some("waker.wake" | "waker.wake_by_ref")),
        "task.id" => span = value.number().filter(|id| *id != 0).map(Id::from_u64),
        _ => {}
    }));
    span.filter(|_| woken)
}
