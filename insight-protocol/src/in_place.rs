//! Writes and reads the most frequent types of lines, with each field at its usual place.
//!
//! serde accepts fields in any order, so it has to compare each name, and to search each name for characters to escape. For
//! the first snapshot of many tasks, this takes most of the time. Here the names are known. A line with any difference is
//! left to serde, which also reports its errors.

use crate::*;
use serde::Serialize;

/// Appends the message as serde would, without its number and its opening brace. Returns `false` for types left to serde.
pub(crate) fn write(out: &mut Vec<u8>, message: &Message) -> bool {
    match message {
        Message::TaskSpawned(m) => {
            text(out, "\"type\":\"task.spawned\",\"id\":", m.id);
            text(out, ",\"kind\":", &m.kind);
            text_if(out, ",\"name\":", m.name);
            text_if(out, ",\"location\":", m.location);
            text_if(out, ",\"parent\":", m.parent);
            text_if(out, ",\"executor\":", m.executor);
            text_if(out, ",\"executor_task_id\":", m.executor_task_id);
            text_if(out, ",\"future_bytes\":", m.future_bytes);
            text_if(out, ",\"partial\":", m.partial.then_some(true));
            text(out, ",\"at_ns\":", m.at_ns);
        }
        Message::TaskStats(m) => {
            text(out, "\"type\":\"task.stats\",\"id\":", m.id);
            text_if(out, ",\"state\":", m.state);
            text(out, ",\"since_ns\":", m.since_ns);
            text(out, ",\"polls\":", m.polls);
            text(out, ",\"wakes\":", m.wakes);
            text(out, ",\"self_wakes\":", m.self_wakes);
            text_if(out, ",\"woken_by\":", m.woken_by);
            text(out, ",\"running_ns\":", m.running_ns);
            text(out, ",\"scheduled_ns\":", m.scheduled_ns);
            text(out, ",\"idle_ns\":", m.idle_ns);
            text(out, ",\"foreign_wakers\":", m.foreign_wakers);
            text_if(out, ",\"lost_waker\":", m.lost_waker.then_some(true));
            text_if(out, ",\"poll_ns_log2\":", Some(&m.poll_ns_log2).filter(|counts| !counts.is_empty()));
            text(out, ",\"at_ns\":", m.at_ns);
        }
        Message::TaskCompleted(m) => {
            text(out, "\"type\":\"task.completed\",\"id\":", m.id);
            text(out, ",\"outcome\":", &m.outcome);
            text_if(out, ",\"panic\":", m.panic.as_ref());
            text(out, ",\"at_ns\":", m.at_ns);
        }
        Message::EdgeWait(m) => {
            text(out, "\"type\":\"edge.wait\",\"id\":", m.id);
            text(out, ",\"task\":", m.task);
            text(out, ",\"resource\":", m.resource);
            text(out, ",\"operation\":", &m.operation);
            text(out, ",\"reason\":", m.reason);
            text(out, ",\"need\":", m.need);
            text_if(out, ",\"transferable\":", m.transferable.then_some(true));
            text_if(out, ",\"location\":", m.location);
            text(out, ",\"since_ns\":", m.since_ns);
        }
        Message::EdgeUpdated(m) => {
            text(out, "\"type\":\"edge.updated\",\"id\":", m.id);
            text_if(out, ",\"polls\":", m.polls);
            text_if(out, ",\"polled\":", m.polled);
            text_if(out, ",\"granted_ns\":", m.granted_ns);
            text(out, ",\"at_ns\":", m.at_ns);
        }
        Message::EdgeClosed(m) => {
            text(out, "\"type\":\"edge.closed\",\"id\":", m.id);
            text_if(out, ",\"outcome\":", m.outcome.as_ref());
            text(out, ",\"at_ns\":", m.at_ns);
        }
        _ => return false,
    }
    out.push(b'}');
    true
}

#[inline]
fn text(out: &mut Vec<u8>, before: &str, value: impl Serialize) {
    out.extend_from_slice(before.as_bytes());
    serde_json::to_writer(out, &value).expect("numbers, words and lists of numbers are JSON");
}

#[inline]
fn text_if(out: &mut Vec<u8>, before: &str, value: Option<impl Serialize>) {
    if let Some(value) = value {
        text(out, before, value);
    }
}

/// Reads the number and the message of a line. Returns `None` for a line that is left to serde.
pub(crate) fn read(line: &str) -> Option<(u64, Message)> {
    let mut line = Line(line);
    line.skip("{\"seq\":")?;
    let seq = line.number()?;
    line.skip(",\"type\":")?;
    let message = match line.word()? {
        "task.spawned" => line.task_spawned()?.into(),
        "task.stats" => line.task_stats()?.into(),
        "task.completed" => line.task_completed()?.into(),
        "edge.wait" => line.edge_wait()?.into(),
        "edge.updated" => line.edge_updated()?.into(),
        "edge.closed" => line.edge_closed()?.into(),
        _ => return None,
    };
    (line.0 == "}").then_some((seq, message))
}

/// Maximum number of entries in the histogram of polls: one for each bit of a number.
const MOST_COUNTS: usize = 64;

/// The rest of a line.
struct Line<'a>(&'a str);

/// Reads a required field.
macro_rules! field {
    ($line:ident.$read:ident($name:literal)) => {{
        $line.skip(concat!(",\"", $name, "\":"))?;
        $line.$read()?
    }};
}

/// Reads a field if it is the next one.
macro_rules! optional {
    ($line:ident.$read:ident($name:literal)) => {
        match $line.skip(concat!(",\"", $name, "\":")) {
            Some(()) => Some($line.$read()?),
            None => None,
        }
    };
}

impl<'a> Line<'a> {
    #[inline]
    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// r[number.range]
    #[inline]
    fn number(&mut self) -> Option<u64> {
        let bytes = self.0.as_bytes();
        let (mut number, mut count) = (0u64, 0);
        // A number with more digits is too large.
        while let Some(digit @ b'0'..=b'9') = bytes.get(count) {
            if count > 16 {
                break;
            }
            number = number * 10 + u64::from(digit - b'0');
            count += 1;
        }
        let is_one = count == 1 || count > 1 && bytes[0] != b'0';
        self.0 = &self.0[count..];
        (is_one && number <= MAX_NUMBER).then_some(number)
    }

    /// r[id.range]
    #[inline]
    fn id(&mut self) -> Option<u64> {
        self.number().filter(|id| *id != 0)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.skip("true") {
            Some(()) => Some(true),
            None => self.skip("false").map(|()| false),
        }
    }

    /// Reads a string without escapes and without characters that need one.
    #[inline]
    fn word(&mut self) -> Option<&'a str> {
        let text = self.0.strip_prefix('"')?;
        let end = text.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' '))?;
        let (word, rest) = text.split_at(end);
        self.0 = rest.strip_prefix('"')?;
        Some(word)
    }

    fn state(&mut self) -> Option<TaskState> {
        Some(match self.word()? {
            "running" => TaskState::Running,
            "scheduled" => TaskState::Scheduled,
            "idle" => TaskState::Idle,
            "completed" => TaskState::Completed,
            _ => return None,
        })
    }

    fn counts(&mut self) -> Option<Vec<u64>> {
        let mut counts = [0; MOST_COUNTS];
        let mut count = 0;
        self.skip("[")?;
        loop {
            *counts.get_mut(count)? = self.number()?;
            count += 1;
            if self.skip(",").is_none() {
                break;
            }
        }
        self.skip("]")?;
        Some(counts[..count].to_vec())
    }

    fn task_spawned(&mut self) -> Option<TaskSpawned> {
        Some(TaskSpawned {
            id: TaskId(field!(self.id("id"))),
            kind: field!(self.word("kind")).into(),
            name: optional!(self.id("name")).map(StringId),
            location: optional!(self.id("location")).map(LocationId),
            parent: optional!(self.id("parent")).map(TaskId),
            executor: optional!(self.id("executor")).map(StringId),
            executor_task_id: optional!(self.number("executor_task_id")),
            future_bytes: optional!(self.number("future_bytes")),
            partial: optional!(self.flag("partial")).unwrap_or(false),
            at_ns: field!(self.number("at_ns")),
        })
    }

    fn task_stats(&mut self) -> Option<TaskStats> {
        Some(TaskStats {
            id: TaskId(field!(self.id("id"))),
            state: optional!(self.state("state")),
            since_ns: field!(self.number("since_ns")),
            polls: field!(self.number("polls")),
            wakes: field!(self.number("wakes")),
            self_wakes: field!(self.number("self_wakes")),
            woken_by: optional!(self.id("woken_by")).map(TaskId),
            running_ns: field!(self.number("running_ns")),
            scheduled_ns: field!(self.number("scheduled_ns")),
            idle_ns: field!(self.number("idle_ns")),
            foreign_wakers: field!(self.number("foreign_wakers")),
            lost_waker: optional!(self.flag("lost_waker")).unwrap_or(false),
            poll_ns_log2: optional!(self.counts("poll_ns_log2")).unwrap_or_default(),
            at_ns: field!(self.number("at_ns")),
        })
    }

    fn task_completed(&mut self) -> Option<TaskCompleted> {
        Some(TaskCompleted {
            id: TaskId(field!(self.id("id"))),
            outcome: field!(self.word("outcome")).into(),
            panic: optional!(self.word("panic")).map(str::to_owned),
            at_ns: field!(self.number("at_ns")),
        })
    }

    fn edge_wait(&mut self) -> Option<EdgeWait> {
        Some(EdgeWait {
            id: EdgeId(field!(self.id("id"))),
            task: TaskId(field!(self.id("task"))),
            resource: ResourceId(field!(self.id("resource"))),
            operation: field!(self.word("operation")).into(),
            reason: StringId(field!(self.id("reason"))),
            need: field!(self.number("need")),
            transferable: optional!(self.flag("transferable")).unwrap_or(false),
            location: optional!(self.id("location")).map(LocationId),
            since_ns: field!(self.number("since_ns")),
        })
    }

    fn edge_updated(&mut self) -> Option<EdgeUpdated> {
        Some(EdgeUpdated {
            id: EdgeId(field!(self.id("id"))),
            polls: optional!(self.number("polls")),
            polled: optional!(self.flag("polled")),
            granted_ns: optional!(self.number("granted_ns")),
            at_ns: field!(self.number("at_ns")),
        })
    }

    fn edge_closed(&mut self) -> Option<EdgeClosed> {
        Some(EdgeClosed {
            id: EdgeId(field!(self.id("id"))),
            outcome: optional!(self.word("outcome")).map(Into::into),
            at_ns: field!(self.number("at_ns")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use crate::examples::examples;
    use crate::{EdgeWait, Message, Operation, TaskKind, TaskSpawned, TaskStats, encode};

    /// A test of `decode` checks that all other lines are read as by serde.
    #[test]
    fn lines_of_serde_are_written_and_read() {
        let often = ["task.spawned", "task.stats", "task.completed", "edge.wait", "edge.updated", "edge.closed"];
        let lost = TaskStats { lost_waker: true, poll_ns_log2: vec![u64::MAX; 64], ..TaskStats::default() };
        for message in examples().into_iter().chain([lost.into()]) {
            let by_serde = serde_json::to_string(&message).unwrap();
            let mut line = b"{".to_vec();
            let written = write(&mut line, &message);
            assert_eq!(written, often.contains(&message.type_name()), "{by_serde}");
            if written {
                assert_eq!(String::from_utf8(line).unwrap(), by_serde);
            }
            let line = encode(3, &message);
            assert_eq!(line, format!("{{\"seq\":3,{}", &by_serde[1..]));
            // A wrong id or number is left to serde, which reports it.
            let expect = (written && crate::decode(&line).is_ok()).then_some((3, message));
            assert_eq!(read(&line), expect, "{line}");
        }
    }

    #[test]
    fn word_of_an_extension_is_escaped() {
        let kind = TaskKind::Other("a \"kind\"\n\\".into());
        let operation = Operation::Other("\u{1}\u{7f}ä".into());
        let wait: Message = serde_json::from_str::<EdgeWait>(
            r#"{"id":1,"task":1,"resource":1,"operation":"","reason":1,"need":1,"since_ns":1}"#,
        )
        .map(|wait| EdgeWait { operation, ..wait }.into())
        .unwrap();
        for message in [TaskSpawned { kind, ..TaskSpawned::default() }.into(), wait] {
            let by_serde = serde_json::to_string(&message).unwrap();
            assert_eq!(encode(3, &message), format!("{{\"seq\":3,{}", &by_serde[1..]));
        }
    }
}
