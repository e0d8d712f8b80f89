use crate::location::line;
use crate::{Edge, EdgeBody, Location, Model, Task, operation};
use insight_protocol::TaskId;
use std::sync::Arc;

/// Maximum number of tasks that a sentence names.
const MOST_NAMES: usize = 3;

/// `task 7 (reader), spawned at src/main.rs:4,`: the sentence can continue after it.
pub(crate) fn task_at(model: &Model, task: &Task) -> String {
    let label = model.task_label(task.id);
    match &task.origin.location {
        Some(it) => format!("{label}, spawned at {},", line(&it.place)),
        None => label,
    }
}

/// `1 task`, `2 tasks`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// ` (src/main.rs:4)`, or an empty text if there is no location.
pub(crate) fn at(location: &Option<Arc<Location>>) -> String {
    location.as_ref().map_or_else(String::new, |it| format!(" ({})", it.line()))
}

/// `` (`shop::order` at src/main.rs:9, inside `deadpool::managed::Pool::get`)`` with a space before: the lines of a wait, the
/// program's own line first. An empty text if no line is known.
pub(crate) fn wait_at(model: &Model, edge: &Edge) -> String {
    let name = model.tasks.get(&edge.task).and_then(|task| model.task_name(task)).map(|name| name.name);
    match model.lines_of_wait(edge).words(name) {
        lines if lines.is_empty() => lines,
        lines => format!(" ({lines})"),
    }
}

/// `` for `tokio::net::TcpStream::read` (src/main.rs:9)``: the words after `waits`, for the first await that is no observed wait.
pub(crate) fn awaited(model: &Model, task: TaskId) -> Option<String> {
    let leaf = model.other_awaits(task).next()?;
    let name = model.tasks.get(&task).and_then(|task| model.task_name(task)).map(|name| name.name);
    match (leaf.awaited(), model.lines_of_await(task, leaf)) {
        (Some(awaited), lines) => {
            // The name of the awaited function is enough.
            let lines = crate::Lines { inside: None, ..lines }.words(name);
            let at = if lines.is_empty() { lines } else { format!(" ({lines})") };
            Some(format!("for {awaited}{at}"))
        }
        (None, lines) => {
            let function = lines.function.filter(|function| name.is_none_or(|name| !name.contains(function)));
            let word = if function.is_some() { "in" } else { "at" };
            lines.first.is_some().then(|| format!("{word} {}", lines.words(name)))
        }
    }
}

/// The words after `waits`, for the longest wait of a task, or else for an await that is no observed wait.
pub(crate) fn first_wait(model: &Model, task: TaskId) -> Option<String> {
    let wait = model.waits_of_task(task).first().map(|edge| wait(model, edge));
    wait.or_else(|| awaited(model, task))
}

/// `task 1 (a), task 2 (b) and more`.
pub(crate) fn labels(model: &Model, tasks: &[&Task]) -> String {
    let mut names: Vec<String> = tasks.iter().take(MOST_NAMES).map(|task| model.task_label(task.id)).collect();
    if tasks.len() > MOST_NAMES {
        names.push("more".to_owned());
    }
    match names.pop() {
        None => String::new(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
    }
}

/// ``to lock mutex `ledger` (src/main.rs:9)``: the words after `waits`.
pub(crate) fn wait(model: &Model, edge: &Edge) -> String {
    let resource = model.resource_label(edge.resource);
    let at = wait_at(model, edge);
    let EdgeBody::Wait { operation, .. } = &edge.body else { return format!("on {resource}{at}") };
    operation::of(operation).waits.replace("{}", &resource) + &at
}

/// `1 s`, `2.5 s`, `100 ms`, `10 µs`: one decimal at most.
pub(crate) fn span(ns: u64) -> String {
    let of = |unit: u64, name: &str| {
        let tenths = ns / (unit / 10);
        match (tenths / 10, tenths % 10) {
            (whole, 0) => format!("{whole} {name}"),
            (whole, tenth) => format!("{whole}.{tenth} {name}"),
        }
    };
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => of(1_000, "µs"),
        1_000_000..1_000_000_000 => of(1_000_000, "ms"),
        _ => of(1_000_000_000, "s"),
    }
}

/// `12:03:07 UTC`, or `second 3.5` of the stream if it has no wall clock.
pub(crate) fn time(model: &Model, at_ns: u64) -> String {
    match model.clock.or(model.header.as_ref().map(|header| header.clock)) {
        Some(clock) if clock.wall_anchor_unix_ms > 0 => {
            let seconds = (clock.wall_anchor_unix_ms + at_ns / 1_000_000) / 1_000;
            format!("{:02}:{:02}:{:02} UTC", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
        }
        _ => format!("second {:.1}", at_ns as f64 / 1e9),
    }
}

/// `64 KiB`, or `700 bytes`.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_024 => format!("{count} bytes"),
        1_024..1_048_576 => format!("{} KiB", count >> 10),
        _ => format!("{} MiB", count >> 20),
    }
}
