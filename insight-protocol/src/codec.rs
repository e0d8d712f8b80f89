use crate::Message;
use serde::Deserialize;
use std::borrow::Cow;
use std::fmt;

/// What a line is.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// A message of a type that this version names.
    Message {
        /// Its number in the stream.
        seq: u64,
        /// The message.
        message: Message,
    },
    /// A message of a later version or of an extension: to be kept or passed over, not an error.
    Unknown {
        /// Its number in the stream.
        seq: u64,
        /// Its `type`.
        type_name: String,
        /// The whole line.
        line: String,
    },
}

/// A line that is not a message. The stream goes on with the next line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not a JSON object with a string `type` and a number `seq`.
    NotAMessage {
        /// What the JSON reader said.
        reason: String,
        /// The column, from 1.
        column: usize,
    },
    /// A known type with a field that is missing, twice there, or of the wrong kind.
    Malformed {
        /// The `type`.
        type_name: String,
        /// What the JSON reader said.
        reason: String,
        /// The column, from 1.
        column: usize,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::NotAMessage { reason, column } => {
                write!(f, "not a message: {reason} (column {column})")
            }
            DecodeError::Malformed { type_name, reason, column } => {
                write!(f, "malformed `{type_name}`: {reason} (column {column})")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    type_name: Cow<'a, str>,
    seq: u64,
}

/// Decodes one line, with or without its end.
pub fn decode(line: &str) -> Result<Decoded, DecodeError> {
    let line = line.trim_end_matches(['\n', '\r']);
    if !line.trim_start().starts_with('{') {
        // serde would take an array for a struct.
        return Err(DecodeError::NotAMessage { reason: "expected a JSON object".to_owned(), column: 1 });
    }
    let envelope: Envelope = serde_json::from_str(line)
        .map_err(|error| DecodeError::NotAMessage { reason: reason(&error), column: error.column() })?;
    match Message::from_json(&envelope.type_name, line) {
        Some(Ok(message)) => Ok(Decoded::Message { seq: envelope.seq, message }),
        Some(Err(error)) => Err(DecodeError::Malformed {
            type_name: envelope.type_name.into_owned(),
            reason: reason(&error),
            column: error.column(),
        }),
        None => Ok(Decoded::Unknown {
            seq: envelope.seq,
            type_name: envelope.type_name.into_owned(),
            line: line.to_owned(),
        }),
    }
}

/// serde_json's text without its "at line 1 column 7": a message is one line, and the column stands in the error.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

/// The message as JSON without its number and its opening brace: what the streams of several clients share.
pub fn body(message: &Message) -> String {
    let json = serde_json::to_string(message).expect("a message has string keys and finite numbers only");
    json[1..].to_owned()
}

/// A line, without its end, from a message's number and its [`body`].
pub fn line(seq: u64, body: &str) -> String {
    format!("{{\"seq\":{seq},{body}")
}

/// The message as one line, without its end.
pub fn encode(seq: u64, message: &Message) -> String {
    line(seq, &body(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::*;

    #[test]
    fn every_type_decodes_to_what_was_encoded() {
        for message in examples() {
            let line = encode(3, &message);
            assert_eq!(decode(&line), Ok(Decoded::Message { seq: 3, message }), "{line}");
        }
        let covered: Vec<&str> = examples().iter().map(Message::type_name).collect();
        assert_eq!(covered, Message::TYPES, "an example of each type, in order");
    }

    #[test]
    fn unknown_is_kept_and_malformed_is_said() {
        let check = |line: &str, expect: &str| {
            let actual = match decode(line) {
                Ok(Decoded::Message { message, .. }) => message.type_name().to_owned(),
                Ok(Decoded::Unknown { type_name, .. }) => format!("unknown {type_name}"),
                Err(error) => error.to_string(),
            };
            assert_eq!(actual, expect, "{line}");
        };
        check(r#"{"type":"task.completed","seq":1,"id":1,"outcome":"returned","at_ns":5}"#, "task.completed");
        check(r#"{"type":"task.completed","seq":1,"id":1,"outcome":"vanished","at_ns":5,"new":[1]}"#, "task.completed");
        check(r#"{"type":"task.dreamt","seq":1,"of":"sheep"}"#, "unknown task.dreamt");
        check("hello", "not a message: expected a JSON object (column 1)");
        check("", "not a message: expected a JSON object (column 1)");
        check(r#"["gap",1]"#, "not a message: expected a JSON object (column 1)");
        check("{]", "not a message: key must be a string (column 2)");
        check(r#"{"seq":1}"#, "not a message: missing field `type` (column 9)");
        check(r#"{"type":"gap","seq":1}"#, "malformed `gap`: missing field `count` (column 22)");
        check(
            r#"{"type":"snapshot.end","seq":1,"at_ns":-1}"#,
            "malformed `snapshot.end`: invalid value: integer `-1`, expected u64 (column 41)",
        );
        check(
            r#"{"type":"snapshot.end","seq":1,"at_ns":1,"at_ns":2}"#,
            "malformed `snapshot.end`: duplicate field `at_ns` (column 48)",
        );
    }

    fn examples() -> Vec<Message> {
        let problem = Problem {
            id: ProblemId(1),
            kind: ProblemKind::Deadlock,
            tier: Tier::Proven,
            title: "deadlock cycle: task 4 waits for itself".into(),
            tasks: vec![ProblemTask { id: TaskId(4), name: Some("pump".into()), location: None }],
            resources: vec![ProblemResource {
                id: ResourceId(2),
                kind: ResourceKind::Channel,
                name: Some("queue".into()),
                location: Some(SourceLocation { file: "src/main.rs".into(), line: 7, column: 3 }),
            }],
            edges: vec![ProblemEdge {
                kind: "wait".into(),
                task: TaskId(4),
                resource: ResourceId(2),
                operation: Some(Operation::Send),
                reason: "waiting on channel capacity".into(),
                location: None,
                since_ns: 9,
            }],
            unknowns: vec![],
            explanation: vec!["`pump` waits to send to `queue`.".into()],
            advice: "Receive before sending.".into(),
            docs: "/docs/deadlock".into(),
            since_ns: 9,
        };
        vec![
            StreamHeader {
                protocol: PROTOCOL_VERSION.into(),
                session: "f00".into(),
                process: Process { pid: 1, name: "barbara".into(), working_directory: None },
                executors: vec![Executor { name: "tokio".into(), version: "1.54".into() }],
                clock: Clock { wall_anchor_unix_ms: 1_700_000_000_000 },
                detail: Detail::Structure,
                interval_ms: 100,
                capabilities: vec![Capability::Tasks, Capability::Other("com.example.x".into())],
                extensions: vec![],
                at_ns: 0,
            }
            .into(),
            StreamHeartbeat { at_ns: 1 }.into(),
            DefineString { id: StringId(1), text: "naïve \"name\"".into() }.into(),
            DefineLocation {
                id: LocationId(1),
                file: "src/main.rs".into(),
                line: 1,
                column: 2,
                source: Some(SourceLine { status: SourceStatus::Found, text: Some("fn main() {".into()) }),
            }
            .into(),
            TaskSpawned { id: TaskId(1), parent: Some(TaskId(2)), partial: true, ..TaskSpawned::default() }.into(),
            TaskCompleted { id: TaskId(1), outcome: Outcome::Panicked, at_ns: 4 }.into(),
            TaskStats { id: TaskId(1), state: Some(TaskState::Idle), poll_ns_log2: vec![0, 4], ..TaskStats::default() }
                .into(),
            ResourceCreated {
                id: ResourceId(1),
                kind: ResourceKind::Other("com.example.gate".into()),
                name: None,
                location: None,
                task: None,
                capacity: Some(2),
                at_ns: 5,
            }
            .into(),
            ResourceUpdated { id: ResourceId(1), length: Some(2), ..ResourceUpdated::default() }.into(),
            ResourceDropped { id: ResourceId(1), at_ns: 6 }.into(),
            EdgeWait {
                id: EdgeId(1),
                task: TaskId(1),
                resource: ResourceId(1),
                operation: Operation::Lock,
                reason: StringId(1),
                need: 1,
                location: None,
                since_ns: 7,
            }
            .into(),
            EdgeHold {
                id: EdgeId(2),
                task: TaskId(1),
                resource: ResourceId(1),
                mode: HoldMode::Exclusive,
                units: 1,
                transferable: false,
                location: Some(LocationId(1)),
                since_ns: 7,
            }
            .into(),
            EdgeParty {
                id: EdgeId(3),
                task: TaskId(1),
                resource: ResourceId(1),
                role: PartyRole::Receiver,
                exclusive: true,
                since_ns: 7,
            }
            .into(),
            EdgeClosed { id: EdgeId(3), outcome: None, at_ns: 8 }.into(),
            ProblemRaised { problem: problem.clone(), at_ns: 9 }.into(),
            ProblemUpdated { problem, at_ns: 9 }.into(),
            ProblemCleared { id: ProblemId(1), at_ns: 10 }.into(),
            SnapshotBegin { at_ns: 1, tasks: 0, resources: 0, edges: 0, problems: 0 }.into(),
            SnapshotEnd { at_ns: 1 }.into(),
            Gap { count: 3, kinds: vec!["task.spawned".into()], reason: "the program outran".into(), at_ns: 11 }.into(),
        ]
    }
}
