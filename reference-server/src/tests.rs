//! The server over real sockets, with a producer that sends the messages from the test.

use crate::connection::Shared;
use crate::places::Limits;
use crate::recorder::{Command, Settings};
use crate::testing::Script;
use insight_model::{EdgeBody, Model};
use insight_protocol::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Sender, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// A step that takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(20);

struct Server {
    port: u16,
    feed: Sender<Vec<Message>>,
    recorder: SyncSender<Command>,
    shared: Arc<Shared>,
}

fn settings() -> Settings {
    let millisecond = Duration::from_millis(1);
    Settings {
        interval: millisecond,
        check_interval: millisecond,
        settle_ns: 0,
        queue_bytes: 1 << 20,
        write_timeout: DEADLINE,
        ..Settings::default()
    }
}

fn serve(settings: Settings) -> Server {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (script, feed) = Script::new();
    let service = crate::instance::serve(Some(listener), None, script, settings).unwrap();
    Server { port, feed, recorder: service.commands, shared: service.shared }
}

impl Server {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// Sends these bytes, and returns the whole reply.
    fn send(&self, request: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(request).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        String::from_utf8(reply).unwrap()
    }

    fn get(&self, path: &str) -> String {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", self.port).as_bytes())
    }

    /// Turns recording on or off.
    fn record(&self, on: bool) {
        let (done, is_done) = sync_channel(1);
        self.recorder.send(Command::Record(on, done)).unwrap();
        is_done.recv_timeout(DEADLINE).unwrap();
    }

    fn stream(&self) -> Reader {
        let mut stream = self.connect();
        stream.write_all(b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
        let mut reader =
            Reader { reader: BufReader::new(stream), part: String::new(), seq: 0, model: Model::default() };
        assert_eq!(reader.head(), "HTTP/1.1 200 OK");
        reader
    }
}

/// Reads a stream, and checks that its sequence numbers have no gap.
struct Reader {
    reader: BufReader<TcpStream>,
    part: String,
    seq: u64,
    model: Model,
}

impl Reader {
    fn head(&mut self) -> String {
        let mut lines = self.reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty());
        let status = lines.next().unwrap();
        assert!(lines.any(|line| line == "Transfer-Encoding: chunked"));
        lines.for_each(drop);
        status
    }

    /// The next message; `None` at the end.
    fn next(&mut self) -> Option<Message> {
        if self.part.is_empty() {
            let mut length = String::new();
            self.reader.read_line(&mut length).unwrap();
            let length = usize::from_str_radix(length.trim_end(), 16).unwrap();
            let mut part = vec![0; length + 2];
            self.reader.read_exact(&mut part).unwrap();
            self.part = String::from_utf8(part).unwrap();
            assert_eq!(self.part.split_off(length), "\r\n");
        }
        let (line, rest) = self.part.split_once('\n')?;
        let Ok(Decoded::Message { seq, message }) = decode(line) else { panic!("{line}") };
        self.seq += 1;
        assert_eq!(seq, self.seq);
        self.part = rest.to_owned();
        self.model.apply(&message);
        Some(message)
    }

    /// The types of the messages up to the first one for which `last` is true, without heartbeats.
    fn until(&mut self, last: impl Fn(&Message) -> bool) -> Vec<&'static str> {
        let begun = Instant::now();
        let mut types = Vec::new();
        while let Some(message) = self.next() {
            assert!(begun.elapsed() < DEADLINE, "after {types:?}");
            if message.type_name() != "stream.heartbeat" {
                types.push(message.type_name());
            }
            if last(&message) {
                break;
            }
        }
        types
    }

    fn until_type(&mut self, last: &str) -> Vec<&'static str> {
        self.until(|message| message.type_name() == last)
    }
}

/// The coverage that a client has at the end of a snapshot.
fn unobserved(reader: &mut Reader) -> Option<u64> {
    reader.until_type("snapshot.end");
    reader.model.coverage.as_ref()?.executors.first()?.unobserved_tasks
}

#[test]
fn each_opening_contains_the_coverage() {
    let server = serve(Settings { queue_bytes: 4 << 10, ..settings() });
    let mut early = server.stream();
    assert_eq!(unobserved(&mut early), None);
    let executor = |number| with!(ExecutorCoverage::new("tokio", "1.54"), unobserved_tasks = number);
    let coverage = with!(StreamCoverage::default(), executors = vec![executor(Some(8))], at_ns = 1);
    server.feed.send(vec![coverage.into()]).unwrap();
    early.until_type("stream.coverage");
    assert_eq!(unobserved(&mut server.stream()), Some(8), "a late client");
    assert!(server.get("/v1/snapshot").contains(r#""type":"stream.coverage""#));
    // Overflows the queue of a client, so that the client gets a new opening.
    let text = "a".repeat(8 << 10);
    server.feed.send((1..=64).map(|id| string(id, &text)).collect()).unwrap();
    assert_eq!(unobserved(&mut early), Some(8), "a slow client");
}

fn string(id: u64, text: &str) -> Message {
    DefineString::new(StringId(id), text).into()
}

fn task(id: u64) -> Message {
    with!(TaskSpawned::default(), id = TaskId(id), name = Some(StringId(1)), at_ns = 1).into()
}

fn ended(id: u64) -> Message {
    TaskCompleted::new(TaskId(id), Outcome::Returned, 2).into()
}

/// A task that waits for a mutex that it holds itself.
pub(crate) fn stuck() -> Vec<Message> {
    let (task, resource) = (TaskId(7), ResourceId(3));
    vec![
        string(1, "worker"),
        string(2, "waiting for the lock"),
        with!(TaskSpawned::default(), id = task, name = Some(StringId(1)), at_ns = 1).into(),
        with!(TaskStats::default(), id = task, state = Some(TaskState::Idle), since_ns = 1, polls = 1, at_ns = 1)
            .into(),
        with!(ResourceCreated::new(resource, ResourceKind::Mutex, 1), capacity = Some(1)).into(),
        EdgeHold::new(EdgeId(1), task, resource, HoldMode::Exclusive, 1, 1).into(),
        EdgeWait::new(EdgeId(2), task, resource, Operation::Lock, StringId(2), 1, 1).into(),
    ]
}

#[test]
fn stream_has_a_header_then_a_snapshot_then_live_messages() {
    let server = serve(settings());
    let mut early = server.stream();
    assert_eq!(early.until_type("snapshot.end"), ["stream.header", "snapshot.begin", "snapshot.end"]);
    server.feed.send(vec![string(1, "a"), task(1), task(2), string(2, "not named by anything yet")]).unwrap();
    let live = early.until(|message| matches!(message, Message::DefineString(string) if string.id.0 == 2));
    assert_eq!(live, ["define.string", "task.spawned", "task.spawned", "define.string"]);

    let mut late = server.stream();
    let opening = ["stream.header", "snapshot.begin", "define.string", "task.spawned", "task.spawned", "snapshot.end"];
    assert_eq!(late.until_type("snapshot.end"), opening);
    // A message may use a definition from before this stream began.
    server.feed.send(stuck().split_off(2)).unwrap();
    for reader in [&mut early, &mut late] {
        reader.until_type("edge.wait");
        let reasons: Vec<String> = reader
            .model
            .edges
            .values()
            .filter_map(|edge| match &edge.body {
                EdgeBody::Wait { reason, .. } => Some(reason.to_string()),
                _ => None,
            })
            .collect();
        assert_eq!(reasons, ["not named by anything yet"]);
        reader.until_type("problem.raised");
    }
    assert_eq!(early.model.tasks, late.model.tasks);
    assert_eq!(early.model.problems, late.model.problems);

    server.feed.send(vec![ended(1)]).unwrap();
    drop(early);
    assert!(late.until_type("task.completed").ends_with(&["task.completed"]));
}

#[test]
fn a_snapshot_of_the_producer_keeps_the_problems() {
    let server = serve(settings());
    let mut reader = server.stream();
    reader.until_type("snapshot.end");
    server.feed.send(stuck()).unwrap();
    reader.until_type("problem.raised");
    let begin = with!(SnapshotBegin::default(), at_ns = 2, tasks = 1, resources = 1, edges = 2);
    let mut again = vec![begin.into()];
    again.extend(stuck());
    again.push(SnapshotEnd::new(2).into());
    server.feed.send(again).unwrap();
    reader.until_type("snapshot.end");
    assert_eq!(reader.until_type("problem.raised"), ["problem.raised"]);
    assert_eq!(reader.model.problems.keys().map(|id| id.0).collect::<Vec<_>>(), [1]);
}

#[test]
fn every_client_gets_a_gap_while_recording_is_off() {
    let server = serve(settings());
    let mut reader = server.stream();
    reader.until_type("snapshot.end");
    server.feed.send(stuck()).unwrap();
    reader.until_type("problem.raised");
    server.record(false);
    assert_eq!(reader.until_type("gap"), ["problem.cleared", "snapshot.begin", "snapshot.end", "gap"]);
    assert!(reader.model.tasks.is_empty() && reader.model.problems.is_empty());
    let opening = ["stream.header", "snapshot.begin", "snapshot.end", "gap"];
    assert_eq!(server.stream().until_type("gap"), opening);

    server.record(true);
    assert_eq!(reader.until_type("snapshot.end"), ["snapshot.begin", "snapshot.end"]);
    server.feed.send(stuck()).unwrap();
    reader.until_type("problem.raised");
    assert_eq!(reader.model.problems.keys().map(|id| id.0).collect::<Vec<_>>(), [2], "another problem");
    let now = server.stream().until_type("snapshot.end");
    assert!(now.contains(&"task.spawned") && !now.contains(&"gap"), "{now:?}");
}

#[test]
fn slow_client_gets_a_gap_and_a_new_snapshot() {
    let server = serve(settings());
    let (mut slow, mut quick) = (server.stream(), server.stream());
    slow.until_type("snapshot.end");
    quick.until_type("snapshot.end");
    let large = string(1, &"x".repeat(256 << 10));
    // More than the sockets' buffers can hold.
    for _ in 0..160 {
        server.feed.send(vec![large.clone()]).unwrap();
        assert_eq!(quick.until_type("define.string"), ["define.string"], "the other client is not held up");
    }
    server.feed.send(vec![task(1)]).unwrap();
    assert_eq!(quick.until_type("task.spawned"), ["task.spawned"]);

    // There are several gaps if the thread got no processor time before the client stopped reading.
    while slow.model.tasks.is_empty() {
        slow.until(|message| matches!(message, Message::Gap(_) | Message::TaskSpawned(_)));
        if slow.model.tasks.is_empty() {
            let gap = slow.model.gaps.last().unwrap();
            assert!(gap.count > 0 && gap.reason == "this client reads too slowly", "{gap:?}");
            assert!(matches!(slow.next(), Some(Message::SnapshotBegin(_))), "a snapshot follows the gap");
        }
    }
    assert!(!slow.model.gaps.is_empty());
    server.feed.send(vec![task(2)]).unwrap();
    assert!(slow.until_type("task.spawned").ends_with(&["task.spawned"]));
    assert_eq!(slow.model.tasks.len(), 2);
    assert!(quick.model.gaps.is_empty());
}

#[test]
fn client_that_reads_nothing_is_disconnected() {
    let server = serve(Settings { write_timeout: Duration::from_millis(20), ..settings() });
    let (mut stopped, mut quick) = (server.stream(), server.stream());
    quick.until_type("snapshot.end");
    let large = string(1, &"x".repeat(256 << 10));
    for _ in 0..160 {
        server.feed.send(vec![large.clone()]).unwrap();
        quick.until_type("define.string");
    }
    let later_ns = quick.model.now_ns + 500_000_000;
    quick.until(|message| matches!(message, Message::StreamHeartbeat(heartbeat) if heartbeat.at_ns > later_ns));
    let mut rest = Vec::new();
    stopped.reader.read_to_end(&mut rest).unwrap();
    assert!(!rest.ends_with(b"\r\n0\r\n\r\n"), "broken off, and seen to be");
}

#[test]
fn request_that_does_not_arrive_in_time_is_refused() {
    let server = serve(Settings { request_timeout: Duration::from_millis(20), ..settings() });
    assert!(server.send(b"").starts_with("HTTP/1.1 408 "));
    assert!(server.send(b"GET / HTTP/1.1\r\nHost: local").starts_with("HTTP/1.1 408 "));
}

#[test]
fn questions() {
    let server = serve(settings());
    assert!(server.get("/v1/problems").ends_with("\r\n\r\n{\"problems\":[]}"));
    server.feed.send(stuck()).unwrap();
    // Until the problem is confirmed.
    let reply = loop {
        let reply = server.get("/v1/problems");
        if !reply.ends_with("[]}") {
            break reply;
        }
    };
    let (head, json) = reply.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nContent-Type: application/json\r\n"), "{head}");
    assert!(head.contains("\r\nX-Content-Type-Options: nosniff\r\n"), "{head}");
    let problems: Problems = serde_json::from_str(json).unwrap();
    let problem = &problems.problems[0];
    assert_eq!((problem.tier, problem.tasks[0].id, problem.resources[0].id), (Tier::Proven, TaskId(7), ResourceId(3)));

    let graph = server.get("/v1/graph.dot");
    assert!(graph.contains("\r\nContent-Type: text/vnd.graphviz"), "{graph}");
    assert!(graph.contains("digraph"), "{graph}");

    let lines = server.send(b"GET /v1/snapshot HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let (_, lines) = lines.split_once("\r\n\r\n").unwrap();
    let types: Vec<&str> = lines
        .lines()
        .zip(1..)
        .map(|(line, expect)| match decode(line) {
            Ok(Decoded::Message { seq, message }) if seq == expect => message.type_name(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((types[0], types[1], *types.last().unwrap()), ("stream.header", "snapshot.begin", "snapshot.end"));
    assert!(server.get("/v1/snapshot").ends_with("\r\n0\r\n\r\n"));
    let head = server.send(b"HEAD /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn bad_requests_are_refused_and_pages_are_served() {
    let server = serve(settings());
    let check = |request: &str, expect: &str| {
        let reply = server.send(request.as_bytes());
        assert!(reply.starts_with(&format!("HTTP/1.1 {expect}")), "{request}: {reply}");
        assert!(reply.contains("\r\nConnection: close\r\n"), "{reply}");
        let policy = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";
        assert!(reply.contains(&format!("\r\nContent-Security-Policy: {policy}\r\n")), "{reply}");
        assert!(reply.contains("\r\nX-Content-Type-Options: nosniff\r\n"), "{reply}");
    };
    check("\u{16}\u{3}\u{1}\u{2}\0\u{1}", "400 ");
    check("hello\r\n\r\n", "400 ");
    check("POST /v1/problems HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", "405 ");
    check("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", "403 ");
    check("GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://example.com\r\n\r\n", "403 ");
    check(&format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(100 << 10)), "431 ");
    check("GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 ");
    assert!(server.get("/nothing").contains("/v1/stream"), "the reply names the paths");
    assert!(server.get("/").contains("href=\"/v1/problems\""));
    assert!(server.get("/docs/deadlock").starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html"));
    assert!(server.get("/docs").contains("\r\nLocation: /docs/\r\n"));
    assert!(server.get("/docs/search.js").contains("\r\nContent-Type: text/javascript"));
    check("GET /docs/pages.js HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 ");
    check("GET /docs/pages.js HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n", "403 ");
    let command = format!("consolation 127.0.0.1:{}", server.port);
    assert!(server.get("/docs/").contains(&command), "the page has the port of this server");
    // A client that disconnects in the middle of its request.
    drop(server.connect().write_all(b"GET / HT"));
    assert!(server.get("/v1/problems").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn trace_of_a_task_that_has_ended_or_is_unknown_says_so() {
    let server = serve(settings());
    let check = |id: &str, expect: &str| {
        let reply = server.get(&format!("/v1/tasks/{id}/trace"));
        assert!(reply.starts_with(&format!("HTTP/1.1 {expect}")), "{id}: {reply}");
        reply
    };
    // In the script, tasks 1 to 3 have ended.
    let reply = check("3", "200 ");
    let trace: TaskTrace = serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((trace.task, trace.outcome, trace.leaves), (TaskId(3), TraceOutcome::Ended, Vec::new()));
    // Task 4 may have another ID now.
    assert!(check("4", "200 ").contains("\"outcome\":\"not_known\""));
    assert!(check("5", "404 ").ends_with("\r\n\r\nthere is no task 5, and there was none\n"));
    check("0", "400 ");
    check("seven", "400 ");
    assert!(server.send(b"HEAD /v1/tasks/3/trace HTTP/1.1\r\nHost: localhost\r\n\r\n").ends_with("\r\n\r\n"));
    assert!(
        server
            .send(b"GET /v1/tasks/3/trace HTTP/1.1\r\nHost: localhost\r\nOrigin: http://example.com\r\n\r\n")
            .starts_with("HTTP/1.1 403 ")
    );
}

#[test]
fn connections_are_bounded_and_released() {
    let limits = Limits::of_process();
    let server = serve(settings());
    let mut held: Vec<Reader> = (0..limits.streams()).map(|_| server.stream()).collect();
    let stream = b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert!(server.send(stream).starts_with("HTTP/1.1 503 "), "no stream takes the last places");
    assert!(server.get("/").starts_with("HTTP/1.1 200 "));
    // Connections without a request give up their places.
    let idle: Vec<TcpStream> = (0..limits.connections() * 2).map(|_| server.connect()).collect();
    assert!(server.get("/").starts_with("HTTP/1.1 200 "));
    drop(idle);
    assert_eq!(held[0].until_type("snapshot.begin"), ["stream.header", "snapshot.begin"]);
    drop(held);
    let begun = Instant::now();
    // Each attempt is a complete request and reply.
    while !server.send(b"HEAD /v1/stream HTTP/1.0\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 200 ") {
        assert!(begun.elapsed() < DEADLINE, "streams without a client are kept");
    }
    while server.shared.places.streams() > 0 {
        assert!(begun.elapsed() < DEADLINE, "streams without a client are kept");
        std::thread::yield_now();
    }
}

#[test]
fn client_is_refused_when_all_places_are_taken() {
    let limits = Limits::of_process();
    let server = serve(settings());
    let _streams: Vec<Reader> = (0..limits.streams()).map(|_| server.stream()).collect();
    // Simulates clients that do not read their reply.
    let others: Vec<_> =
        (limits.streams()..limits.connections()).map(|_| server.shared.places.asking(limits)).collect();
    assert!(server.get("/").starts_with("HTTP/1.1 503 "));
    // Also a client that sends more than one read takes: unread bytes would reset the connection when it is closed.
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(12 << 10));
    assert!(server.send(long.as_bytes()).starts_with("HTTP/1.1 503 "));
    drop(others);
    assert!(server.get("/").starts_with("HTTP/1.1 200 "));
}

#[test]
fn stream_without_messages_for_a_long_time_stays_open() {
    // Simulates a process that was stopped for longer than all time limits.
    let slow = Duration::from_millis(300);
    let server = serve(Settings { interval: slow, request_timeout: Duration::from_millis(20), ..settings() });
    let mut reader = server.stream();
    reader.until_type("snapshot.end");
    for _ in 0..3 {
        assert!(matches!(reader.next(), Some(Message::StreamHeartbeat(_))));
    }
}

/// More than the sockets' buffers can hold.
fn large_snapshot(server: &Server) {
    let text = "x".repeat(256 << 10);
    let part = (1..=160).flat_map(|id| {
        let task = with!(TaskSpawned::default(), id = TaskId(id), name = Some(StringId(id)), at_ns = 1);
        [string(id, &format!("{id} {text}")), task.into()]
    });
    server.feed.send(part.collect()).unwrap();
}

#[test]
fn reply_that_is_read_too_slowly_is_broken_off() {
    let server = serve(Settings { reply_timeout: Duration::from_millis(200), ..settings() });
    large_snapshot(&server);
    for path in ["/v1/snapshot", "/v1/stream"] {
        let mut slow = server.connect();
        slow.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).unwrap();
        slow.read_exact(&mut [0; 100]).unwrap();
        let begun = Instant::now();
        while server.shared.snapshots.count() > 0 {
            assert!(begun.elapsed() < DEADLINE, "{path} is kept for a client that does not read");
            std::thread::yield_now();
        }
        let mut rest = Vec::new();
        // This is an error if the client notices that the reply is incomplete.
        let _ = slow.read_to_end(&mut rest);
        assert!(!rest.ends_with(b"\r\n0\r\n\r\n"), "{path} is broken off, and the client can notice it");
    }
}

#[test]
fn reply_is_complete_even_if_the_client_sends_more_than_its_request() {
    let server = serve(settings());
    let request = "GET /docs/deadlock HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let whole = server.send(request.as_bytes());
    assert!(whole.starts_with("HTTP/1.1 200 ") && whole.ends_with("</html>\n"), "{whole}");
    assert_eq!(server.send(request.repeat(1000).as_bytes()), whole, "pipelined");
    let body = format!(
        "GET /docs/deadlock HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n{}",
        "x".repeat(2_000_000)
    );
    assert_eq!(server.send(body.as_bytes()), whole, "with a body");
    let mut late = server.connect();
    late.write_all(b"GET /docs/deadlock HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n").unwrap();
    let mut reply = String::new();
    late.read_to_string(&mut reply).unwrap();
    assert_eq!(reply, whole);
    for _ in 0..2 {
        late.write_all(b"x").expect("no reset by a body that comes after the reply");
    }
    let absolute = format!("GET http://localhost:{}/docs/deadlock HTTP/1.1\r\nHost: localhost\r\n\r\n", server.port);
    assert_eq!(server.send(absolute.as_bytes()), whole);
    assert!(
        whole.contains("; frame-ancestors 'none'\r\n")
            && whole.contains("\r\nCross-Origin-Resource-Policy: same-origin\r\n")
    );
}

#[test]
fn panic_of_the_recorder_ends_only_the_streams() {
    let server = serve(settings());
    let mut reader = server.stream();
    reader.until_type("snapshot.end");
    server.feed.send(Vec::new()).unwrap();
    while reader.next().is_some() {}
    for path in ["/v1/problems", "/v1/stream", "/v1/snapshot", "/v1/graph.dot"] {
        assert!(server.get(path).starts_with("HTTP/1.1 503 "), "{path}");
    }
    assert!(server.get("/docs/").starts_with("HTTP/1.1 200 "));
}
