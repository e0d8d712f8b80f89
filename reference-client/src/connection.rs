//! The thread that reads the stream, again and again.

use crate::args::Address;
use crate::picture::{Intake, Link, NotInsight, Picture, lock};
use flate2::bufread::MultiGzDecoder;
use insight_protocol::{Decoded, Message, TaskId, TaskTrace, decode};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A longer line is passed over and counted: no message grows with the number of tasks.
const LINE_LIMIT: usize = 16 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(60);
/// A trace waits for its turn and for the task, and at first the program's debug information is read.
const TRACE_TIMEOUT: Duration = Duration::from_secs(30);
const TRACE_LIMIT: u64 = 16 << 20;
/// A program that runs says its name at once; a program that is stopped never does.
const NAME_TIMEOUT: Duration = Duration::from_secs(2);
/// The first bytes of a file that is compressed by gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Why there is no picture.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody answers, or the connection ended.
    Unreachable(String),
    /// Somebody answers, and it is not insight.
    NotInsight(String),
    /// The snapshot ended before its end.
    Incomplete,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unreachable(why) => f.write_str(why),
            Failure::NotInsight(said) => write!(f, "it answers, but does not speak insight: it said {said}"),
            Failure::Incomplete => f.write_str("the snapshot did not come to its end"),
        }
    }
}

impl From<NotInsight> for Failure {
    fn from(refusal: NotInsight) -> Failure {
        let said = match refusal.said.as_str() {
            "" => "nothing".to_owned(),
            line => format!("\"{}\"", crate::text::fit(line, 60)),
        };
        Failure::NotInsight(said)
    }
}

/// Reads one snapshot, and no more.
pub fn snapshot(address: &Address) -> Result<Picture, Failure> {
    let picture = Mutex::new(Picture::default());
    let outcome = read(&address.url("/v1/snapshot"), Some(SNAPSHOT_TIMEOUT), &picture, &mut || true);
    let picture = picture.into_inner().unwrap_or_else(PoisonError::into_inner);
    match outcome {
        Ok(()) | Err(Failure::Unreachable(_)) if picture.model.complete => Ok(picture),
        Ok(()) => Err(Failure::Incomplete),
        Err(Failure::Unreachable(_)) if picture.link == Link::Connected => Err(Failure::Incomplete),
        Err(failure) => Err(failure),
    }
}

/// The last picture of a recorded stream.
pub fn recording(path: &Path) -> Result<Picture, Failure> {
    let unreadable = |error: io::Error| Failure::Unreachable(why(&error));
    let mut file = BufReader::with_capacity(64 << 10, File::open(path).map_err(unreadable)?);
    let (mut line, mut intake) = (Vec::new(), Intake::new());
    let picture = Mutex::new(Picture::default());
    if file.fill_buf().map_err(unreadable)?.starts_with(&GZIP) {
        let mut lines = BufReader::with_capacity(64 << 10, MultiGzDecoder::new(file));
        loop {
            match next_line(&mut lines, &mut line) {
                Ok(true) => intake.line(&line, &picture)?,
                Ok(false) => break,
                // r[file.cut-off]: a program that was killed has not ended its file.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(unreadable(error)),
            }
        }
    } else {
        while next_line(&mut file, &mut line).map_err(unreadable)? {
            intake.line(&line, &picture)?;
        }
    }
    intake.end()?;
    let picture = picture.into_inner().unwrap_or_else(PoisonError::into_inner);
    if picture.model.complete { Ok(picture) } else { Err(Failure::Incomplete) }
}

/// Asks where a task waits: the reply as it came, or why there is none.
pub fn trace(address: &Address, task: TaskId) -> Result<String, String> {
    let call = agent(TRACE_TIMEOUT, Some(TRACE_TIMEOUT)).get(address.url(&format!("/v1/tasks/{task}/trace"))).call();
    let mut response = call.map_err(|error| failure(&error).to_string())?;
    let status = response.status();
    let text =
        response.body_mut().with_config().limit(TRACE_LIMIT).read_to_string().map_err(|e| failure(&e).to_string())?;
    let line = crate::text::fit(text.lines().next().unwrap_or_default(), 120);
    match status.as_u16() {
        200 => Ok(text),
        404 if line.starts_with("there is no task") => Err(line),
        404 => Err(format!("this program does not trace tasks: it said \"404 {line}\"")),
        _ => Err(format!("the program refuses: {status} {line}")),
    }
}

/// The trace that a reply is.
pub fn parse_trace(json: &str) -> Result<TaskTrace, String> {
    serde_json::from_str(json).map_err(|error| format!("the trace was not understood: {error}"))
}

/// The answer of an address that a program has announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// insight, with this session.
    Session(String),
    /// Something else.
    Other,
    /// Nobody listens there.
    Nobody,
    /// Something listens there, and does not answer.
    Silence,
}

/// Asks a stream for its header, and no more.
pub fn who_answers(address: SocketAddr) -> Answer {
    let response = match agent(NAME_TIMEOUT, Some(NAME_TIMEOUT)).get(format!("http://{address}/v1/stream")).call() {
        Ok(response) => response,
        Err(ureq::Error::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused => return Answer::Nobody,
        Err(ureq::Error::Protocol(_)) => return Answer::Other,
        Err(_) => return Answer::Silence,
    };
    match response.status().as_u16() {
        200 => {}
        // Too many clients, or its recorder has stopped.
        503 => return Answer::Silence,
        _ => return Answer::Other,
    }
    let mut line = Vec::new();
    match next_line(&mut BufReader::new(response.into_body().into_reader()), &mut line) {
        Ok(true) => {}
        Ok(false) => return Answer::Other,
        Err(_) => return Answer::Silence,
    }
    match decode(&String::from_utf8_lossy(&line)) {
        Ok(Decoded::Message { message: Message::StreamHeader(header), .. }) => Answer::Session(header.session),
        _ => Answer::Other,
    }
}

/// A stream that is being read by a thread of its own, for as long as this lives.
#[derive(Debug)]
pub struct Connection {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    picture: Mutex<Picture>,
    closed: Mutex<bool>,
    closing: Condvar,
    #[cfg(test)]
    changed: Condvar,
}

impl Connection {
    /// Starts to read, and to try again whenever that fails.
    pub fn open(address: &Address) -> io::Result<Connection> {
        let shared = Arc::new(Shared::default());
        let (theirs, url) = (Arc::clone(&shared), address.url("/v1/stream"));
        let thread = std::thread::Builder::new().name("reader".into()).spawn(move || theirs.follow(&url))?;
        Ok(Connection { shared, thread })
    }

    /// What is known now. To be held for a short while: the reader waits.
    pub fn picture(&self) -> MutexGuard<'_, Picture> {
        lock(&self.shared.picture)
    }

    /// The thread runs; it only ends by a bug.
    pub fn alive(&self) -> bool {
        !self.thread.is_finished()
    }

    /// Waits until the picture is as the test wants it; panics with the picture when that takes too long.
    #[cfg(test)]
    pub fn wait_until(&self, what: &str, mut wanted: impl FnMut(&Picture) -> bool) {
        let waited = self.shared.changed.wait_timeout_while(self.picture(), Duration::from_secs(20), |p| !wanted(p));
        let (picture, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "waited in vain until {what}: {:?} {:?}", picture.link, picture.losses);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A thread that waits in `read` ends with the process, or with its connection.
        *self.shared.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.closing.notify_all();
    }
}

impl Shared {
    fn follow(&self, url: &str) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let outcome = read(url, None, &self.picture, &mut || {
                self.notify();
                !self.is_closed()
            });
            let failure = outcome.err().unwrap_or(Failure::Unreachable("the stream ended".into()));
            let mut picture = lock(&self.picture);
            if picture.link == Link::Connected {
                pause = SHORTEST_PAUSE;
            }
            // The first cause stands, and so does its time, until there is another answer.
            picture.link = match (failure, std::mem::take(&mut picture.link)) {
                (Failure::NotInsight(said), _) => Link::NotInsight { said },
                (_, gone @ Link::Gone { .. }) => gone,
                (failure, _) => Link::Gone { since: Instant::now(), why: failure.to_string() },
            };
            picture.revision += 1;
            drop(picture);
            self.notify();
            if self.wait(pause) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn is_closed(&self) -> bool {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits before the next attempt; true when there shall be none.
    fn wait(&self, pause: Duration) -> bool {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.closing.wait_timeout_while(closed, pause, |closed| !*closed);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn notify(&self) {
        #[cfg(test)]
        self.changed.notify_all();
    }
}

fn agent(response_timeout: Duration, body_timeout: Option<Duration>) -> ureq::Agent {
    ureq::Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(response_timeout))
        .timeout_recv_body(body_timeout)
        .build()
        .new_agent()
}

/// Reads the lines of one response until it ends, or until `go_on` says no after one.
fn read(
    url: &str,
    body_timeout: Option<Duration>,
    picture: &Mutex<Picture>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(), Failure> {
    let response = agent(RESPONSE_TIMEOUT, body_timeout).get(url).call().map_err(|error| failure(&error))?;
    let status = response.status();
    let mut lines = BufReader::with_capacity(64 << 10, response.into_body().into_reader());
    let mut line = Vec::new();
    if status == 503 {
        let _ = next_line(&mut lines, &mut line);
        let text = String::from_utf8_lossy(&line);
        return Err(Failure::Unreachable(format!("the program refuses: {}", crate::text::fit(text.trim(), 80))));
    }
    if status != 200 {
        let _ = next_line(&mut lines, &mut line);
        let text = String::from_utf8_lossy(&line);
        let said = format!("\"{status} {}\"", crate::text::fit(text.trim(), 60));
        return Err(Failure::NotInsight(said));
    }
    let mut intake = Intake::new();
    loop {
        match next_line(&mut lines, &mut line) {
            Ok(true) => intake.line(&line, picture)?,
            Ok(false) => return Ok(intake.end()?),
            Err(error) => {
                intake.end()?;
                return Err(Failure::Unreachable(why(&error)));
            }
        }
        if !go_on() {
            return Ok(());
        }
    }
}

/// Reads a line without its end; false at the end of the stream. A line that was cut off by it is no line, and one that
/// is too long leaves a few bytes that are none either.
fn next_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut too_long = false;
    loop {
        let available = match lines.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if available.is_empty() {
            return Ok(!line.is_empty());
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(available.len());
        too_long |= line.len() + taken > LINE_LIMIT;
        if too_long {
            line.truncate(200);
        } else {
            line.extend_from_slice(&available[..taken]);
        }
        lines.consume(end.map_or(taken, |end| end + 1));
        if end.is_some() {
            return Ok(true);
        }
    }
}

fn failure(error: &ureq::Error) -> Failure {
    match error {
        ureq::Error::Io(error) => Failure::Unreachable(why(error)),
        ureq::Error::Timeout(ureq::Timeout::Connect) => {
            Failure::Unreachable(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()))
        }
        ureq::Error::Timeout(_) => Failure::Unreachable(format!(
            "it takes the connection, but gave no answer within {} s: it may be stopped, or something else",
            RESPONSE_TIMEOUT.as_secs()
        )),
        ureq::Error::HostNotFound => Failure::Unreachable("there is no host of this name".into()),
        ureq::Error::Protocol(error) => Failure::NotInsight(format!("something that is not HTTP ({error})")),
        other => Failure::Unreachable(other.to_string()),
    }
}

/// The system's words without its number for them.
fn why(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
