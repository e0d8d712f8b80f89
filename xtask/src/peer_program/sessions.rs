//! tide's example of sessions, an HTTP server on async-std.

use super::{Change, Expected, Source, check_model, conformance, model, problems, start};
use crate::process::Result;
use crate::program::{Profile, build};
use std::io::{BufRead, BufReader, Error, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

const SESSIONS: Source = Source {
    name: "tide",
    version: "0.16",
    binary: "sessions",
    files: &[
        // tide's own manifest has the dependencies of all examples.
        (
            "Cargo.toml",
            "[package]\nname = \"tide-examples\"\nversion = \"0.0.0\"\nedition = \"2018\"\nautolib = false\nautobins = false\n\
             autoexamples = false\n\n[workspace]\n\n[[bin]]\nname = \"sessions\"\npath = \"examples/sessions.rs\"\n\n\
             [dependencies]\ntide = \"0.16\"\nasync-std = { version = \"1\", features = [\"attributes\", \"unstable\"] }\n\
             insight = { package = \"wish4-async-insight\", path = \"ROOT/reference-server\" }\n",
        ),
    ],
    // tide and its store of sessions use async-std, too.
    wrapped: Some("async-std"),
    changes: &[
        Change {
            file: "examples/sessions.rs",
            from: "    tide::log::start();",
            to: "    insight::init();\n    tide::log::start();",
        },
        // It listens on the free port that we chose.
        Change {
            file: "examples/sessions.rs",
            from: "\"127.0.0.1:8080\"",
            to: "std::env::var(\"TIDE_ADDRESS\").unwrap()",
        },
    ],
};

const CLIENTS: usize = 8;
/// Number of visits of each client. Each is answered before the next one.
const VISITS: usize = 250;
/// Time during which the stream is checked, in seconds: the visits, and a while without events.
const SECONDS: u64 = 10;
/// Maximum time until a started server listens, and until an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The tasks and resources while the clients are connected.
const EXPECTED: [Expected; 3] = [
    (1, "block_on sessions::main", ""),
    (CLIENTS, "task tide::listener::tcp_listener::handle_tcp", "src/listener/tcp_listener.rs:"),
    (1, "rwlock inner", "src/memory_store.rs:"),
];

/// Runs the server and its clients, and checks the observed tasks and resources.
pub fn run() -> Result {
    let check = build("insight-conformance", "insight-conformance", Profile::Release)?;
    let (version, program) = SESSIONS.build()?;
    // The port is free now, and will hardly be taken in the next moment.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    let server = free.map_err(|error| format!("no free port: {error}"))?;
    let mut command = Command::new(program);
    command.env("TIDE_ADDRESS", server.to_string()).env("TIDE_SECRET", "at least thirty-two bytes of secret text");
    let (_program, insight) = start(SESSIONS.name, command, &SESSIONS.copy())?;

    let mut checked = conformance(&check, insight, SECONDS)?;
    let clients = visit(server).map_err(|error| format!("sessions of tide {version} at {server}: {error}"));
    // The clients stay connected, so their tasks wait.
    let result = clients.and_then(|clients| {
        println!("xtask: sessions of tide {version}: {} visits were counted correctly", CLIENTS * VISITS);
        let result = check_model(&model(insight)?, &EXPECTED);
        drop(clients);
        result
    });
    let status = checked.wait().map_err(|error| format!("insight-conformance: {error}"))?;
    result?;
    if !status.success() {
        return Err(format!("insight-conformance ended with {status}; its findings are above"));
    }
    match problems(insight)?.as_slice() {
        [] => Ok(()),
        found => Err(format!("sessions does not hang, but has problems: {}", found.join("; "))),
    }
}

/// Each client visits the server again and again in a session of its own. Returns the open connections.
fn visit(server: SocketAddr) -> std::io::Result<Vec<BufReader<TcpStream>>> {
    let client = move || {
        let mut client = BufReader::new(connect(server)?);
        let mut cookie = String::new();
        for visit in 0..VISITS {
            write!(client.get_mut(), "GET / HTTP/1.1\r\nHost: {server}\r\n{cookie}\r\n")?;
            let (head, body) = answer(&mut client)?;
            let expected = format!("you have visited this website {} times", visit + 1);
            if !body.ends_with(&expected) {
                return Err(Error::other(format!("the body is `{body}` and should end with `{expected}`")));
            }
            if let Some(given) = head.iter().find_map(|line| line.strip_prefix("set-cookie: ")) {
                cookie = format!("Cookie: {}\r\n", given.split(';').next().unwrap_or_default());
            }
        }
        Ok(client)
    };
    let clients: Vec<_> = (0..CLIENTS).map(|_| std::thread::spawn(client)).collect();
    clients.into_iter().map(|client| client.join().expect("it does not panic")).collect()
}

fn connect(server: SocketAddr) -> std::io::Result<TcpStream> {
    let start = Instant::now();
    loop {
        match TcpStream::connect(server) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) if start.elapsed() > PATIENCE => return Err(error),
            // The server does not listen yet.
            Err(_) => std::thread::yield_now(),
        }
    }
}

/// The lines of an answer's head, and its body.
fn answer(client: &mut impl BufRead) -> std::io::Result<(Vec<String>, String)> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if client.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.ok_or_else(|| Error::other(format!("no content-length: {head:?}")))?];
    client.read_exact(&mut body)?;
    Ok((head, String::from_utf8_lossy(&body).into_owned()))
}
