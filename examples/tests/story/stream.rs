//! The stream of a program, read as any client would read it.

use crate::http::{agent, get};
use crate::watched::Watched;
use insight_model::{Edge, EdgeBody, Model};
use insight_protocol::{Decoded, Message, Operation, Problem, TaskId, decode};
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::thread;

/// Reads `/v1/stream` on a thread of its own until the program ends.
pub struct Stream {
    received: Arc<Watched<Received>>,
}

/// The messages of a stream, and the model that results from them.
#[derive(Default)]
pub struct Received {
    pub model: Model,
    pub messages: Vec<Message>,
    /// Errors: lines that are not a message, and numbers that do not follow the number before.
    wrong: Vec<String>,
    seq: u64,
    ended: bool,
}

impl Stream {
    /// Connects, and reads in the background.
    pub fn attach(address: &str) -> Stream {
        let stream = Stream { received: Arc::default() };
        let (url, received) = (format!("http://{address}/v1/stream"), Arc::clone(&stream.received));
        thread::spawn(move || {
            let response = agent().get(&url).call();
            let Ok(response) =
                response.map_err(|error| received.change(|received| received.wrong.push(error.to_string())))
            else {
                return;
            };
            for line in BufReader::new(response.into_body().into_reader()).lines().map_while(Result::ok) {
                received.change(|received| received.take(&line));
            }
            received.change(|received| received.ended = true);
        });
        stream
    }

    /// Waits until `wanted` returns a value for the received messages. An error in the messages so far fails the test.
    pub fn until<R>(&self, condition: &str, mut wanted: impl FnMut(&Received) -> Option<R>) -> R {
        let outcome = self.received.until(
            |received| match wanted(received) {
                _ if !received.wrong.is_empty() => Some(Err(format!("{:?}", received.wrong))),
                Some(result) => Some(Ok(result)),
                None => received.ended.then(|| Err("the stream has ended".to_owned())),
            },
            Received::tail,
        );
        outcome.and_then(|outcome| outcome).unwrap_or_else(|error| panic!("waited for {condition}: {error}"))
    }

    /// Waits for the end of the snapshot. From then on, facts are received when they happen.
    pub fn complete(self) -> Stream {
        self.until("the snapshot", |received| received.model.complete.then_some(()));
        self
    }

    /// Waits until the stream covers the time up to `at_ns`.
    pub fn wait_until_covered(&self, at_ns: u64) {
        self.until("time to pass", |received| (received.model.told_ns >= at_ns).then_some(()));
    }

    pub fn read<R>(&self, read: impl FnOnce(&Received) -> R) -> R {
        self.received.read(read)
    }
}

impl Received {
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

    /// The raised problems as they were at that time, each with the time.
    pub fn raised(&self) -> Vec<(&Problem, u64)> {
        let raised = self.messages.iter().filter_map(|message| match message {
            Message::ProblemRaised(raised) => Some((&raised.problem, raised.at_ns)),
            _ => None,
        });
        raised.collect()
    }
}

/// The current snapshot, from `/v1/snapshot`.
pub fn snapshot(address: &str) -> Model {
    let mut received = Received::default();
    get(&format!("http://{address}/v1/snapshot")).lines().for_each(|line| received.take(line));
    assert!(received.wrong.is_empty() && received.model.complete, "{:?} {}", received.wrong, received.tail());
    received.model
}

/// The task with this function: `write_orders` stands for `barbara::write_orders`.
pub fn task(model: &Model, function: &str) -> Option<TaskId> {
    let is_it = |name: &str| name.rsplit("::").next() == Some(function);
    model.tasks.values().find(|task| task.origin.name.as_deref().is_some_and(is_it)).map(|task| task.id)
}

/// The wait of this function's task with this operation.
pub fn wait<'a>(model: &'a Model, function: &str, wanted: &Operation) -> Option<&'a Edge> {
    let is_it = |body: &EdgeBody| matches!(body, EdgeBody::Wait { operation, .. } if operation == wanted);
    model.waits_of_task(task(model, function)?).into_iter().find(|edge| is_it(&edge.body))
}
