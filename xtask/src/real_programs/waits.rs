//! The names and lines of the tasks that wait for long.

use insight_model::{Lines, Model, Task};
use insight_protocol::{TaskId, TaskState};
use std::collections::BTreeMap;
use std::fmt;

/// Time after which a wait counts, in nanoseconds.
const LONG_NS: u64 = 1_000_000_000;
/// Time within which insight names a wait, from its begin, in nanoseconds. A wait that ends between both times without a name
/// does not count: its capture was under way.
const NAMED_NS: u64 = 3_000_000_000;
/// Minimum part of the tasks that must have a name and a line, in percent.
const PART: usize = 95;
/// Maximum number of tasks that a failure lists.
const LISTED: usize = 10;

/// The tasks that waited for long, each with a text if it has no name or no line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Waits {
    tasks: BTreeMap<TaskId, Option<String>>,
}

impl Waits {
    /// Adds the tasks that wait at this time. A task that was named once counts as named.
    pub fn look(&mut self, model: &Model, now_ns: u64) {
        let waited = |task: &Task| now_ns.saturating_sub(task.since_ns());
        let long = |task: &&Task| task.state() == Some(TaskState::Idle) && waited(task) > LONG_NS;
        for task in model.tasks.values().filter(long) {
            let is_named = self.tasks.get(&task.id).is_some_and(Option::is_none);
            let missing = missing_parts(model, task);
            if !is_named && (missing.is_none() || waited(task) > NAMED_NS) {
                self.tasks.insert(task.id, missing);
            }
        }
    }

    fn named(&self) -> usize {
        self.tasks.values().filter(|missing| missing.is_none()).count()
    }

    /// A text if too few tasks are named.
    pub fn failure(&self) -> Option<String> {
        if self.named() * 100 >= self.tasks.len() * PART {
            return None;
        }
        let missing: Vec<&str> = self.tasks.values().flatten().take(LISTED).map(String::as_str).collect();
        Some(format!("only {self} waiting tasks have a name and a line; not {}", missing.join(", ")))
    }
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.named(), self.tasks.len())
    }
}

/// The parts that a task lacks. `None` if it has a name and a line.
fn missing_parts(model: &Model, task: &Task) -> Option<String> {
    let waits = model.edges_of_task(task.id).filter(|edge| edge.body.kind() == "wait");
    let of_waits = waits.map(|edge| model.lines_of_wait(edge));
    let others = model.other_awaits(task.id).map(|leaf| model.lines_of_await(task.id, leaf));
    // Without the awaits, an operation of a library hides the program's own line.
    let has_awaits = model.awaits(task.id).is_some();
    let is_line = |Lines { first, .. }: Lines<'_>| first.is_some_and(|at| has_awaits || at.library().is_none());
    let has_line = of_waits.chain(others).any(is_line);
    let missing = match (model.task_name(task).is_some(), has_line) {
        (true, true) => return None,
        (true, false) if has_awaits => "no line in its awaits",
        (true, false) => "no line and no awaits",
        (false, true) => "no name",
        (false, false) => "no name and no line",
    };
    Some(format!("{} ({missing})", model.task_label(task.id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use insight_protocol::{Decoded, decode};

    #[test]
    fn long_wait_without_a_name_or_a_line_is_counted() {
        let lines = [
            r#"{"seq":1,"type":"define.string","id":1,"text":"shop::order"}"#,
            r#"{"seq":2,"type":"define.location","id":1,"file":"src/main.rs","line":9,"column":5}"#,
            r#"{"seq":3,"type":"task.spawned","id":1,"kind":"task","name":1,"location":1,"at_ns":0}"#,
            r#"{"seq":4,"type":"task.spawned","id":2,"kind":"task","at_ns":0}"#,
            r#"{"seq":5,"type":"task.stats","id":1,"state":"idle","since_ns":5,"polls":1,"wakes":0,"self_wakes":0,"running_ns":0,"scheduled_ns":0,"idle_ns":0,"foreign_wakers":1,"at_ns":9}"#,
            r#"{"seq":6,"type":"task.stats","id":2,"state":"idle","since_ns":5,"polls":1,"wakes":0,"self_wakes":0,"running_ns":0,"scheduled_ns":0,"idle_ns":0,"foreign_wakers":1,"at_ns":9}"#,
            r#"{"seq":7,"type":"task.awaits","id":1,"polls":1,"awaits":[{"frames":[{"function":1,"location":1,"kind":"own"}]}],"more":0,"complete":true,"at_ns":9}"#,
        ];
        let (mut model, mut waits) = (Model::default(), Waits::default());
        let check = |waits: &Waits, expect: &str, failure: Option<&str>| {
            assert_eq!((waits.to_string().as_str(), waits.failure().as_deref()), (expect, failure));
        };
        let mut apply = |lines: &[&str], waits: &mut Waits, now_ns| {
            for line in lines {
                let Ok(Decoded::Message { message, .. }) = decode(line) else { panic!("{line}") };
                model.apply(&message);
            }
            waits.look(&model, now_ns);
        };
        apply(&lines[..6], &mut waits, LONG_NS);
        check(&waits, "0 of 0", None);
        apply(&[], &mut waits, 6 + LONG_NS);
        check(&waits, "0 of 0", None);
        apply(&[], &mut waits, 6 + NAMED_NS);
        let missing = "only 0 of 2 waiting tasks have a name and a line; not \
                       task 1 (shop::order) (no line and no awaits), task 2 (no name and no line)";
        check(&waits, "0 of 2", Some(missing));
        apply(&lines[6..], &mut waits, 7 + NAMED_NS);
        let missing = "only 1 of 2 waiting tasks have a name and a line; not task 2 (no name and no line)";
        check(&waits, "1 of 2", Some(missing));
    }
}
