use crate::{Edge, EdgeBody, Location, Model, Task, operation};
use std::sync::Arc;

/// Maximum number of tasks that a sentence names.
const MOST_NAMES: usize = 3;

/// `task 7 (reader), spawned at src/main.rs:4,`: the sentence can continue after it.
pub(crate) fn task_at(task: &Task) -> String {
    match &task.origin.location {
        Some(it) => format!("{}, spawned at {}:{},", task.label(), it.place.file, it.place.line),
        None => task.label(),
    }
}

/// `1 task`, `2 tasks`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// ` (src/main.rs:4)`, or an empty text if there is no location.
pub(crate) fn at(location: &Option<Arc<Location>>) -> String {
    location.as_ref().map_or_else(String::new, |it| format!(" ({}:{})", it.place.file, it.place.line))
}

/// `task 1 (a), task 2 (b) and more`.
pub(crate) fn labels(tasks: &[&Task]) -> String {
    let mut names: Vec<String> = tasks.iter().take(MOST_NAMES).map(|task| task.label()).collect();
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
    let at = at(&edge.location);
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

/// `64 KiB`, or `700 bytes`.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_024 => format!("{count} bytes"),
        1_024..1_048_576 => format!("{} KiB", count >> 10),
        _ => format!("{} MiB", count >> 20),
    }
}
