//! `/v1/tasks/{id}/trace` of smol's tasks: each await has its own line, whichever thread runs the task.

extern crate insight_smol as smol;

use insight_protocol::{TaskTrace, TraceOutcome};
use smol::{Executor, Timer, channel, future};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Time after which a test has failed.
const DEADLINE: Duration = Duration::from_secs(60);

/// The insight of this process, for one test at a time.
fn insight() -> (SocketAddr, MutexGuard<'static, ()>) {
    static INSIGHT: OnceLock<SocketAddr> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let address = INSIGHT.get_or_init(|| insight::init!(listen_port => 0).address().expect("it listens"));
    (*address, turn)
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn trace(address: SocketAddr, id: u64) -> TaskTrace {
    let body = get(address, &format!("/v1/tasks/{id}/trace"));
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// The present tasks, by their kinds.
fn tasks(address: SocketAddr) -> Vec<(u64, String)> {
    let body = get(address, "/v1/snapshot");
    let tasks = body.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let task = || Some((line["id"].as_u64()?, line["kind"].as_str()?.to_owned()));
        (line["type"] == "task.spawned").then(task).flatten()
    });
    tasks.collect()
}

/// The line of this file with this comment at its end.
fn line(marker: &str) -> u32 {
    let comment = format!("// here: {marker}");
    let lines: Vec<u32> = (1..)
        .zip(include_str!("trace.rs").lines())
        .filter(|(_, line)| line.ends_with(&comment))
        .map(|(n, _)| n)
        .collect();
    assert_eq!(lines.len(), 1, "{marker}");
    lines[0]
}

/// Runs `program` on a thread of its own until its only task of this kind awaits exactly `markers`. Then calls
/// `release`.
fn check(program: impl FnOnce() + Send, release: impl FnOnce(), kind: &str, markers: &[&str]) {
    let (address, _turn) = insight();
    let mut expect: Vec<u32> = markers.iter().map(|marker| line(marker)).collect();
    expect.sort_unstable();
    std::thread::scope(|scope| {
        scope.spawn(program);
        let begun = Instant::now();
        loop {
            // The task may not have reached the await yet.
            let task = tasks(address).into_iter().find(|(_, its)| its == kind);
            let trace = task.map(|(id, _)| trace(address, id));
            let own = |trace: &TaskTrace| -> Vec<u32> {
                let line = |leaf: &insight_protocol::TraceLeaf| Some(leaf.own_frame()?.location.as_ref()?.line);
                let mut lines: Vec<u32> = trace.leaves.iter().map(|leaf| line(leaf).unwrap_or(0)).collect();
                lines.sort_unstable();
                lines
            };
            if trace.as_ref().is_some_and(|trace| own(trace) == expect && trace.outcome == TraceOutcome::Captured) {
                break;
            }
            assert!(begun.elapsed() < DEADLINE, "expected {expect:?}: {trace:#?}");
        }
        release();
    });
}

#[test]
fn a_receiver_in_a_task_of_the_global_executor() {
    let (sender, receiver) = channel::bounded::<u8>(1);
    async fn middle(receiver: &channel::Receiver<u8>) -> u8 {
        receiver.recv().await.unwrap() // here: recv
    }
    let program = move || {
        let task = smol::spawn(async move { middle(&receiver).await + 1 });
        assert_eq!(smol::block_on(task), 8, "the program continues as before");
    };
    check(program, || sender.try_send(7).unwrap(), "task", &["recv"]);
}

#[test]
fn what_the_task_awaits_that_runs_an_executor_and_not_what_the_executor_does() {
    let (sender, receiver) = channel::bounded::<u8>(1);
    let (other_sender, other_receiver) = channel::bounded::<u8>(1);
    let program = move || {
        let executor = Executor::new();
        let other = executor.spawn(async move { other_receiver.recv().await });
        smol::block_on(executor.run(async {
            let hour = async {
                Timer::after(Duration::from_secs(3600)).await; // here: timer
                Ok(0)
            };
            let received = async { receiver.recv().await }; // here: run
            assert_eq!(future::or(received, hour).await, Ok(7));
            drop(other);
        }));
    };
    // The timer has the waker twice.
    let release = || {
        sender.try_send(7).unwrap();
        drop(other_sender);
    };
    check(program, release, "block_on", &["run", "timer", "timer"]);
}
