//! The listener's thread, and a thread for each connection.

use crate::client::{Client, Next, Opening};
use crate::http::{self, Chunks, NoRequest, Reply, Request};
use crate::pages;
use crate::recorder::{Command, Settings};
use crate::trace;
pub(crate) use crate::trace::Jobs;
use insight_protocol::{Message, TaskId, encode_to, line};
use std::io::{self, ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::time::Duration;

/// How many connections there may be at a time, for each listener.
pub(crate) const MAX_CONNECTIONS: usize = 64;
/// How many more may be told at a time, by a thread each, that there are too many.
const MAX_REFUSALS: usize = 16;
/// Of how many bytes a part of a stream is about, at most.
const PART_BYTES: usize = 64 << 10;

const NDJSON: &str = "application/x-ndjson";

/// Accepts connections as long as the process lives.
pub(crate) fn listen(
    listener: &TcpListener,
    settings: &Arc<Settings>,
    commands: &SyncSender<Command>,
    traces: &Arc<Jobs>,
) {
    let (places, refusals) = (Arc::new(()), Arc::new(()));
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            // Out of file descriptors, most likely: trying again at once would not help, and take a core.
            Err(_) => {
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        let place = Arc::clone(&places);
        if stream.set_write_timeout(Some(settings.write_timeout)).is_err() {
            continue;
        }
        // One of them is the listener's own.
        if Arc::strong_count(&places) - 1 > MAX_CONNECTIONS {
            let refusal = Arc::clone(&refusals);
            if Arc::strong_count(&refusals) - 1 > MAX_REFUSALS {
                drop(refuse_at_once(&mut stream));
                continue;
            }
            drop(crate::spawn("insight-refusal", move || {
                drop(http::refuse(&mut stream, &too_many()));
                drop(refusal);
            }));
            continue;
        }
        let (settings, commands, traces) = (Arc::clone(settings), commands.clone(), Arc::clone(traces));
        let connection = Connection { stream, settings, commands, traces };
        // When no thread can be started, the connection is closed: the client sees that.
        drop(crate::spawn("insight-client", move || {
            // An error is the client's end of it.
            drop(connection.serve());
            drop(place);
        }));
    }
}

fn too_many() -> Reply {
    let text = format!("there are {MAX_CONNECTIONS} connections already");
    Reply::text("503 Service Unavailable", &text)
}

/// On the listener's thread, so without waiting for the client: where its request comes only now, it may see a reset
/// connection instead of the refusal.
fn refuse_at_once(stream: &mut TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    // What was read before the end does not reset the connection.
    drop(stream.read(&mut [0; 4096]));
    http::send(stream, &too_many(), false)
}

struct Connection {
    stream: TcpStream,
    settings: Arc<Settings>,
    commands: SyncSender<Command>,
    traces: Arc<Jobs>,
}

impl Connection {
    fn serve(mut self) -> io::Result<()> {
        let request = match http::read_request(&mut self.stream, self.settings.request_timeout) {
            Ok(request) => request,
            Err(NoRequest::Refused(reply)) => return http::refuse(&mut self.stream, &reply),
            Err(NoRequest::Gone) => return Ok(()),
        };
        let reply = match request.path.as_str() {
            "/v1/stream" if request.head_only => Reply::ok(NDJSON, String::new()),
            "/v1/stream" => return self.stream(&request),
            "/v1/snapshot" => match self.ask(Command::Snapshot) {
                Some(_) if request.head_only => Reply::ok(NDJSON, String::new()),
                Some(opening) => return self.snapshot(&request, &opening),
                None => no_answer(),
            },
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
                None => pages::page(path).unwrap_or_else(pages::not_found),
            },
        };
        http::send(&mut self.stream, &reply, request.head_only)
    }

    /// Asks the recorder's thread.
    fn ask<T>(&self, command: impl FnOnce(SyncSender<T>) -> Command) -> Option<T> {
        let (sender, reply) = mpsc::sync_channel(1);
        self.commands.try_send(command(sender)).ok()?;
        reply.recv_timeout(self.settings.request_timeout).ok()
    }

    fn trace(&self, id: TaskId, head_only: bool) -> Reply {
        let Some(subject) = self.ask(|reply| Command::Trace(id, reply)) else { return no_answer() };
        if subject.task.is_none() && !subject.was_task {
            return Reply::text("404 Not Found", &format!("there is no task {id}, and there was none"));
        }
        if head_only {
            // The program does nothing for a reply that nobody wants.
            return Reply::ok("application/json", String::new());
        }
        self.traces.run(id, || match serde_json::to_string(&trace::trace(id, subject)) {
            Ok(trace) => Reply::ok("application/json", trace),
            Err(_) => no_answer(),
        })
    }

    fn snapshot(&mut self, request: &Request, opening: &Opening) -> io::Result<()> {
        let mut lines = Lines::begin(&mut self.stream, request)?;
        lines.message(&opening.header.clone().into())?;
        opening.picture.tell_snapshot(|message| lines.message(&message))?;
        opening.off.iter().try_for_each(|message| lines.message(message))?;
        lines.end()
    }

    fn stream(&mut self, request: &Request) -> io::Result<()> {
        let client = Attached(Arc::new(Client::new(self.settings.queue_bytes)));
        let attach = || {
            let command = Command::Attach(Arc::clone(&client.0));
            self.commands.try_send(command).map_err(|_| io::Error::from(ErrorKind::NotConnected))
        };
        if attach().is_err() {
            return http::send(&mut self.stream, &no_answer(), false);
        }
        let mut lines = Lines::begin(&mut self.stream, request)?;
        loop {
            match client.0.next(PART_BYTES, self.settings.request_timeout) {
                Next::Opening(opening, gap) => {
                    match gap {
                        // Only one that was attached before was too slow: its stream has its header.
                        Some(gap) => lines.message(&gap.into())?,
                        None => lines.message(&opening.header.clone().into())?,
                    }
                    opening.tell(|message| lines.message(message))?;
                }
                Next::Live(bodies) => bodies.iter().try_for_each(|body| lines.push(body))?,
                Next::Lagging => attach()?,
                Next::Closed => return lines.end(),
            }
            lines.flush()?;
        }
    }
}

/// Its client is not one of the recorder's any more when the connection ends, however it does.
struct Attached(Arc<Client>);

impl Drop for Attached {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Numbered lines, sent some at a time.
struct Lines<'a> {
    chunks: Chunks<'a>,
    seq: u64,
    text: Vec<u8>,
}

impl<'a> Lines<'a> {
    fn begin(stream: &'a mut TcpStream, request: &Request) -> io::Result<Lines<'a>> {
        Ok(Lines { chunks: Chunks::begin(stream, request, NDJSON)?, seq: 0, text: Vec::new() })
    }

    /// A message of this stream alone.
    fn message(&mut self, message: &Message) -> io::Result<()> {
        self.seq += 1;
        encode_to(&mut self.text, self.seq, message);
        self.ended()
    }

    /// What was encoded for several.
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

fn no_answer() -> Reply {
    Reply::text("503 Service Unavailable", "the recorder does not answer; what it said is on the program's stderr")
}
