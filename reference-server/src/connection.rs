//! The listener's thread, and a thread for each connection.

use crate::client::{Client, Next};
use crate::fork::ClosedByChild;
use crate::http::{self, Chunks, NoRequest, Peer, Reply, Request};
use crate::pages;
use crate::patience::Patience;
use crate::places::{Limits, Place, Places};
use crate::recorder::{Command, Settings, is_there};
use crate::snapshots::{SnapshotInProgress, SnapshotsInProgress};
use crate::thread::{self, LARGE, SMALL};
use crate::trace;
use crate::trace::Jobs;
use insight_protocol::{Message, TaskId, encode_to, line};
use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::time::Duration;

/// Maximum number of refused connections that get a reply at a time, each from a thread of its own.
const MAX_REFUSALS: usize = 4;
/// Maximum time that a client waits until other clients' snapshots leave room for its own.
const ROOM_TIMEOUT: Duration = Duration::from_secs(20);
/// Approximate maximum size of a part of a stream, in bytes.
const PART_BYTES: usize = 64 << 10;

const NDJSON: &str = "application/x-ndjson";

/// The state that the connections of all listeners share.
#[derive(Default)]
pub(crate) struct Shared {
    traces: Jobs,
    pub(crate) places: Arc<Places>,
    pub(crate) snapshots: Arc<SnapshotsInProgress>,
}

/// Accepts connections as long as the process lives.
pub(crate) fn listen(
    listener: &TcpListener,
    settings: &Arc<Settings>,
    commands: &SyncSender<Command>,
    shared: &Arc<Shared>,
) {
    let refusals = Arc::new(());
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => Arc::new(stream),
            // Probably there are no file descriptors left. To try again at once would take a core.
            Err(_) => {
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        // The program may have changed its limits.
        let limits = Limits::of_process();
        if limits.is_near(descriptor(&stream)) {
            let text = "the program has few file descriptors left, and insight leaves them to it";
            drop(http::send_at_once(&stream, &Reply::text("503 Service Unavailable", text)));
            continue;
        }
        let _closed_by_child = ClosedByChild::new(&*stream);
        let Some(place) = shared.places.enter(&stream, limits) else {
            let text = format!("there are {} connections already", limits.connections());
            let reply = Reply::text("503 Service Unavailable", &text);
            // The listener itself holds one reference.
            if Arc::strong_count(&refusals) > MAX_REFUSALS.min(limits.connections()) {
                drop(http::send_at_once(&stream, &reply));
                continue;
            }
            let (refusal, settings) = (Arc::clone(&refusals), Arc::clone(settings));
            drop(thread::spawn("insight-refusal", SMALL, move || {
                drop(Peer::new(stream, &settings).and_then(|mut peer| peer.send(&reply, false)));
                drop((_closed_by_child, refusal));
            }));
            continue;
        };
        let Ok(peer) = Peer::new(stream, settings) else { continue };
        let (settings, commands, shared) = (Arc::clone(settings), commands.clone(), Arc::clone(shared));
        let connection = Connection { _closed_by_child, peer, place, settings, commands, shared };
        // If no thread can be started, the connection is closed.
        drop(thread::spawn("insight-client", SMALL, move || {
            // An error means that the client has closed the connection.
            drop(connection.serve());
        }));
    }
}

#[cfg(unix)]
fn descriptor(stream: &TcpStream) -> u64 {
    u64::try_from(std::os::fd::AsRawFd::as_raw_fd(stream)).unwrap_or(0)
}

#[cfg(not(unix))]
fn descriptor(_stream: &TcpStream) -> u64 {
    0
}

struct Connection {
    /// Declared before `peer`, so that it is dropped before the descriptor is closed.
    _closed_by_child: ClosedByChild,
    peer: Peer,
    /// Declared after `peer`: the place is free once the connection is closed.
    place: Place,
    settings: Arc<Settings>,
    commands: SyncSender<Command>,
    shared: Arc<Shared>,
}

impl Connection {
    fn serve(mut self) -> io::Result<()> {
        let request = self.peer.read_request(self.settings.request_timeout);
        if !self.place.ask() {
            return Ok(());
        }
        let request = match request {
            Ok(request) => request,
            Err(NoRequest::Refused(reply)) => return self.peer.send(&reply, false),
            Err(NoRequest::Gone) => return Ok(()),
        };
        let reply = match request.path.as_str() {
            "/v1/stream" if request.head_only => Reply::ok(NDJSON, String::new()),
            "/v1/stream" => return self.stream(&request),
            "/v1/snapshot" if request.head_only => Reply::ok(NDJSON, String::new()),
            "/v1/snapshot" => return self.snapshot(&request),
            "/v1/problems" => match self.ask(Command::Problems).map(|problems| serde_json::to_string(&problems)) {
                Some(Ok(problems)) => Reply::ok("application/json", problems),
                _ => no_answer(),
            },
            "/v1/graph.dot" => match self.ask(Command::Graph) {
                Some(graph) => Reply::ok("text/vnd.graphviz; charset=utf-8", graph),
                None => no_answer(),
            },
            path => match trace::task_of(path) {
                Some(Ok(id)) => self.trace(id, request.head_only),
                Some(Err(refusal)) => refusal,
                None => pages::page(path, self.peer.port()).unwrap_or_else(pages::not_found),
            },
        };
        self.peer.send(&reply, request.head_only)
    }

    /// Asks the recorder's thread.
    fn ask<T>(&self, command: impl FnOnce(SyncSender<T>) -> Command) -> Option<T> {
        let (sender, reply) = mpsc::sync_channel(1);
        self.commands.try_send(command(sender)).ok()?;
        let mut patience = Patience::new(self.settings.request_timeout);
        loop {
            match reply.recv_timeout(patience.next()?) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Waits for room to send another snapshot.
    fn wait_for_room(&self) -> Option<SnapshotInProgress> {
        self.shared.snapshots.enter(self.peer.stream(), Patience::new(ROOM_TIMEOUT))
    }

    fn trace(&self, id: TaskId, head_only: bool) -> Reply {
        let Some(subject) = self.ask(|reply| Command::Trace(id, reply)) else { return no_answer() };
        if subject.task.is_none() && !subject.was_task {
            return Reply::text("404 Not Found", &format!("there is no task {id}, and there was none"));
        }
        if head_only {
            // Without a body, the task need not be polled.
            return Reply::ok("application/json", String::new());
        }
        self.shared.traces.run(id, || {
            let (sender, made) = mpsc::sync_channel(1);
            // Reading debug information needs a larger stack.
            let make = move || {
                let trace = serde_json::to_string(&trace::trace(id, subject));
                let _ = sender.send(trace.map_or_else(|_| no_answer(), |trace| Reply::ok("application/json", trace)));
            };
            let started = thread::spawn("insight-trace", LARGE, make);
            started.ok().and_then(|()| made.recv().ok()).unwrap_or_else(no_answer)
        })
    }

    fn snapshot(mut self, request: &Request) -> io::Result<()> {
        let Some(in_progress) = self.wait_for_room() else { return self.peer.send(&no_room(), false) };
        let Some(opening) = self.ask(Command::Snapshot) else { return self.peer.send(&no_answer(), false) };
        in_progress.set_model(&opening.model);
        let mut lines = Lines::begin(&mut self.peer, request)?;
        lines.message(&opening.header.clone().into())?;
        opening.model.tell_snapshot(|message| lines.message(&message))?;
        opening.gap.iter().try_for_each(|message| lines.message(message))?;
        lines.flush()?;
        drop((opening, in_progress));
        lines.end()
    }

    fn stream(mut self, request: &Request) -> io::Result<()> {
        if !self.place.stream(Limits::of_process()) {
            let text = "there are too many streams; the last connections are for short requests, such as /v1/snapshot";
            return self.peer.send(&Reply::text("503 Service Unavailable", text), false);
        }
        let Some(in_progress) = self.wait_for_room() else { return self.peer.send(&no_room(), false) };
        // Held while the opening is being sent.
        let mut in_progress = Some(in_progress);
        let client = Attached(Arc::new(Client::new(self.settings.queue_bytes)));
        let attach = || {
            let command = Command::Attach(Arc::clone(&client.0));
            self.commands.try_send(command).map_err(|_| io::Error::from(ErrorKind::NotConnected))
        };
        if attach().is_err() {
            return self.peer.send(&no_answer(), false);
        }
        let stream = Arc::clone(self.peer.stream());
        let mut lines = Lines::begin(&mut self.peer, request)?;
        loop {
            match client.0.next(PART_BYTES, self.settings.request_timeout) {
                Next::Opening(opening, gap) => {
                    lines.chunks.limit(true);
                    in_progress.iter().for_each(|in_progress| in_progress.set_model(&opening.model));
                    match gap {
                        // The stream of a slow client already has its header.
                        Some(gap) => lines.message(&gap.into())?,
                        None => lines.message(&opening.header.clone().into())?,
                    }
                    opening.tell(|message| lines.message(message))?;
                    lines.flush()?;
                    // The rest is in the socket's buffer. From here on, a stream lasts as long as its client reads.
                    in_progress = None;
                    lines.chunks.limit(false);
                }
                Next::Live(bodies) => bodies.iter().try_for_each(|body| lines.push(body))?,
                Next::Lagging => {
                    // Meanwhile messages are skipped, which costs nothing.
                    while in_progress.is_none() {
                        in_progress = self.shared.snapshots.enter(&stream, Patience::new(ROOM_TIMEOUT));
                    }
                    attach()?;
                }
                Next::Silent if is_there(&self.commands) => {}
                Next::Silent | Next::Closed => return lines.end(),
            }
            lines.flush()?;
        }
    }
}

/// A client that the recorder serves until this is dropped.
struct Attached(Arc<Client>);

impl Drop for Attached {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Numbers lines, and sends them in parts.
struct Lines<'a> {
    chunks: Chunks<'a>,
    seq: u64,
    text: Vec<u8>,
}

impl<'a> Lines<'a> {
    fn begin(peer: &'a mut Peer, request: &Request) -> io::Result<Lines<'a>> {
        Ok(Lines { chunks: Chunks::begin(peer, request, NDJSON)?, seq: 0, text: Vec::new() })
    }

    /// Adds a message that only this stream has.
    fn message(&mut self, message: &Message) -> io::Result<()> {
        self.seq += 1;
        encode_to(&mut self.text, self.seq, message);
        self.ended()
    }

    /// Adds a message that was encoded for all clients.
    fn push(&mut self, body: &str) -> io::Result<()> {
        self.seq += 1;
        self.text.extend_from_slice(line(self.seq, body).as_bytes());
        self.ended()
    }

    fn ended(&mut self) -> io::Result<()> {
        self.text.push(b'\n');
        if self.text.len() >= PART_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.chunks.send(&self.text)?;
        self.text.clear();
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        self.flush()?;
        self.chunks.end()
    }
}

fn no_room() -> Reply {
    let text = "snapshots for other clients take all the memory; try again";
    Reply::text("503 Service Unavailable", text)
}

fn no_answer() -> Reply {
    Reply::text("503 Service Unavailable", "the recorder does not answer; see the program's stderr")
}
