//! The awaits of real tasks, which insight sends without a request: each has the line of this file at which its task waits.
#![cfg(feature = "full")]

extern crate insight_tokio as tokio;

use insight_model::{Checker, Model};
use insight_protocol::{Decoded, FrameKind, TaskState, decode};
use insight_test_kit::line_marked;
use real::io::AsyncReadExt;
use std::future::Future;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Time after which the test has failed.
const DEADLINE: Duration = Duration::from_secs(60);

/// The stream of this process, as a client reads it.
struct Stream {
    lines: BufReader<TcpStream>,
    checker: Checker,
    model: Model,
}

impl Stream {
    fn open(address: SocketAddr) -> Stream {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(stream, "GET /v1/stream HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while head.trim_end() != "" || head.is_empty() {
            head.clear();
            lines.read_line(&mut head).unwrap();
        }
        Stream { lines, checker: Checker::default(), model: Model::default() }
    }

    /// Reads on until the condition is true.
    fn until<T>(&mut self, condition: impl Fn(&Model) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(value) = condition(&self.model) {
                return value;
            }
            assert!(begun.elapsed() < DEADLINE, "{:#?}", self.model);
            let mut line = String::new();
            self.lines.read_line(&mut line).unwrap();
            let findings = self.checker.line(line.trim_end());
            assert!(findings.is_empty(), "{findings:?} in {line}");
            let Ok(Decoded::Message { message, .. }) = decode(line.trim_end()) else { panic!("{line}") };
            self.model.apply(&message);
        }
    }
}

/// A future of the test's own, which keeps its waker.
#[derive(Default)]
struct ByHand(Mutex<Option<Waker>>);

impl Future for ByHand {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        *self.0.lock().unwrap() = Some(cx.waker().clone());
        Poll::Pending
    }
}

async fn receives() {
    let (_sender, mut receiver) = tokio::sync::mpsc::channel::<u32>(1);
    receiver.recv().await; // here: recv
}

async fn reads(mut socket: real::net::TcpStream) {
    let mut byte = [0];
    let _ = socket.read(&mut byte).await; // here: read
}

async fn awaits_by_hand() {
    ByHand::default().await; // here: by hand
}

async fn awaits_two() {
    let (_sender, mut receiver) = tokio::sync::mpsc::channel::<u32>(1);
    tokio::select! { // here: select
        _ = receiver.recv() => {}
        () = tokio::time::sleep(Duration::from_secs(3600)) => {}
    }
}

#[test]
fn tasks_have_awaits_on_their_own_lines_without_a_request() {
    let address = insight::init!(listen_port => 0).address().expect("it listens");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let peer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(peer.local_addr().unwrap()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = runtime.block_on(async { real::net::TcpStream::from_std(socket).unwrap() });
    runtime.spawn(receives());
    runtime.spawn(reads(socket));
    runtime.spawn(awaits_by_hand());
    runtime.spawn(awaits_two());

    let mut stream = Stream::open(address);
    let mut check = |task: &str, expect: &[(&str, &str, bool)]| {
        let (id, polls) = stream.until(|model| {
            let is_it = |name: &str| name.ends_with(&format!("::{task}"));
            let task = model.tasks.values().find(|task| task.origin.name.as_deref().is_some_and(is_it))?;
            model.awaits(task.id)?;
            Some((task.id, task.polls()?))
        });
        let awaits = stream.model.awaits(id).unwrap().awaits;
        assert!(awaits.complete && awaits.more == 0, "{awaits:#?}");
        assert_eq!((awaits.task, awaits.polls), (id, polls));
        let mut found = Vec::new();
        for leaf in &awaits.leaves {
            let own = leaf.own().and_then(|frame| frame.location.clone()).expect("a line of the test's own");
            assert!(own.place.file.ends_with("tests/awaits.rs"), "{own:?}");
            // r[awaits.frames]
            assert!(leaf.frames.iter().all(|frame| frame.kind != FrameKind::Runtime), "{:?}", leaf.frames);
            assert!(
                own.source.as_ref().is_some_and(|source| source.text.as_ref().unwrap().contains("// here")),
                "{own:?}"
            );
            found.push((own.place.line, leaf.function.as_deref().unwrap_or("-").to_owned(), leaf.edge.is_some()));
        }
        found.sort();
        let expect: Vec<_> = expect
            .iter()
            .map(|(mark, function, edge)| (line_marked(include_str!("awaits.rs"), mark), (*function).to_owned(), *edge))
            .collect();
        assert_eq!(found, expect, "{awaits:#?}");
        // The capture has changed nothing.
        let task = &stream.model.tasks[&id];
        assert_eq!((task.state(), task.polls()), (Some(TaskState::Idle), Some(polls)));
    };
    check("receives", &[("recv", "tokio::sync::mpsc::Receiver::recv", true)]);
    check("reads", &[("read", "tokio::net::TcpStream::read", false)]);
    check("awaits_by_hand", &[("by hand", "awaits::ByHand", false)]);
    let selected = [("select", "tokio::sync::mpsc::Receiver::recv", true), ("select", "tokio::time::sleep", true)];
    check("awaits_two", &selected);
    runtime.shutdown_background();
    drop(peer);
}
