//! The journal of a test program at detail `operations`, as text.

use crate::{Bench, NEVER, bench_with};
use insight_probe::RecorderConfig;
use insight_protocol::{Detail, Message, ResourceId, TaskId, TaskOperation};
use std::collections::BTreeMap;

/// Runs `program`, and compares its journal with the lines of [`journal`]. All tests of a process that call it record at detail
/// `operations`.
///
/// # Panics
///
/// Panics if the journal is another one.
pub fn check_journal(program: impl FnOnce(), expect: &[&str]) {
    let mut bench = bench_with(|| {
        let config = RecorderConfig { detail: Detail::Operations, ..RecorderConfig::default() };
        Bench::start(config, NEVER)
    });
    assert_eq!(bench.recorder.header().detail, Detail::Operations);
    program();
    bench.sample();
    let actual = journal(&bench.messages);
    assert_eq!(actual, expect, "\n{}\n", actual.join("\n"));
}

/// One line for each event: the task, the event, the operation or hold, and the rest.
///
/// Tasks are `a`, `b` and so on, in the order of their spawns, and `-` if none; operations and holds are numbered in the order of
/// their begins. So the lines are the same for each run.
pub fn journal(messages: &[Message]) -> Vec<String> {
    let mut names = Names::default();
    messages.iter().filter_map(|message| names.line(message)).collect()
}

#[derive(Default)]
struct Names {
    tasks: BTreeMap<TaskId, char>,
    resources: BTreeMap<ResourceId, String>,
    operations: Vec<u64>,
}

impl Names {
    fn line(&mut self, message: &Message) -> Option<String> {
        match message {
            Message::TaskSpawned(task) => {
                let next = (b'a' + self.tasks.len() as u8) as char;
                self.tasks.insert(task.id, next);
                None
            }
            Message::ResourceCreated(resource) => {
                self.resources.insert(resource.id, resource.kind.to_string());
                None
            }
            Message::TaskOperation(operation) => Some(self.event(operation)),
            _ => None,
        }
    }

    fn event(&mut self, event: &TaskOperation) -> String {
        let known = self.operations.iter().position(|id| *id == event.id.0);
        let number = known.unwrap_or_else(|| {
            self.operations.push(event.id.0);
            self.operations.len() - 1
        });
        let mut line = format!("{} {} {}", self.task(event.task), event.event, number + 1);
        let mut add = |word: &str| {
            line.push(' ');
            line.push_str(word);
        };
        if let Some(operation) = &event.operation {
            add(operation.as_str());
        }
        if let Some(joined) = event.joined {
            add(&self.task(Some(joined)).to_string());
        }
        if let Some(resource) = event.resource {
            add(self.resources.get(&resource).map_or("?", String::as_str));
        }
        if let Some(mode) = &event.mode {
            add(mode.as_str());
        }
        if let Some(units) = event.units.filter(|units| *units != 1) {
            add(&format!("x{units}"));
        }
        if let Some(outcome) = &event.outcome {
            add(outcome.as_str());
        }
        line
    }

    fn task(&self, id: Option<TaskId>) -> char {
        id.map_or('-', |id| self.tasks.get(&id).copied().unwrap_or('?'))
    }
}
