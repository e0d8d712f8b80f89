//! The server over real sockets, with a producer that says what the test gives it.

use crate::connection::MAX_CONNECTIONS;
use crate::recorder::{Command, Settings};
use crate::testing::Script;
use insight_model::{EdgeBody, Model};
use insight_protocol::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Sender, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// What takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(20);

struct Server {
    port: u16,
    feed: Sender<Vec<Message>>,
    recorder: SyncSender<Command>,
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
    let recorder = crate::instance::serve(Some(listener), None, script, settings).unwrap().commands;
    Server { port, feed, recorder }
}

impl Server {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// The whole reply to these bytes.
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

    /// Has it record, or not.
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

/// Reads a stream, and checks that its numbers are without a hole.
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

    /// The types of the messages up to the first for which `last` holds, without heartbeats.
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

/// What a client knows of the coverage at the end of a snapshot.
fn unobserved(reader: &mut Reader) -> Option<u64> {
    reader.until_type("snapshot.end");
    reader.model.coverage.as_ref()?.executors.first()?.unobserved_tasks
}

#[test]
fn each_opening_has_the_coverage() {
    let server = serve(Settings { queue_bytes: 4 << 10, ..settings() });
    let mut early = server.stream();
    assert_eq!(unobserved(&mut early), None);
    let executor =
        |number| ExecutorCoverage { name: "tokio".to_owned(), version: "1.54".to_owned(), unobserved_tasks: number };
    let coverage = StreamCoverage { executors: vec![executor(Some(8))], at_ns: 1, ..StreamCoverage::default() };
    server.feed.send(vec![coverage.into()]).unwrap();
    early.until_type("stream.coverage");
    assert_eq!(unobserved(&mut server.stream()), Some(8), "a late client");
    assert!(server.get("/v1/snapshot").contains(r#""type":"stream.coverage""#));
    // What overflows a queue: its client gets a new opening.
    let text = "a".repeat(8 << 10);
    server.feed.send((1..=64).map(|id| string(id, &text)).collect()).unwrap();
    assert_eq!(unobserved(&mut early), Some(8), "a slow client");
}

fn string(id: u64, text: &str) -> Message {
    DefineString { id: StringId(id), text: text.to_owned() }.into()
}

fn task(id: u64) -> Message {
    TaskSpawned { id: TaskId(id), name: Some(StringId(1)), at_ns: 1, ..TaskSpawned::default() }.into()
}

fn ended(id: u64) -> Message {
    TaskCompleted { id: TaskId(id), outcome: Outcome::Returned, at_ns: 2 }.into()
}

/// A task that waits for a mutex which it holds itself.
pub(crate) fn stuck() -> Vec<Message> {
    let (task, resource) = (TaskId(7), ResourceId(3));
    vec![
        string(1, "worker"),
        string(2, "waiting for the lock"),
        TaskSpawned { id: task, name: Some(StringId(1)), at_ns: 1, ..TaskSpawned::default() }.into(),
        TaskStats { id: task, state: Some(TaskState::Idle), since_ns: 1, polls: 1, at_ns: 1, ..TaskStats::default() }
            .into(),
        ResourceCreated {
            id: resource,
            kind: ResourceKind::Mutex,
            name: None,
            location: None,
            task: None,
            capacity: Some(1),
            hand_off: None,
            closed_by_any: false,
            at_ns: 1,
        }
        .into(),
        EdgeHold {
            id: EdgeId(1),
            task,
            resource,
            mode: HoldMode::Exclusive,
            units: 1,
            transferable: false,
            location: None,
            since_ns: 1,
        }
        .into(),
        EdgeWait {
            id: EdgeId(2),
            task,
            resource,
            operation: Operation::Lock,
            reason: StringId(2),
            need: 1,
            location: None,
            since_ns: 1,
        }
        .into(),
    ]
}

#[test]
fn a_stream_is_header_snapshot_live() {
    let server = serve(settings());
    let mut early = server.stream();
    assert_eq!(early.until_type("snapshot.end"), ["stream.header", "snapshot.begin", "snapshot.end"]);
    server.feed.send(vec![string(1, "a"), task(1), task(2), string(2, "not named by anything yet")]).unwrap();
    let live = early.until(|message| matches!(message, Message::DefineString(string) if string.id.0 == 2));
    assert_eq!(live, ["define.string", "task.spawned", "task.spawned", "define.string"]);

    let mut late = server.stream();
    let opening = ["stream.header", "snapshot.begin", "define.string", "task.spawned", "task.spawned", "snapshot.end"];
    assert_eq!(late.until_type("snapshot.end"), opening);
    // A message may name what was defined before this stream began.
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
    let begin = SnapshotBegin { at_ns: 2, tasks: 1, resources: 1, edges: 2, problems: 0 };
    let mut again = vec![begin.into()];
    again.extend(stuck());
    again.push(SnapshotEnd { at_ns: 2 }.into());
    server.feed.send(again).unwrap();
    reader.until_type("snapshot.end");
    assert_eq!(reader.until_type("problem.raised"), ["problem.raised"]);
    assert_eq!(reader.model.problems.keys().map(|id| id.0).collect::<Vec<_>>(), [1]);
}

#[test]
fn while_recording_is_off_every_client_is_told() {
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
fn a_slow_client_gets_a_gap_and_a_snapshot() {
    let server = serve(settings());
    let (mut slow, mut quick) = (server.stream(), server.stream());
    slow.until_type("snapshot.end");
    quick.until_type("snapshot.end");
    let large = string(1, &"x".repeat(256 << 10));
    // More than the sockets' buffers take.
    for _ in 0..160 {
        server.feed.send(vec![large.clone()]).unwrap();
        assert_eq!(quick.until_type("define.string"), ["define.string"], "the other client is not held up");
    }
    server.feed.send(vec![task(1)]).unwrap();
    assert_eq!(quick.until_type("task.spawned"), ["task.spawned"]);

    slow.until_type("gap");
    assert!(slow.model.gaps[0].count > 0);
    assert_eq!(slow.model.gaps[0].reason, "this client reads too slowly");
    let Some(Message::SnapshotBegin(begin)) = slow.next() else { panic!("a snapshot follows the gap") };
    assert_eq!(begin.tasks, 1);
    assert_eq!(slow.until_type("snapshot.end"), ["define.string", "task.spawned", "snapshot.end"]);
    server.feed.send(vec![task(2)]).unwrap();
    assert_eq!(slow.until_type("task.spawned"), ["task.spawned"]);
    assert_eq!(slow.model.tasks.len(), 2);
    assert!(quick.model.gaps.is_empty());
}

#[test]
fn a_client_that_takes_nothing_is_dropped() {
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
fn a_request_that_does_not_arrive() {
    let server = serve(Settings { request_timeout: Duration::from_millis(20), ..settings() });
    assert!(server.send(b"").starts_with("HTTP/1.1 408 "));
    assert!(server.send(b"GET / HTTP/1.1\r\nHost: local").starts_with("HTTP/1.1 408 "));
}

#[test]
fn questions() {
    let server = serve(settings());
    assert!(server.get("/v1/problems").ends_with("\r\n\r\n{\"problems\":[]}"));
    server.feed.send(stuck()).unwrap();
    let reply = server.get("/v1/problems");
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
fn requests_that_are_refused_and_pages() {
    let server = serve(settings());
    let check = |request: &str, expect: &str| {
        let reply = server.send(request.as_bytes());
        assert!(reply.starts_with(&format!("HTTP/1.1 {expect}")), "{request}: {reply}");
        assert!(reply.contains("\r\nConnection: close\r\n"), "{reply}");
        assert!(reply.contains("\r\nContent-Security-Policy: default-src 'none'"), "{reply}");
    };
    check("\u{16}\u{3}\u{1}\u{2}\0\u{1}", "400 ");
    check("hello\r\n\r\n", "400 ");
    check("POST /v1/problems HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", "405 ");
    check("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", "403 ");
    check("GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://example.com\r\n\r\n", "403 ");
    check(&format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(100 << 10)), "431 ");
    check("GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 ");
    assert!(server.get("/nothing").contains("/v1/stream"), "says what there is");
    assert!(server.get("/").contains("href=\"/v1/problems\""));
    assert!(server.get("/docs/deadlock").starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html"));
    assert!(server.get("/docs").contains("\r\nLocation: /docs/\r\n"));
    // A client that goes in the middle of its request.
    drop(server.connect().write_all(b"GET / HT"));
    assert!(server.get("/v1/problems").starts_with("HTTP/1.1 200 OK"));
}

#[test]
fn traces_of_tasks_that_are_not_there() {
    let server = serve(settings());
    let check = |id: &str, expect: &str| {
        let reply = server.get(&format!("/v1/tasks/{id}/trace"));
        assert!(reply.starts_with(&format!("HTTP/1.1 {expect}")), "{id}: {reply}");
        reply
    };
    // As the script has it, tasks 1 to 3 have ended.
    let reply = check("3", "200 ");
    let trace: TaskTrace = serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((trace.task, trace.outcome, trace.leaves), (TaskId(3), TraceOutcome::Ended, Vec::new()));
    assert!(check("4", "404 ").ends_with("\r\n\r\nthere is no task 4, and there was none\n"));
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
fn connections_have_a_bound_and_are_let_go() {
    let server = serve(settings());
    let mut held: Vec<Reader> = (0..MAX_CONNECTIONS).map(|_| server.stream()).collect();
    assert!(server.get("/").starts_with("HTTP/1.1 503 "));
    // Also one that sends more than is read at once: what is unread at the end would reset the connection.
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(12 << 10));
    assert!(server.send(long.as_bytes()).starts_with("HTTP/1.1 503 "));
    assert_eq!(held[0].until_type("snapshot.begin"), ["stream.header", "snapshot.begin"]);
    drop(held);
    let begun = Instant::now();
    // Each try is a whole exchange.
    while !server.get("/").starts_with("HTTP/1.1 200 ") {
        assert!(begun.elapsed() < DEADLINE, "streams without a client are kept");
    }
}

#[test]
fn a_fault_of_the_recorder_ends_the_streams_and_nothing_else() {
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
