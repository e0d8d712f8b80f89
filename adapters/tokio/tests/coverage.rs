//! The stream's coverage: tasks that a library spawned on the real tokio, and the packages of the graph.
#![cfg(feature = "full")]

extern crate insight_tokio as tokio;

use insight_model::Model;
use insight_protocol::{Decoded, decode};
use std::future::pending;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tokio::runtime::{Builder, LocalRuntime};
use tokio::task::LocalSet;

/// Time after which a test has failed.
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

/// Asks until this number of tokio's tasks is not observed.
fn until(address: SocketAddr, unobserved: Option<u64>) -> Model {
    insight_test_kit::until(&format!("no coverage with {unobserved:?} unobserved tasks"), || {
        let model = snapshot(address);
        let coverage = model.coverage.clone().unwrap_or_default();
        let tokio = coverage.executors.iter().find(|executor| executor.name == "tokio");
        tokio.is_some_and(|executor| executor.unobserved_tasks == unobserved).then_some(model)
    })
}

/// The only test here, since tokio's tasks are counted for the whole process.
#[test]
fn a_task_that_a_library_spawned_on_the_real_tokio_is_not_observed() {
    let folder = std::env::temp_dir().join(format!("insight-tokio-coverage-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let packages = r#"{"version":1,"packages":[{"name":"async-channel","version":"2.5.0","covered":true},{"name":"flume","version":"0.11.1","covered":false,"reason":"only awaits show these waits"}]}"#;
    // The file has the name of this program.
    std::fs::write(folder.join("coverage.json"), packages).unwrap();
    insight::graph_facts_at(Box::leak(folder.to_str().unwrap().into()));
    let builder = insight::builder().listen("127.0.0.1:0").interval(Duration::from_millis(5));
    let address = builder.start().unwrap().address().unwrap();

    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let own = runtime.spawn(pending::<()>());
    let model = until(address, Some(0));
    let packages = model.coverage.unwrap().packages.unwrap();
    let packages: Vec<(&str, bool)> = packages.iter().map(|package| (package.name.as_str(), package.covered)).collect();
    assert_eq!(packages, [("flume", false), ("async-channel", true)]);
    std::fs::remove_dir_all(&folder).unwrap();

    // A library spawns by tokio's own `spawn`, on its caller's runtime.
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

    // tokio counts all tasks of a `LocalRuntime`.
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
