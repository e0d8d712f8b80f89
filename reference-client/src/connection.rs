//! The thread that reads the stream, and connects again when it ends.

use crate::args::Address;
use crate::failure::Failure;
use crate::output::complain;
use crate::snapshot::{Intake, Link, Snapshot, lock};
use crate::text::fit;
use insight_model::Model;
use insight_protocol::{Decoded, Message, TaskId, TaskKind, TaskState, TaskTrace, decode};
use insight_reader::{Ending, Refusal, Source, why, words_of_refusal};
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
#[cfg(test)]
use std::sync::MutexGuard;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Maximum size of a header, or of another answer in its place, in bytes.
const HEADER_LIMIT: u64 = 1 << 20;
/// Size of the pieces in which a stream is read, in bytes.
const PIECE: usize = 64 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(60);
/// A program sends a snapshot without a pause; a program that is stopped sends no more of it.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for which one snapshot waits for the awaits of the tasks. Usually they come with the second sample.
const AWAITS_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Maximum number of tasks of a program whose awaits one snapshot waits for. It captures a few in that time.
const MOST_AWAITED: usize = 10_000;
/// A trace waits for its turn and for the task, and at first the program's debug information is read.
const TRACE_TIMEOUT: Duration = Duration::from_secs(30);
const TRACE_LIMIT: u64 = 16 << 20;
/// A program that runs answers at once; a program that is stopped never does.
const NAME_TIMEOUT: Duration = Duration::from_secs(2);
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Reads one snapshot. A program captures awaits while a client reads its stream, so the awaits come a little later.
pub fn snapshot(address: &Address) -> Result<Snapshot, Failure> {
    let first = one_snapshot(address)?;
    if first.model.tasks.len() > MOST_AWAITED || has_awaits(&first.model) {
        return Ok(first);
    }
    Ok(snapshot_with_awaits(address).unwrap_or(first))
}

/// The state after the awaits of all tasks, or after a short time. `None` if the stream has no complete snapshot by then.
fn snapshot_with_awaits(address: &Address) -> Option<Snapshot> {
    let (snapshot, start) = (Mutex::new(Snapshot::default()), Instant::now());
    let mut more = || {
        let snapshot = lock(&snapshot);
        start.elapsed() < AWAITS_TIMEOUT && !(snapshot.model.complete && has_awaits(&snapshot.model))
    };
    let limits = Some((AWAITS_TIMEOUT, AWAITS_TIMEOUT));
    // A failure is no matter: there is a snapshot without the awaits.
    let _ = read(&address.url("/v1/stream"), AWAITS_TIMEOUT, limits, &snapshot, &mut more);
    let snapshot = snapshot.into_inner().unwrap_or_else(PoisonError::into_inner);
    snapshot.model.complete.then_some(snapshot)
}

/// Whether the awaits of each idle task are known that can have some.
fn has_awaits(model: &Model) -> bool {
    let mut tasks = model.tasks.values().filter(|task| {
        task.state() == Some(TaskState::Idle) && !task.origin.partial && task.origin.kind != TaskKind::Blocking
    });
    tasks.all(|task| model.awaits(task.id).is_some())
}

fn one_snapshot(address: &Address) -> Result<Snapshot, Failure> {
    let snapshot = Mutex::new(Snapshot::default());
    let limits = Some((SNAPSHOT_TIMEOUT, SILENCE_TIMEOUT));
    let outcome = read(&address.url("/v1/snapshot"), RESPONSE_TIMEOUT, limits, &snapshot, &mut || true);
    let snapshot = snapshot.into_inner().unwrap_or_else(PoisonError::into_inner);
    match outcome {
        Ok(()) | Err(Failure::Unreachable(_)) if snapshot.model.complete => Ok(snapshot),
        Ok(()) => Err(Failure::Incomplete { why: None }),
        Err(Failure::Unreachable(why)) if matches!(snapshot.link, Link::Reading { .. }) => {
            Err(Failure::Incomplete { why: Some(why) })
        }
        Err(failure) => Err(failure),
    }
}

/// The last snapshot of a recorded stream, or the reason why there is none.
pub fn recording(path: &Path) -> Result<Snapshot, String> {
    let source = Source::File(path.to_owned());
    if let Some(remark) = source.remark() {
        complain(&format!("note: {}: {remark}", path.display()));
    }
    let mut bytes = source.open()?;
    let (mut intake, mut piece) = (Intake::default(), vec![0; PIECE]);
    let snapshot = Mutex::new(Snapshot::default());
    let ending = loop {
        match bytes.read(&mut piece) {
            Ok(0) => break Ending::End,
            Ok(length) => intake.push(&piece[..length], &snapshot).map_err(|refusal| refusal.to_string())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The lines before the cut are true. r[file.cut-off]
            Err(error) => break Ending::BrokenOff(why(&error)),
        }
    };
    let outcome = intake.end(&ending).map_err(|refusal| refusal.to_string())?;
    let mut snapshot = snapshot.into_inner().unwrap_or_else(PoisonError::into_inner);
    let cut = outcome.cut();
    if !snapshot.model.complete {
        return Err(Refusal::NoSnapshot { cut }.to_string());
    }
    snapshot.losses.cut = cut;
    Ok(snapshot)
}

/// Asks for the trace of a task. The error is the reason why there is none.
pub fn trace(address: &Address, task: TaskId) -> Result<TaskTrace, String> {
    let limits = Some((TRACE_TIMEOUT, TRACE_TIMEOUT));
    let failed = |error: ureq::Error| match error {
        ureq::Error::BodyExceedsLimit(limit) => format!("the trace is larger than {} MiB", limit >> 20),
        error => failure(&error, TRACE_TIMEOUT).to_string(),
    };
    let call = agent(TRACE_TIMEOUT, limits).get(address.url(&format!("/v1/tasks/{task}/trace"))).call();
    let mut response = call.map_err(failed)?;
    let status = response.status();
    let text = response.body_mut().with_config().limit(TRACE_LIMIT).read_to_string().map_err(failed)?;
    let line = fit(text.lines().next().unwrap_or_default(), 120);
    match status.as_u16() {
        200 => parse_trace(&text),
        404 if line.starts_with("there is no task") => Err(line),
        404 => Err(format!("this program does not trace tasks: it sent \"404 {line}\"")),
        _ => Err(format!("the program refuses: {status} {line}")),
    }
}

/// Reads the trace in a reply.
fn parse_trace(json: &str) -> Result<TaskTrace, String> {
    serde_json::from_str(json).map_err(|error| format!("the trace was not understood: {error}"))
}

/// The answer of an address that a program has announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// insight, with this session.
    Session(String),
    /// Another server.
    Other,
    /// No program listens there.
    NoProgram,
    /// A program listens there, and does not answer.
    Silence,
}

/// Reads the header of a stream, and no more.
pub fn who_answers(address: SocketAddr) -> Answer {
    let response = match agent(NAME_TIMEOUT, Some((NAME_TIMEOUT, NAME_TIMEOUT)))
        .get(format!("http://{address}/v1/stream"))
        .call()
    {
        Ok(response) => response,
        Err(ureq::Error::Io(error)) if error.kind() == io::ErrorKind::ConnectionRefused => return Answer::NoProgram,
        Err(ureq::Error::Protocol(_)) => return Answer::Other,
        Err(_) => return Answer::Silence,
    };
    match response.status().as_u16() {
        200 => {}
        // Too many clients, or its recorder has stopped.
        503 => return Answer::Silence,
        _ => return Answer::Other,
    }
    let line = match first_line(response.into_body().into_reader()) {
        Ok(line) => line,
        Err(_) => return Answer::Silence,
    };
    match decode(&line) {
        Ok(Decoded::Message { message: Message::StreamHeader(header), .. }) => Answer::Session(header.session),
        _ => Answer::Other,
    }
}

/// A stream, and the thread that reads it as long as this value exists.
#[derive(Debug)]
pub struct Connection {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    snapshot: Mutex<Snapshot>,
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

    /// A copy of the present snapshot, unless it has this revision. The reader does not wait for the user of the copy.
    pub fn snapshot_after(&self, revision: u64) -> Option<Snapshot> {
        let snapshot = lock(&self.shared.snapshot);
        (snapshot.revision != revision).then(|| snapshot.view())
    }

    /// The snapshot itself. The reader waits.
    #[cfg(test)]
    pub fn snapshot(&self) -> MutexGuard<'_, Snapshot> {
        lock(&self.shared.snapshot)
    }

    /// Whether the thread runs. Only a bug ends it.
    pub fn alive(&self) -> bool {
        !self.thread.is_finished()
    }

    /// Waits until `wanted` accepts the snapshot; panics with the snapshot if that takes too long.
    #[cfg(test)]
    pub fn wait_until(&self, condition: &str, mut wanted: impl FnMut(&Snapshot) -> bool) {
        let waited = self.shared.changed.wait_timeout_while(self.snapshot(), Duration::from_secs(20), |p| !wanted(p));
        let (snapshot, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "waited in vain until {condition}: {:?} {:?}", snapshot.link, snapshot.losses);
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
            let outcome = read(url, RESPONSE_TIMEOUT, None, &self.snapshot, &mut || {
                self.notify();
                !self.is_closed()
            });
            let failure = outcome.err().unwrap_or(Failure::Unreachable("the stream ended".into()));
            let mut snapshot = lock(&self.snapshot);
            if snapshot.link == Link::Connected {
                pause = SHORTEST_PAUSE;
            }
            // The first cause stays, with its time, until there is another answer.
            snapshot.link = match (failure, std::mem::take(&mut snapshot.link)) {
                (Failure::NotInsight(sent), _) => Link::NotInsight { sent },
                (Failure::OtherVersion(protocol), _) => Link::OtherVersion { protocol },
                // The cause may have changed.
                (failure, Link::Gone { since, .. }) => Link::Gone { since, why: failure.to_string() },
                (failure, _) => Link::Gone { since: Instant::now(), why: failure.to_string() },
            };
            snapshot.revision += 1;
            drop(snapshot);
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

    /// Waits before the next attempt. `true` if there must be no next attempt.
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

/// Makes requests; `body` has the limits of a whole body and of a silence in it.
fn agent(response_timeout: Duration, body: Option<(Duration, Duration)>) -> ureq::Agent {
    ureq::Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(response_timeout))
        .timeout_recv_body(body.map(|(whole, _)| whole))
        .timeout_per_read(body.map(|(_, silence)| silence))
        .build()
        .new_agent()
}

/// Reads the lines of one response until it ends, or until `more` returns false after a line. `limits` are the time limits of
/// its whole body and of a silence in it.
fn read(
    url: &str,
    response_timeout: Duration,
    limits: Option<(Duration, Duration)>,
    snapshot: &Mutex<Snapshot>,
    more: &mut dyn FnMut() -> bool,
) -> Result<(), Failure> {
    let agent = agent(response_timeout, limits);
    let response = agent.get(url).call().map_err(|error| failure(&error, response_timeout))?;
    let status = response.status();
    let mut body = response.into_body().into_reader();
    if status == 503 {
        let text = words_of_refusal(&agent, body);
        return Err(Failure::Unreachable(format!("the program refuses: {}", fit(&text, 80))));
    }
    if status != 200 {
        let sent = format!("{status} {}", fit(&words_of_refusal(&agent, body), 60));
        return Err(Failure::NotInsight(format!("\"{}\"", sent.trim_end())));
    }
    let (mut intake, mut piece) = (Intake::default(), vec![0; PIECE]);
    loop {
        match body.read(&mut piece) {
            Ok(0) => {
                let cut = intake.end(&Ending::End)?.cut();
                return cut.map_or(Ok(()), |cut| Err(Failure::Unreachable(format!("the stream ended: {cut}"))));
            }
            Ok(length) => intake.push(&piece[..length], snapshot)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                let why = why(&error);
                intake.end(&Ending::BrokenOff(why.clone()))?;
                return Err(Failure::Unreachable(why));
            }
        }
        if !more() {
            return Ok(());
        }
    }
}

fn first_line(body: impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    BufReader::new(body.take(HEADER_LIMIT)).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn failure(error: &ureq::Error, timeout: Duration) -> Failure {
    match error {
        ureq::Error::Io(error) => Failure::Unreachable(why(error)),
        ureq::Error::Timeout(ureq::Timeout::Connect) => {
            Failure::Unreachable(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()))
        }
        ureq::Error::Timeout(_) => Failure::Unreachable(format!(
            "it takes the connection, but gave no answer within {} s: it may be stopped, or another program",
            timeout.as_secs()
        )),
        ureq::Error::HostNotFound => Failure::Unreachable("there is no host of this name".into()),
        ureq::Error::Protocol(error) => Failure::NotInsight(format!("something that is not HTTP ({error})")),
        ureq::Error::LargeResponseHeader(_, limit) => {
            Failure::NotInsight(format!("something that is not HTTP (a head of more than {limit} bytes)"))
        }
        other => Failure::Unreachable(other.to_string()),
    }
}
