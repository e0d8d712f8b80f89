//! `/v1/tasks/{id}/trace` of async-std's tasks: each await at its own line.
#![cfg(all(feature = "default", feature = "unstable"))]

extern crate insight_async_std as async_std;

use async_std::channel::unbounded;
use async_std::prelude::*;
use async_std::sync::{Arc, Condvar, Mutex};
use async_std::task;
use insight_protocol::{FrameKind, TaskTrace, TraceOutcome};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex as StdMutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Time after which a test has failed.
const DEADLINE: Duration = Duration::from_secs(60);

/// The insight of this process, for one test at a time.
fn insight() -> (SocketAddr, MutexGuard<'static, ()>) {
    static INSIGHT: OnceLock<SocketAddr> = OnceLock::new();
    static TURN: StdMutex<()> = StdMutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let address = INSIGHT.get_or_init(|| insight::init!(listen_port => 0).address().expect("it listens"));
    (*address, turn)
}

/// The body of the answer.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    assert_eq!(head.lines().next(), Some("HTTP/1.1 200 OK"), "{body}");
    body.to_owned()
}

/// The id of the newest task.
fn newest(address: SocketAddr) -> u64 {
    insight_test_kit::newest(|| get(address, "/v1/snapshot"))
}

/// The line of this file with this comment at its end.
fn line(marker: &str) -> u32 {
    let comment = format!("// here: {marker}");
    let lines = include_str!("trace.rs").lines().zip(1..);
    let lines: Vec<u32> = lines.filter(|(line, _)| line.ends_with(&comment)).map(|(_, number)| number).collect();
    assert_eq!(lines.len(), 1, "{marker}");
    lines[0]
}

/// Parks a task, traces it until its awaits are `markers`, and releases it by `release`.
fn check<T: Send + 'static>(
    address: SocketAddr,
    future: impl Future<Output = T> + Send + 'static,
    release: impl FnOnce(),
    markers: &[&str],
) -> T {
    let task = task::spawn(future);
    let id = newest(address);
    let expect: BTreeSet<u32> = markers.iter().map(|marker| line(marker)).collect();
    let begun = Instant::now();
    let trace = loop {
        let body = get(address, &format!("/v1/tasks/{id}/trace"));
        let trace: TaskTrace = serde_json::from_str(&body).unwrap();
        let place = |leaf: &insight_protocol::TraceLeaf| Some(leaf.own_frame()?.location.as_ref()?.line);
        // A timer of async-io has two clones of a waker, and the trace shows an await for each.
        let awaits: BTreeSet<u32> = trace.leaves.iter().filter_map(place).collect();
        // The task may not have reached the await yet.
        if awaits == expect {
            break trace;
        }
        assert!(begun.elapsed() < DEADLINE, "expected {expect:?}: {trace:#?}");
    };
    assert_eq!((trace.outcome.clone(), trace.more), (TraceOutcome::Captured, 0));
    for leaf in &trace.leaves {
        let own = leaf.frames.iter().filter(|frame| frame.kind == FrameKind::Own);
        for frame in own {
            let file = &frame.location.as_ref().unwrap().file;
            assert!(file.ends_with("tests/trace.rs"), "{file} is not the program's");
        }
    }
    release();
    task::block_on(task)
}

#[test]
fn what_a_task_waits_for() {
    let (insight, _turn) = insight();
    let (sender, receiver) = unbounded();
    async fn middle(receiver: async_std::channel::Receiver<u8>) -> u8 {
        receiver.recv().await.unwrap() // here: recv
    }
    assert_eq!(
        check(insight, async move { 1 + middle(receiver).await }, || sender.send_blocking(7).unwrap(), &["recv"]),
        8
    );

    let (sender, mut receiver) = unbounded();
    let next = async move { receiver.next().await }; // here: next
    assert_eq!(check(insight, next, || sender.send_blocking(7).unwrap(), &["next"]), Some(7));

    let lock = Arc::new(Mutex::new(5));
    let held = lock.try_lock_arc().unwrap();
    let locks = async move { *lock.lock().await }; // here: lock
    assert_eq!(check(insight, locks, || drop(held), &["lock"]), 5);

    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let waits = {
        let pair = pair.clone();
        async move {
            let guard = pair.0.lock().await;
            *pair.1.wait_until(guard, |set| *set).await // here: condition
        }
    };
    let set = || {
        *pair.0.lock_blocking() = true;
        pair.1.notify_all();
    };
    assert!(check(insight, waits, set, &["condition"]));
}

#[test]
fn what_is_not_observed_and_what_has_a_timeout() {
    let (insight, _turn) = insight();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let reads = async move {
        let mut stream = async_std::net::TcpStream::connect(address).await.unwrap();
        let mut byte = [0];
        let read = async {
            stream.read_exact(&mut byte).await // here: read
        };
        async_std::io::timeout(DEADLINE, read).await.unwrap(); // here: timeout
        byte[0]
    };
    let value = check(insight, reads, || listener.accept().unwrap().0.write_all(b"x").unwrap(), &["read", "timeout"]);
    assert_eq!(value, b'x');
}

#[test]
fn who_waits_for_a_blocking_task() {
    let (insight, _turn) = insight();
    let (sender, receiver) = std::sync::mpsc::channel();
    let blocks = task::spawn_blocking(move || receiver.recv().unwrap());
    let joins = async move {
        1 + blocks.await // here: join
    };
    assert_eq!(check(insight, joins, || sender.send(7).unwrap(), &["join"]), 8);
}
