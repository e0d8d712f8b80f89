//! Panics of tokio's tasks, from the program to the snapshot of the server.
#![cfg(feature = "full")]

extern crate insight_tokio as tokio;

use insight_protocol::{Decoded, FrameKind, Message, Outcome, TaskEnded, TaskKind, TaskTrace, decode};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Time after which the test has failed.
const DEADLINE: Duration = Duration::from_secs(60);

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// The ended tasks of a snapshot with this number of them, by name.
fn ended(address: SocketAddr, number: usize) -> BTreeMap<String, TaskEnded> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let (mut names, mut ended) = (BTreeMap::new(), BTreeMap::new());
        for line in get(address, "/v1/snapshot").lines() {
            match decode(line) {
                Ok(Decoded::Message { message: Message::DefineString(string), .. }) => {
                    names.insert(string.id, string.text);
                }
                Ok(Decoded::Message { message: Message::TaskEnded(end), .. }) => {
                    let name = end.name.and_then(|id| names.get(&id)).cloned().unwrap_or_default();
                    ended.insert(name.rsplit("::").next().unwrap_or_default().to_owned(), end);
                }
                _ => {}
            }
        }
        if ended.len() == number {
            return ended;
        }
        assert!(Instant::now() < deadline, "{ended:?}");
    }
}

async fn import(user: u64) {
    tokio::task::yield_now().await;
    panic!("no user {user}");
}

async fn forever() {
    std::future::pending().await
}

async fn quick() -> u64 {
    7
}

fn block() {
    panic!("in a closure");
}

/// r[task.ended.last], r[task.completed.panic]
#[test]
fn snapshot_has_the_ended_tasks_with_their_messages() {
    let address = insight::init!(listen_port => 0, panics => message).address().expect("it listens");
    std::panic::set_hook(Box::new(|_| {}));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let panicked = tokio::spawn(import(7)).await.unwrap_err();
        // The payload is the program's own.
        assert_eq!(*panicked.into_panic().downcast::<String>().unwrap(), "no user 7");
        let panicked = tokio::task::spawn_blocking(block).await.unwrap_err();
        assert_eq!(*panicked.into_panic().downcast::<&str>().unwrap(), "in a closure");
        let aborted = tokio::spawn(forever());
        aborted.abort();
        assert!(aborted.await.unwrap_err().is_cancelled());
        assert_eq!(tokio::spawn(quick()).await.unwrap(), 7);
    });
    // The root of the runtime has ended, too.
    let ended = ended(address, 5);
    let facts = |name: &str| {
        let end = &ended[name];
        (end.outcome.clone(), end.panic.as_deref(), end.kind.clone())
    };
    assert_eq!(facts("import"), (Outcome::Panicked, Some("no user 7"), TaskKind::Task));
    assert_eq!(facts("block"), (Outcome::Panicked, Some("in a closure"), TaskKind::Blocking));
    assert_eq!(facts("forever"), (Outcome::Cancelled, None, TaskKind::Task));
    assert_eq!(facts("quick"), (Outcome::Returned, None, TaskKind::Task));
    let import = &ended["import"];
    assert!(import.location.is_some() && import.parent.is_some() && import.executor.is_some(), "{import:?}");
    assert!(import.spawned_ns < import.at_ns);

    // A trace ends at the task's own future, inside of the catch.
    let (_sender, receiver) = real::sync::oneshot::channel::<()>();
    let waiting = runtime.spawn(async move { receiver.await.unwrap() });
    let id = insight_test_kit::newest(|| get(address, "/v1/snapshot"));
    let deadline = Instant::now() + DEADLINE;
    // The task may not have reached the await yet.
    let trace = loop {
        let trace: TaskTrace = serde_json::from_str(&get(address, &format!("/v1/tasks/{id}/trace"))).unwrap();
        if trace.leaves.len() == 1 {
            break trace;
        }
        assert!(Instant::now() < deadline, "{trace:?}");
    };
    let frames = &trace.leaves[0].frames;
    assert_eq!(frames.last().map(|frame| &frame.kind), Some(&FrameKind::Own), "{frames:?}");
    let is_catch = |name: &str| name.contains("catch_unwind") || name.contains("noting");
    assert!(!frames.iter().filter_map(|frame| frame.function.as_deref()).any(is_catch), "{frames:?}");
    waiting.abort();
}
