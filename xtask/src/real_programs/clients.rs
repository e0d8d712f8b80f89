//! The clients of a program. They send it requests, and put it under load.

use super::{grpc, http, mqtt};
use crate::process::Result;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// Number of connections under load, one for each thread.
pub const CONNECTIONS: usize = 16;
/// Maximum time to wait for an answer.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The protocol of a program, and the requests for it.
pub enum Clients {
    Http(&'static [http::Request]),
    Grpc(&'static [grpc::Call]),
    Mqtt,
}

/// A request and its answer, as text that is the same in each run.
pub struct Answer {
    pub question: String,
    pub answer: String,
}

/// All answers, and the values that later questions need.
#[derive(Default)]
pub struct Asked {
    pub answers: Vec<Answer>,
    /// Values that the program generates, such as the ID of a session, by their names in the requests.
    pub kept: BTreeMap<&'static str, String>,
}

impl Clients {
    /// Sends every request once.
    pub fn ask(&self, address: SocketAddr) -> Result<Asked> {
        match self {
            Clients::Http(requests) => http::ask(requests, address),
            Clients::Grpc(calls) => grpc::ask(calls, address),
            Clients::Mqtt => mqtt::ask(address),
        }
        .map_err(|error| format!("asking {address}: {error}"))
    }

    /// Sends requests on all connections for this time. Calls `meanwhile` while they are busy. Returns the number of answers.
    pub fn load(
        &self,
        address: SocketAddr,
        asked: &Asked,
        time: Duration,
        meanwhile: impl FnOnce() -> Result,
    ) -> Result<u64> {
        let loaded = match self {
            Clients::Http(requests) => http::load(requests, address, asked, time, meanwhile),
            Clients::Grpc(calls) => grpc::load(calls, address, time, meanwhile),
            Clients::Mqtt => mqtt::load(address, time, meanwhile),
        };
        loaded.map_err(|error| format!("load on {address}: {error}"))
    }
}

/// Runs `client` on a thread for each connection, and `meanwhile` on this one.
pub fn on_threads(client: impl Fn(usize) -> Result<u64> + Sync, meanwhile: impl FnOnce() -> Result) -> Result<u64> {
    std::thread::scope(|scope| {
        let client = &client;
        let threads: Vec<_> = (0..CONNECTIONS).map(|connection| scope.spawn(move || client(connection))).collect();
        let done = meanwhile();
        let counts = threads.into_iter().map(|thread| thread.join().expect("a client does not panic"));
        let count = counts.sum::<Result<u64>>()?;
        done.map(|()| count)
    })
}

/// A sentence for each question whose answers differ.
pub fn differences(plain: &[Answer], observed: &[Answer]) -> Vec<String> {
    let differ = |(plain, observed): (&Answer, &Answer)| {
        (plain.answer != observed.answer).then(|| {
            let (plain_answer, observed_answer) = (shown(&plain.answer), shown(&observed.answer));
            format!("{}: the plain program answers {plain_answer}, the observed one {observed_answer}", plain.question)
        })
    };
    plain.iter().zip(observed).filter_map(differ).collect()
}

/// The beginning of an answer, quoted.
fn shown(answer: &str) -> String {
    let end = answer.char_indices().nth(300).map_or(answer.len(), |(at, _)| at);
    let more = if end < answer.len() { "..." } else { "" };
    format!("{:?}{more}", &answer[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differing_answer_is_reported_with_both_texts() {
        let answer = |answer: &str| vec![Answer { question: "GET /".to_owned(), answer: answer.to_owned() }];
        assert_eq!(differences(&answer("200"), &answer("200")), Vec::<String>::new());
        let expect = "GET /: the plain program answers \"200\", the observed one \"500\"";
        assert_eq!(differences(&answer("200"), &answer("500")), [expect]);
    }
}
