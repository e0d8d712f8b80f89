//! Real sockets, with servers that behave badly.

use super::address;
use super::story::{header, story};
use crate::args::Address;
use crate::connection::{Connection, recording, snapshot};
use crate::failure::Failure;
use crate::snapshot::Link;
use insight_protocol::*;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc;

/// Answers one connection after another, each at a call of `reply`.
struct Server {
    address: Address,
    replies: mpsc::Sender<(Vec<u8>, mpsc::Receiver<()>)>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = address(&listener.local_addr().unwrap().to_string());
        let (replies, waiting) = mpsc::channel::<(Vec<u8>, mpsc::Receiver<()>)>();
        std::thread::spawn(move || {
            for (bytes, until) in waiting {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut request = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                while request.read_line(&mut line).is_ok_and(|read| read > 2) {
                    line.clear();
                }
                let _ = stream.write_all(&bytes);
                // Ends when the test lets go.
                let _ = until.recv();
            }
        });
        Server { address, replies }
    }

    /// Answers the next connection, and closes it when the result is dropped.
    fn reply(&self, bytes: impl Into<Vec<u8>>) -> mpsc::Sender<()> {
        let (hold, until) = mpsc::channel();
        self.replies.send((bytes.into(), until)).unwrap();
        hold
    }
}

/// A chunked body that does not end.
fn stream(lines: &[String]) -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for line in lines {
        // Chunks and lines need not end together; a chunk of no bytes would end the body.
        let line = format!("{line}\n");
        let (first, second) = line.split_at(line.floor_char_boundary(line.len() / 2));
        for chunk in [first, second].iter().filter(|chunk| !chunk.is_empty()) {
            bytes.extend(format!("{:x}\r\n{chunk}\r\n", chunk.len()).bytes());
        }
    }
    bytes
}

/// The story of a run, with lines put in after the snapshot.
fn run(session: &str, more: &[&str]) -> Vec<u8> {
    let mut story = story(|_| {});
    story.messages[0] = header(session).into();
    let lines: Vec<String> = story.lines().into_iter().chain(more.iter().map(|line| (*line).to_owned())).collect();
    stream(&lines)
}

fn connected(connection: &Connection, session: &str) {
    connection.wait_until(session, |p| p.link == Link::Connected && p.session() == Some(session));
}

#[test]
fn bad_lines_are_counted_and_the_stream_continues() {
    let server = Server::start();
    let next = story(|_| {}).messages.len() as u64 + 1;
    let last = encode(next + 3, &ProblemCleared::new(ProblemId(99), 77_000_000_000).into());
    let unknown = format!(r#"{{"type":"task.dreamt","seq":{next},"of":"sheep"}}"#);
    let malformed = format!(r#"{{"type":"gap","seq":{}}}"#, next + 2);
    let _hold = server.reply(run("first run", &[&unknown, "not json", &malformed, "", &last]));
    let connection = Connection::open(&server.address).unwrap();
    connection.wait_until("the last line came", |p| p.model.now_ns == 77_000_000_000);
    let snapshot = connection.snapshot();
    assert_eq!(snapshot.link, Link::Connected);
    assert_eq!(snapshot.model.tasks.len(), 5);
    assert_eq!(snapshot.losses.bad_lines, 2);
    assert_eq!(snapshot.losses.last_bad_line, "malformed `gap`: missing field `count` (column 23)");
    assert_eq!(snapshot.losses.unknown_messages, 1);
    assert_eq!(snapshot.losses.missing_messages, 0, "the bad lines had their numbers");
}

#[test]
fn the_last_snapshot_stays_until_the_program_is_back() {
    let server = Server::start();
    let hold = server.reply(run("first run", &[]));
    let connection = Connection::open(&server.address).unwrap();
    connected(&connection, "first run");
    connection.wait_until("the snapshot is there", |p| p.model.complete);

    drop(hold);
    connection.wait_until("the program is gone", |p| matches!(p.link, Link::Gone { .. }));
    assert_eq!(connection.snapshot().model.tasks.len(), 5, "the last snapshot is kept");
    // It does not come back at once.
    drop(server.reply(""));
    drop(server.reply(""));
    let _hold = server.reply(run("second run", &[]));
    connected(&connection, "second run");
    assert_eq!(connection.snapshot().model.tasks.len(), 5);
}

#[test]
fn the_old_snapshot_is_stale_until_the_new_one_is_complete() {
    let server = Server::start();
    let hold = server.reply(run("first run", &[]));
    let connection = Connection::open(&server.address).unwrap();
    connected(&connection, "first run");
    connection.wait_until("the snapshot is there", |p| p.model.complete);
    // A new program has the address, and its snapshot does not end.
    let mut lines = story(|_| {}).lines();
    lines.truncate(10);
    lines[0] = encode(1, &header("second run").into());
    let half = server.reply(stream(&lines));
    drop(hold);
    connection.wait_until("its header came", |p| matches!(p.link, Link::Reading { .. }));
    let snapshot = connection.snapshot_after(0).unwrap();
    assert_eq!((snapshot.session(), snapshot.model.tasks.len()), (Some("first run"), 5));
    assert!(matches!(snapshot.link, Link::Reading { .. }), "{:?}", snapshot.link);
    let _hold = server.reply(run("second run", &[]));
    drop(half);
    connected(&connection, "second run");
}

#[test]
fn a_snapshot_in_mid_stream_makes_the_old_one_stale_too() {
    let server = Server::start();
    let next = story(|_| {}).messages.len() as u64 + 1;
    let begin = with!(SnapshotBegin::default(), at_ns = 1);
    let _hold = server.reply(run("first run", &[&encode(next, &begin.into())]));
    let connection = Connection::open(&server.address).unwrap();
    connection.wait_until("it begins", |p| p.model.complete && matches!(p.link, Link::Reading { .. }));
    assert_eq!(connection.snapshot().model.tasks.len(), 5);
}

#[test]
fn another_major_version_is_refused_with_both_versions() {
    let server = Server::start();
    let lines: Vec<String> = story(|_| {}).lines().iter().map(|it| it.replacen("\"1.0\"", "\"2.0\"", 1)).collect();
    let _hold = [server.reply(stream(&lines)), server.reply(stream(&lines))];
    let refused = snapshot(&server.address).unwrap_err();
    assert_eq!(refused, Failure::OtherVersion("2.0".into()));
    assert_eq!(
        refused.to_string(),
        "it speaks insight 2.0, and this consolation 1.0: use the consolation of its version"
    );
    drop(_hold);
    let server = Server::start();
    let _hold = server.reply(stream(&lines));
    let connection = Connection::open(&server.address).unwrap();
    connection.wait_until("it is refused", |p| p.link == Link::OtherVersion { protocol: "2.0".into() });
    assert!(connection.snapshot().model.header.is_none(), "nothing is shown");
}

#[test]
fn all_lost_facts_are_counted() {
    let server = Server::start();
    let next = story(|_| {}).messages.len() as u64 + 1;
    let gap = |seq| {
        encode(seq, &with!(Gap::default(), count = 2, kinds = vec![], reason = "full".into(), at_ns = seq).into())
    };
    let gaps: Vec<String> = (next..next + 250).map(gap).collect();
    let again = story(|_| {}).messages.into_iter().skip(1).enumerate();
    let again = again.map(|(at, message)| encode(next + 250 + at as u64, &message));
    let lines: Vec<String> = gaps.into_iter().chain(again).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let _hold = server.reply(run("first run", &lines));
    let connection = Connection::open(&server.address).unwrap();
    connection.wait_until("all came", |p| p.link == Link::Connected && p.gap_count() == 500);
    assert_eq!(connection.snapshot_after(0).unwrap().gap_count(), 500);
}

#[test]
fn names_are_cut() {
    let server = Server::start();
    let next = story(|_| {}).messages.len() as u64 + 1;
    let define = DefineString::new(StringId(900), "x".repeat(1 << 20));
    let task = with!(TaskSpawned::default(), id = TaskId(900), name = Some(StringId(900)));
    let lines = [encode(next, &define.into()), encode(next + 1, &task.into())];
    let _hold = server.reply(run("first run", &[&lines[0], &lines[1]]));
    let connection = Connection::open(&server.address).unwrap();
    connection.wait_until("the task came", |p| p.model.tasks.contains_key(&TaskId(900)));
    let length = connection.snapshot().model.tasks[&TaskId(900)].origin.name.as_deref().map(str::len);
    assert_eq!(length, Some(insight_reader::NAME_LIMIT));
}

#[test]
fn another_server_is_quoted() {
    let check = |reply: &str, expect: &str| {
        let server = Server::start();
        drop(server.reply(reply));
        let connection = Connection::open(&server.address).unwrap();
        connection.wait_until(expect, |p| p.link == Link::NotInsight { sent: expect.into() });

        let server = Server::start();
        drop(server.reply(reply));
        assert_eq!(snapshot(&server.address).unwrap_err(), Failure::NotInsight(expect.into()));
    };
    check("HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n<!doctype html>\n<p>Hello", "\"<!doctype html>\"");
    check("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nno page", "\"404 Not Found no page\"");
    check("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", "\"302 Found\"");
    check("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "nothing");
}

#[test]
fn a_snapshot_that_is_cut_off_is_an_error() {
    let server = Server::start();
    let lines = story(|_| {}).lines();
    let hold = server.reply({
        let mut bytes = stream(&lines[..10]);
        bytes.extend(b"0\r\n\r\n");
        bytes
    });
    assert_eq!(snapshot(&server.address).unwrap_err(), Failure::Incomplete { why: None });
    drop(server.reply(stream(&lines[..10])));
    drop(hold);
    let why = Some("the connection ended too soon".to_owned());
    assert_eq!(snapshot(&server.address).unwrap_err(), Failure::Incomplete { why });
}

#[test]
fn the_end_of_a_snapshot_without_its_begin_is_an_error() {
    let server = Server::start();
    let header = story(|_| {}).lines().remove(0);
    let end = r#"{"seq":2,"type":"snapshot.end","at_ns":9}"#.to_owned();
    drop(server.reply([stream(&[header, end]), b"0\r\n\r\n".to_vec()].concat()));
    assert_eq!(snapshot(&server.address).unwrap_err(), Failure::Incomplete { why: None });
}

#[test]
fn a_refusal_without_words_is_a_refusal() {
    let server = Server::start();
    let hold = server.reply("HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\ntoo many");
    let why = "the program refuses: too many".to_owned();
    assert_eq!(snapshot(&server.address).unwrap_err(), Failure::Unreachable(why));
    drop(hold);
}

#[test]
fn a_port_without_a_program_refuses() {
    // A free port of our own could be taken by another test.
    match snapshot(&address("127.0.0.1:1")) {
        Err(Failure::Unreachable(why)) => assert_eq!(why, "connection refused"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_compressed_recording_is_shown_up_to_where_it_is_cut_off() {
    const DEADLOCK: &str = include_str!("../../../conformance/recordings/deadlock.ndjson");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(DEADLOCK.as_bytes()).unwrap();
    packed.flush().unwrap();
    let flushed = packed.get_ref().len();
    let whole = packed.finish().unwrap();
    let path = std::env::temp_dir().join(format!("insight-consolation-{}.ndjson.gz", std::process::id()));
    let snapshot_of = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        recording(&path)
    };
    let mut damaged = whole.clone();
    damaged[whole.len() - 6] ^= 1;
    for (bytes, cut) in [
        (&whole[..], None),
        (&whole[..flushed], Some("it is cut off at line 69: its gzip data has no end")),
        // The lines are there, also with a wrong trailer.
        (&damaged[..], Some("it is cut off at line 69: its gzip data is damaged")),
    ] {
        let snapshot = snapshot_of(bytes).unwrap();
        assert_eq!((snapshot.model.problems.len(), snapshot.losses.bad_lines), (1, 0));
        assert_eq!(snapshot.losses.cut.as_deref(), cut);
    }
    assert_eq!(
        snapshot_of(&whole[..40]).unwrap_err(),
        "it broke off before its first line ended: its gzip data has no end"
    );
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn one_snapshot_waits_for_the_awaits_in_the_stream() {
    let whole = || [run("first run", &[]), b"0\r\n\r\n".to_vec()].concat();
    let next = story(|_| {}).messages.len() as u64 + 1;
    // The tasks of the story that are idle.
    let awaits: Vec<String> = (1..5)
        .map(|id| encode(next + id - 1, &with!(TaskAwaits::default(), id = TaskId(id), polls = 3).into()))
        .collect();
    let awaits: Vec<&str> = awaits.iter().map(String::as_str).collect();
    let check = |stream: Vec<u8>, expect: usize| {
        let server = Server::start();
        drop(server.reply(whole()));
        let hold = server.reply(stream);
        let model = snapshot(&server.address).unwrap().model;
        let known = model.tasks.keys().filter(|id| model.awaits(*id).is_some());
        assert_eq!((model.tasks.len(), known.count()), (5, expect));
        drop(hold);
    };
    // It does not wait for the end of the stream.
    check(run("first run", &awaits), 4);
    // The program has no awaits, or no stream: there is still a snapshot.
    check(run("first run", &[]), 0);
    check(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_vec(), 0);
    check(stream(&[]), 0);
}
