//! `/v1/tasks/{id}/trace` of real tasks: each await has its own line, whichever crate the awaited future is from.
#![cfg(feature = "full")]

extern crate insight_tokio as tokio;

use insight_protocol::{FrameKind, TaskTrace, TraceOutcome};
use real::io::AsyncReadExt;
use std::collections::BTreeSet;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
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

fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

fn trace(address: SocketAddr, id: u64) -> TaskTrace {
    let (status, body) = get(address, &format!("/v1/tasks/{id}/trace"));
    assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
    serde_json::from_str(&body).unwrap()
}

/// The id of the newest task.
fn newest(address: SocketAddr) -> u64 {
    insight_test_kit::newest(|| get(address, "/v1/snapshot").1)
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

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Parks a task, traces it until its awaits are `markers`, releases it by `release`, and returns its value.
fn check<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
    release: impl FnOnce(),
    markers: &[&str],
) -> (TaskTrace, T) {
    let (address, _turn) = insight();
    let runtime = runtime();
    let task = runtime.spawn(future);
    let id = newest(address);
    let expect: BTreeSet<u32> = markers.iter().map(|marker| line(marker)).collect();
    let begun = Instant::now();
    let trace = loop {
        let trace = trace(address, id);
        let awaits: Vec<u32> = trace
            .leaves
            .iter()
            .filter_map(|leaf| {
                let location = leaf.own_frame()?.location.as_ref()?;
                assert!(location.file.ends_with("tests/trace.rs"), "{location}");
                Some(location.line)
            })
            .collect();
        // The task may not have reached the await yet.
        if awaits.iter().copied().collect::<BTreeSet<u32>>() == expect && awaits.len() == markers.len() {
            break trace;
        }
        assert!(begun.elapsed() < DEADLINE, "expected {expect:?}: {trace:#?}");
    };
    assert_eq!((trace.outcome.clone(), trace.more), (TraceOutcome::Captured, 0));
    for leaf in &trace.leaves {
        let own = leaf.own_frame().unwrap();
        assert!(own.source.as_ref().is_some_and(|source| source.text.as_ref().unwrap().contains("// here")), "{own:?}");
        for frame in &leaf.frames {
            let name = frame.function.as_deref().unwrap_or_default();
            let noise = ["clone_tracing", "Observed", "{closure", "run_task", "std::rt", "thread_start"];
            assert!(!noise.iter().any(|noise| name.contains(noise)), "{name} of {trace:#?}");
        }
    }
    release();
    let value = runtime.block_on(task).unwrap();
    runtime.shutdown_timeout(Duration::from_secs(10));
    (trace, value)
}

fn functions(trace: &TaskTrace) -> Vec<&str> {
    trace.leaves[0].frames.iter().filter_map(|frame| frame.function.as_deref()).collect()
}

#[test]
fn a_receiver_of_tokios_own() {
    let (sender, mut receiver) = real::sync::mpsc::channel(1);
    async fn middle(receiver: &mut real::sync::mpsc::Receiver<u32>) -> u32 {
        receiver.recv().await.unwrap() // here: recv
    }
    let task = async move { 1 + middle(&mut receiver).await };
    let (trace, value) = check(task, || sender.blocking_send(7).unwrap(), &["recv"]);
    assert_eq!(value, 8, "the program continues as before");
    let leaf = &trace.leaves[0];
    assert_eq!(leaf.function.as_deref(), Some("tokio::sync::mpsc::Receiver::recv"));
    assert!(leaf.frames.iter().any(|frame| frame.kind == FrameKind::Runtime
        && frame.crate_name.as_deref() == Some("tokio")
        && frame.location.as_ref().is_some_and(|at| at.file.contains("tokio-1."))));
    let own: Vec<&str> = leaf
        .frames
        .iter()
        .filter(|frame| frame.kind == FrameKind::Own)
        .filter_map(|frame| frame.function.as_deref())
        .collect();
    assert!(own[0].ends_with("::middle"), "{own:?}");
    assert!(own.last().unwrap().ends_with("::a_receiver_of_tokios_own"), "{own:?}");
}

#[test]
fn a_socket() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let task = async move {
        let mut stream = real::net::TcpStream::connect(address).await.unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap(); // here: read
        byte[0]
    };
    let (_, value) = check(task, || listener.accept().unwrap().0.write_all(b"x").unwrap(), &["read"]);
    assert_eq!(value, b'x');
}

#[test]
fn both_sides_of_a_select() {
    static EVENT: real::sync::Notify = real::sync::Notify::const_new();
    async fn event() {
        EVENT.notified().await // here: event
    }
    let (sender, mut receiver) = real::sync::mpsc::channel::<u32>(1);
    let task = async move {
        let receive = async { receiver.recv().await.unwrap() }; // here: select recv
        real::select! {
            value = receive => value,
            () = event() => 0,
        }
    };
    let (_, value) = check(task, || EVENT.notify_one(), &["event", "select recv"]);
    assert_eq!(value, 0);
    drop(sender);
}

#[test]
fn an_instrumented_lock_and_the_join_of_a_task() {
    let (sender, receiver) = mpsc::channel::<()>();
    let (tell, ask) = mpsc::channel::<u64>();
    let task = async move {
        let (finish, finished) = real::sync::oneshot::channel::<u32>();
        let child = tokio::spawn(async move {
            finished.await.unwrap() // here: oneshot
        });
        // A thread that releases the child after a message.
        let thread = std::thread::spawn(move || {
            receiver.recv().unwrap();
            finish.send(3).unwrap();
        });
        tell.send(0).unwrap();
        let value = child.await.unwrap(); // here: join
        thread.join().unwrap();
        value
    };
    // The child is the newer task, and its parent waits at the join.
    let (address, turn) = insight();
    let runtime = runtime();
    let parent = runtime.spawn(task);
    ask.recv().unwrap();
    let child = newest(address);
    let line_of = |id| {
        let trace = trace(address, id);
        trace.leaves.first().and_then(|leaf| Some(leaf.own_frame()?.location.as_ref()?.line))
    };
    let begun = Instant::now();
    while (line_of(child), line_of(child - 1)) != (Some(line("oneshot")), Some(line("join"))) {
        assert!(begun.elapsed() < DEADLINE, "{:#?}", trace(address, child - 1));
    }
    sender.send(()).unwrap();
    assert_eq!(runtime.block_on(parent).unwrap(), 3);
    runtime.shutdown_timeout(Duration::from_secs(10));
    drop(turn);

    let lock = std::sync::Arc::new(tokio::sync::Mutex::new(5_u32));
    let held = lock.clone().try_lock_owned().unwrap();
    let task = async move { *lock.lock().await }; // here: lock
    let (trace, value) = check(task, || drop(held), &["lock"]);
    assert_eq!(value, 5);
    assert!(functions(&trace).iter().any(|name| name.contains("semaphore")), "{:?}", functions(&trace));
}

#[test]
fn main_and_what_cannot_be_traced() {
    let (address, _turn) = insight();
    let runtime = runtime();
    let (status, text) = get(address, "/v1/tasks/999999/trace");
    assert_eq!(
        (status.as_str(), text.as_str()),
        ("HTTP/1.1 404 Not Found", "there is no task 999999, and there was none\n")
    );
    assert_eq!(get(address, "/v1/tasks/x/trace").0, "HTTP/1.1 400 Bad Request");

    let (begin, begun) = mpsc::channel();
    let (let_go, held) = mpsc::channel::<()>();
    let closure = runtime.spawn_blocking(move || {
        begin.send(()).unwrap();
        held.recv().unwrap();
    });
    begun.recv().unwrap();
    let id = newest(address);
    let outcome = |id| trace(address, id).outcome;
    assert_eq!(outcome(id), TraceOutcome::Untraceable);
    let_go.send(()).unwrap();
    runtime.block_on(closure).unwrap();
    assert_eq!(outcome(id), TraceOutcome::Ended);

    let (begin, begun) = mpsc::channel();
    let (let_go, held) = mpsc::channel::<()>();
    let running = runtime.spawn(async move {
        begin.send(()).unwrap();
        held.recv().unwrap();
    });
    begun.recv().unwrap();
    let trace_of_running = trace(address, newest(address));
    assert_eq!(trace_of_running.outcome, TraceOutcome::Running);
    assert!(trace_of_running.since_ns.unwrap() > 0);
    let_go.send(()).unwrap();
    runtime.block_on(running).unwrap();

    // A future that a thread runs is traced like any task.
    let (sender, receiver) = real::sync::oneshot::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            runtime.block_on(async {
                receiver.await.unwrap() // here: block_on
            })
        });
        let begun = Instant::now();
        loop {
            // The thread may not have begun yet.
            let trace = insight_test_kit::newest_of(&get(address, "/v1/snapshot").1).1.map(|id| trace(address, id));
            let leaf = trace.as_ref().and_then(|trace| trace.leaves.first());
            let at = leaf.and_then(|leaf| Some(leaf.own_frame()?.location.as_ref()?.line));
            if at == Some(line("block_on")) {
                break;
            }
            assert!(begun.elapsed() < DEADLINE, "{trace:#?}");
        }
        sender.send(()).unwrap();
    });
}
