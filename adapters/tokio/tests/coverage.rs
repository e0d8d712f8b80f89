//! What the stream says of tasks that a library spawned on the real tokio, and of the graph.
#![cfg(feature = "full")]

extern crate insight_tokio as tokio;

use insight_model::Model;
use insight_protocol::{Decoded, decode};
use std::future::pending;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, LocalRuntime};
use tokio::task::LocalSet;

/// What takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(60);

fn snapshot(address: SocketAddr) -> Model {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET /v1/snapshot HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let (_, body) = reply.split_once("\r\n\r\n").unwrap();
    let mut model = Model::default();
    for line in body.lines() {
        let Ok(Decoded::Message { message, .. }) = decode(line) else { panic!("{line}") };
        model.apply(&message);
    }
    model
}

/// Asks until so many tasks of tokio are not observed.
fn until(address: SocketAddr, unobserved: Option<u64>) -> Model {
    let begun = Instant::now();
    loop {
        let model = snapshot(address);
        let coverage = model.coverage.clone().unwrap_or_default();
        let tokio = coverage.executors.iter().find(|executor| executor.name == "tokio");
        if tokio.is_some_and(|executor| executor.unobserved_tasks == unobserved) {
            return model;
        }
        assert!(begun.elapsed() < DEADLINE, "waited in vain for {unobserved:?}: {coverage:?}");
        std::thread::yield_now();
    }
}

/// One test: what is counted is of the whole process.
#[test]
fn a_task_that_a_library_spawned_on_the_real_tokio_is_not_observed() {
    let facts = std::env::temp_dir().join(format!("insight-tokio-coverage-{}.json", std::process::id()));
    let packages = r#"{"version":1,"packages":[{"name":"async-channel","version":"2.5.0","covered":true},{"name":"flume","version":"0.11.1","covered":false,"reason":"only traces show these waits"}]}"#;
    std::fs::write(&facts, packages).unwrap();
    insight::graph_facts_at(Box::leak(facts.to_str().unwrap().into()));
    let builder = insight::builder().listen("127.0.0.1:0").interval(Duration::from_millis(5));
    let address = builder.start().unwrap().address().unwrap();

    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let own = runtime.spawn(pending::<()>());
    let model = until(address, Some(0));
    let packages = model.coverage.unwrap().packages.unwrap();
    let packages: Vec<(&str, bool)> = packages.iter().map(|package| (package.name.as_str(), package.covered)).collect();
    assert_eq!(packages, [("flume", false), ("async-channel", true)]);
    std::fs::remove_file(&facts).unwrap();

    // As a library does: with tokio's own `spawn`, on the runtime of whoever calls it.
    let library = {
        let _entered = runtime.enter();
        real::spawn(pending::<()>())
    };
    let model = until(address, Some(1));
    assert_eq!(model.tasks.len(), 1, "the task that the program has spawned");

    // Closures, roots and the tasks of a `LocalSet` are observed, and tokio does not count them.
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let closure = runtime.spawn_blocking(move || stopped.recv());
    let local = LocalSet::new();
    local.spawn_local(pending::<()>());
    let another = runtime.block_on(local.run_until(std::future::poll_fn(|_| {
        // A `JoinHandle` is a future too, and is not awaited here.
        std::task::Poll::Ready(real::spawn(pending::<()>()))
    })));
    until(address, Some(2));
    another.abort();
    until(address, Some(1));

    // All that a `LocalRuntime` has it counts.
    let of_one_thread = LocalRuntime::new().unwrap();
    of_one_thread.block_on(async {
        tokio::task::spawn_local(pending::<()>());
        tokio::spawn(pending::<()>());
        real::task::spawn_local(pending::<()>());
    });
    drop(local);
    until(address, Some(2));
    drop(of_one_thread);
    until(address, Some(1));

    library.abort();
    own.abort();
    until(address, Some(0));
    drop(stop);
    runtime.block_on(closure).unwrap().unwrap_err();
    // No count keeps a runtime alive: its threads end.
    runtime.shutdown_timeout(DEADLINE);
    until(address, None);
}
