//! Reads insight's own stream in the process: the problems, with the time at which we heard of them.

use crate::marks::now_ns;
use insight_model::Checker;
use insight_protocol::{Decoded, Message, Problem, ProblemId, Severity, Tier, decode};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Maximum time between two lines. insight sends a heartbeat at least each second.
const SILENCE: Duration = Duration::from_secs(30);

/// A claim of a hang, at the time when it was raised or first called proven.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The problem.
    pub problem: Problem,
    /// The time at which we read it, which is after insight claimed it.
    pub read_ns: u64,
}

/// The content of the stream until now.
#[derive(Debug, Default)]
pub struct Seen {
    /// The time of the last heartbeat, in the stream's clock.
    pub at_ns: u64,
    /// Each hang that was called proven, also if it is resolved.
    pub proofs: Vec<Claimed>,
    /// Each hang that was called suspected, also if it is resolved.
    pub suspicions: Vec<Claimed>,
    /// The open hangs.
    pub open: BTreeMap<ProblemId, Problem>,
    /// The broken rules of SPEC.md.
    pub broken: Vec<String>,
    /// Whether the stream ended.
    pub ended: bool,
}

/// A reader of the stream, on a thread of its own.
#[derive(Clone, Debug, Default)]
pub struct Listener(Arc<(Mutex<Seen>, Condvar)>);

impl Listener {
    /// Reads the stream of this address.
    ///
    /// # Errors
    ///
    /// If the server does not accept the connection.
    pub fn start(insight: SocketAddr) -> std::io::Result<Listener> {
        let mut stream = TcpStream::connect(insight)?;
        stream.set_read_timeout(Some(SILENCE))?;
        // A reply to HTTP/1.0 is not chunked.
        write!(stream, "GET /v1/stream HTTP/1.0\r\nHost: {insight}\r\n\r\n")?;
        let listener = Listener::default();
        let reader = listener.clone();
        std::thread::spawn(move || {
            let mut checker = Checker::default();
            let lines = BufReader::new(stream).lines().map_while(Result::ok);
            lines.skip_while(|line| !line.is_empty()).skip(1).for_each(|line| reader.line(&mut checker, &line));
            reader.seen().ended = true;
            reader.0.1.notify_all();
        });
        Ok(listener)
    }

    /// The content of the stream until now.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the stream is complete up to this much later than now, or ended, even if insight or its reader is late.
    /// `started_ns` is a time just before insight's start, where the stream's clock begins.
    pub fn await_samples(&self, started_ns: u64, time: Duration) {
        let mut seen = self.seen();
        let wanted = now_ns() - started_ns + time.as_nanos() as u64;
        while seen.at_ns < wanted && !seen.ended {
            seen = self.0.1.wait(seen).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn line(&self, checker: &mut Checker, line: &str) {
        let broken = checker.line(line);
        let message = decode(line);
        let mut seen = self.seen();
        // The line names the program: its tasks have names.
        let text: String = line.chars().take(4_000).collect();
        seen.broken.extend(
            broken.iter().map(|it| format!("{}: expected {}, found {}: {text}", it.rule, it.expected, it.actual)),
        );
        match message {
            Ok(Decoded::Message { message: Message::ProblemRaised(it), .. }) => seen.claim(it.problem),
            Ok(Decoded::Message { message: Message::ProblemUpdated(it), .. }) => seen.claim(it.problem),
            Ok(Decoded::Message { message: Message::ProblemCleared(it), .. }) => _ = seen.open.remove(&it.id),
            Ok(Decoded::Message { message: Message::StreamHeartbeat(it), .. }) => {
                seen.at_ns = it.at_ns;
                self.0.1.notify_all();
            }
            _ => {}
        }
    }
}

impl Seen {
    fn claim(&mut self, problem: Problem) {
        if problem.severity != Severity::Hang {
            return;
        }
        let tier = problem.tier;
        let before = self.open.insert(problem.id, problem.clone());
        if before.is_none_or(|before| before.tier != tier) {
            let claimed = Claimed { problem, read_ns: now_ns() };
            match tier {
                Tier::Proven => self.proofs.push(claimed),
                Tier::Suspected => self.suspicions.push(claimed),
            }
        }
    }
}
