//! What a program tells, read as any client would.

use crate::http::{agent, get};
use crate::watched::Watched;
use insight_model::{Edge, EdgeBody, Model};
use insight_protocol::{Decoded, Message, Operation, Problem, TaskId, decode};
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::thread;

/// A reader of `/v1/stream`, on a thread of its own until the program ends.
pub struct Stream {
    seen: Arc<Watched<Seen>>,
}

/// The messages of a stream, and what they sum up to.
#[derive(Default)]
pub struct Seen {
    pub model: Model,
    pub messages: Vec<Message>,
    /// What must not be: a line that is no message, a number that is not the next.
    wrong: Vec<String>,
    seq: u64,
    ended: bool,
}

impl Stream {
    /// Reads from now on.
    pub fn attach(address: &str) -> Stream {
        let stream = Stream { seen: Arc::default() };
        let (url, seen) = (format!("http://{address}/v1/stream"), Arc::clone(&stream.seen));
        thread::spawn(move || {
            let response = agent().get(&url).call();
            let Ok(response) = response.map_err(|error| seen.change(|seen| seen.wrong.push(error.to_string()))) else {
                return;
            };
            for line in BufReader::new(response.into_body().into_reader()).lines().map_while(Result::ok) {
                seen.change(|seen| seen.take(&line));
            }
            seen.change(|seen| seen.ended = true);
        });
        stream
    }

    /// Waits until what was seen is as wanted. Nothing that was seen until then may be wrong.
    pub fn until<R>(&self, what: &str, mut wanted: impl FnMut(&Seen) -> Option<R>) -> R {
        let outcome = self.seen.until(
            |seen| match wanted(seen) {
                _ if !seen.wrong.is_empty() => Some(Err(format!("{:?}", seen.wrong))),
                Some(result) => Some(Ok(result)),
                None => seen.ended.then(|| Err("the stream has ended".to_owned())),
            },
            Seen::tail,
        );
        outcome.and_then(|outcome| outcome).unwrap_or_else(|error| panic!("waited for {what}: {error}"))
    }

    /// Waits for the snapshot: what happens from now on is seen as it happens.
    pub fn complete(self) -> Stream {
        self.until("the snapshot", |seen| seen.model.complete.then_some(()));
        self
    }

    /// Waits until the program has told all that happened until `at_ns`.
    pub fn told(&self, at_ns: u64) {
        self.until("time to pass", |seen| (seen.model.told_ns >= at_ns).then_some(()));
    }

    pub fn read<R>(&self, read: impl FnOnce(&Seen) -> R) -> R {
        self.seen.read(read)
    }
}

impl Seen {
    fn take(&mut self, line: &str) {
        match decode(line) {
            Ok(Decoded::Message { seq, message }) => {
                if seq != self.seq + 1 {
                    self.wrong.push(format!("{seq} follows {}", self.seq));
                }
                self.seq = seq;
                self.model.apply(&message);
                self.messages.push(message);
            }
            Ok(Decoded::Unknown { line, .. }) => self.wrong.push(line),
            Err(error) => self.wrong.push(format!("{error}: {line}")),
        }
    }

    fn tail(&self) -> String {
        let tail = &self.messages[self.messages.len().saturating_sub(20)..];
        format!("{} messages, the last of them {tail:#?}", self.messages.len())
    }

    /// The problems that were raised, each as it was then, and when.
    pub fn raised(&self) -> Vec<(&Problem, u64)> {
        let raised = self.messages.iter().filter_map(|message| match message {
            Message::ProblemRaised(raised) => Some((&raised.problem, raised.at_ns)),
            _ => None,
        });
        raised.collect()
    }
}

/// The picture of now, by `/v1/snapshot`.
pub fn snapshot(address: &str) -> Model {
    let mut seen = Seen::default();
    get(&format!("http://{address}/v1/snapshot")).lines().for_each(|line| seen.take(line));
    assert!(seen.wrong.is_empty() && seen.model.complete, "{:?} {}", seen.wrong, seen.tail());
    seen.model
}

/// The task of this function: `barbara::write_orders` is named `write_orders` here.
pub fn task(model: &Model, function: &str) -> Option<TaskId> {
    let is_it = |name: &str| name.rsplit("::").next() == Some(function);
    model.tasks.values().find(|task| task.name.as_deref().is_some_and(is_it)).map(|task| task.id)
}

/// The wait of that task with this operation.
pub fn wait<'a>(model: &'a Model, function: &str, wanted: &Operation) -> Option<&'a Edge> {
    let is_it = |body: &EdgeBody| matches!(body, EdgeBody::Wait { operation, .. } if operation == wanted);
    model.waits_of_task(task(model, function)?).into_iter().find(|edge| is_it(&edge.body))
}
