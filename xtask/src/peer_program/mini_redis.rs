//! mini-redis, the server of tokio's tutorial.

use super::resp::{Client, Value};
use super::{Change, Expected, Source, check_model, conformance, model, problems, start};
use crate::process::Result;
use crate::program::{Profile, build};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

const MINI_REDIS: Source = Source {
    name: "mini-redis",
    version: "0.4",
    binary: "mini-redis-server",
    files: &[],
    wrapped: None,
    changes: &[
        Change {
            file: "Cargo.toml",
            from: "[dependencies.tokio]\nversion = \"1\"\nfeatures = [\"full\"]\n",
            to: "[dependencies.tokio]\npackage = \"insight-tokio\"\npath = \"ROOT/adapters/tokio\"\nfeatures = [\"full\"]\n\n\
                 [dependencies.insight]\npackage = \"wish4-async-insight\"\npath = \"ROOT/reference-server\"\n\n[workspace]\n",
        },
        // Cargo refuses two packages with the name tokio. The tests are not run.
        Change {
            file: "Cargo.toml",
            from: "[dev-dependencies.tokio]\nversion = \"1\"\nfeatures = [\"test-util\"]\n",
            to: "",
        },
        Change {
            file: "src/bin/server.rs",
            from: "pub async fn main() -> mini_redis::Result<()> {\n",
            to: "pub async fn main() -> mini_redis::Result<()> {\n    insight::init();\n",
        },
    ],
};

const CONNECTIONS: usize = 8;
/// Number of requests of all connections. Each is answered before the next one of its connection.
const REQUESTS: usize = 10_000;
/// Time during which the stream is checked, in seconds: the load, and a while without events.
const SECONDS: u64 = 15;
/// Maximum time until a started server listens.
const LISTEN: Duration = Duration::from_secs(10);

/// The tasks and resources while the connections are open.
const EXPECTED: [Expected; 8] = [
    (1, "block_on mini_redis_server::main", ""),
    (1, "task mini_redis::db::purge_expired_tasks", "src/db.rs:"),
    (CONNECTIONS + 1, "task mini_redis::server::Listener::run", "src/server.rs:"),
    (1, "broadcast notify_shutdown", "src/server.rs:"),
    (1, "channel shutdown_complete", "src/server.rs:"),
    (1, "semaphore limit_connections", "src/server.rs:"),
    (1, "notify background_task", "src/db.rs:"),
    // The channel of published messages.
    (1, "broadcast tx/rx", "src/db.rs:"),
];

/// Runs the server under load, and checks the observed tasks and resources.
pub fn run() -> Result {
    let check = build("insight-conformance", "insight-conformance", Profile::Release)?;
    let (version, program) = MINI_REDIS.build()?;
    // The port is free now, and will hardly be taken in the next moment.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    let server = free.map_err(|error| format!("no free port: {error}"))?;
    let mut command = Command::new(program);
    command.args(["--port", &server.port().to_string()]);
    let (_program, insight) = start(MINI_REDIS.name, command, &MINI_REDIS.copy())?;

    let mut checked = conformance(&check, insight, SECONDS)?;
    let started = Instant::now();
    let connections = load(server).map_err(|error| format!("mini-redis {version} at {server}: {error}"));
    let seconds = started.elapsed().as_secs_f64();
    // The connections stay open, so their tasks wait.
    let result = connections.and_then(|connections| {
        println!("xtask: mini-redis {version}: {REQUESTS} requests in {seconds:.1} s, each answered correctly");
        let result = check_model(&model(insight)?, &EXPECTED);
        drop(connections);
        result
    });
    let status = checked.wait().map_err(|error| format!("insight-conformance: {error}"))?;
    result?;
    if !status.success() {
        return Err(format!("insight-conformance ended with {status}; its findings are above"));
    }
    match problems(insight)?.as_slice() {
        [] => Ok(()),
        found => Err(format!("mini-redis does not hang, but has problems: {}", found.join("; "))),
    }
}

/// Sends the requests and checks the answers. Returns the open connections.
fn load(server: SocketAddr) -> std::io::Result<Vec<Client>> {
    let start = Instant::now();
    let mut subscriber = loop {
        match Client::connect(server) {
            // The server listens only after insight.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused && start.elapsed() < LISTEN => {
                std::thread::sleep(Duration::from_millis(5));
            }
            connected => break connected?,
        }
    };
    let subscribed = Value::Array(vec![Value::bulk("subscribe"), Value::bulk("news"), Value::Integer(1)]);
    expect(subscriber.ask(&["subscribe", "news"])?, subscribed)?;
    let connect = |connection| std::thread::spawn(move || requests(server, connection));
    let workers: Vec<_> = (0..CONNECTIONS).map(connect).collect();
    let joined = workers.into_iter().map(|worker| worker.join().expect("it does not panic"));
    let mut connections = joined.collect::<std::io::Result<Vec<Client>>>()?;
    expect(connections[0].ask(&["publish", "news", "all is well"])?, Value::Integer(1))?;
    let message = Value::Array(vec![Value::bulk("message"), Value::bulk("news"), Value::bulk("all is well")]);
    expect(subscriber.read()?, message)?;
    connections.push(subscriber);
    Ok(connections)
}

/// The requests of one connection.
fn requests(server: SocketAddr, connection: usize) -> std::io::Result<Client> {
    let mut client = Client::connect(server)?;
    for request in 0..REQUESTS / CONNECTIONS / 2 {
        let (key, value) = (format!("key {connection}.{request}"), format!("value {request} of {connection}"));
        // One value in a hundred expires, in an hour, which notifies the task that removes expired values.
        let set = ["set", &key, &value, "EX", "3600"];
        let words = if request % 100 == 0 { 5 } else { 3 };
        expect(client.ask(&set[..words])?, Value::simple("OK"))?;
        expect(client.ask(&["get", &key])?, Value::bulk(&value))?;
    }
    expect(client.ask(&["get", "no such key"])?, Value::Null)?;
    Ok(client)
}

fn expect(answer: Value, expected: Value) -> std::io::Result<()> {
    match answer == expected {
        true => Ok(()),
        false => Err(std::io::Error::other(format!("the answer is {answer:?} and should be {expected:?}"))),
    }
}
