//! The chat server among smol's examples.

use super::{Change, Expected, Source, check_model, conformance, model, problems, start};
use crate::process::Result;
use crate::program::{Profile, START, build};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

const CHAT_SERVER: Source = Source {
    name: "smol",
    version: "2",
    binary: "chat-server",
    files: &[
        // smol's own manifest has the dependencies of all examples.
        (
            "Cargo.toml",
            "[package]\nname = \"smol-examples\"\nversion = \"0.0.0\"\nedition = \"2018\"\nautolib = false\nautobins = false\n\
             autoexamples = false\n\n[workspace]\n\n[[bin]]\nname = \"chat-server\"\npath = \"examples/chat-server.rs\"\n\n\
             [dependencies]\nasync-channel = { path = \"async-channel\" }\nasync-dup = \"1\"\n\
             smol = { package = \"insight-smol\", path = \"ROOT/adapters/smol\" }\n\
             insight = { package = \"wish4-async-insight\", path = \"ROOT/reference-server\" }\n",
        ),
        // The program uses the crate of smol's channels directly.
        (
            "async-channel/Cargo.toml",
            "[package]\nname = \"async-channel\"\nversion = \"2.99.0\"\nedition = \"2018\"\n\n\
             [dependencies]\ninsight-smol = { path = \"ROOT/adapters/smol\" }\n",
        ),
        ("async-channel/src/lib.rs", "pub use insight_smol::channel::*;\n"),
    ],
    wrapped: None,
    changes: &[
        Change {
            file: "examples/chat-server.rs",
            from: "fn main() -> io::Result<()> {\n",
            to: "fn main() -> io::Result<()> {\n    insight::init();\n",
        },
        // It listens on any free port.
        Change { file: "examples/chat-server.rs", from: "([127, 0, 0, 1], 6000)", to: "([127, 0, 0, 1], 0)" },
    ],
};

const CLIENTS: usize = 8;
/// Number of messages of each client. Each is sent to all clients.
const MESSAGES: usize = 200;
/// Time during which the stream is checked, in seconds: the chat, and a while without events.
const SECONDS: u64 = 10;
/// Maximum time to wait for a line.
const PATIENCE: Duration = Duration::from_secs(20);

/// The tasks and resources while the clients are connected.
const EXPECTED: [Expected; 4] = [
    (1, "block_on chat_server::main", ""),
    (1, "task chat_server::dispatch", "examples/chat-server.rs:"),
    (CLIENTS, "task chat_server::main", "examples/chat-server.rs:"),
    (1, "channel sender", "examples/chat-server.rs:"),
];

/// Runs the server and its clients, and checks the observed tasks and resources.
pub fn run() -> Result {
    let check = build("insight-conformance", "insight-conformance", Profile::Release)?;
    let (version, program) = CHAT_SERVER.build()?;
    let (mut program, insight) = start(CHAT_SERVER.name, Command::new(program), &CHAT_SERVER.copy())?;
    let line = program.line("Listening on ", START)?;
    let server = line.trim_start_matches("Listening on ").parse().map_err(|_| format!("no address in `{line}`"))?;

    let mut checked = conformance(&check, insight, SECONDS)?;
    let clients = chat(server).map_err(|error| format!("chat-server of smol {version} at {server}: {error}"));
    // The clients stay connected, so their tasks wait.
    let result = clients.and_then(|clients| {
        let received = CLIENTS * CLIENTS * MESSAGES;
        println!("xtask: chat-server of smol {version}: {received} messages were received");
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
        found => Err(format!("chat-server does not hang, but has problems: {}", found.join("; "))),
    }
}

/// All clients connect, and send and receive all messages. Returns the open connections.
fn chat(server: SocketAddr) -> std::io::Result<Vec<BufReader<TcpStream>>> {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let joined = format!("{} has joined", stream.local_addr()?);
        let mut client = BufReader::new(stream);
        expect(&mut client, &joined)?;
        clients.push(client);
    }
    let talk = |mut client: BufReader<TcpStream>| {
        std::thread::spawn(move || {
            for number in 0..MESSAGES {
                writeln!(client.get_mut(), "message {number}")?;
            }
            let mut heard = 0;
            while heard < CLIENTS * MESSAGES {
                heard += usize::from(line(&mut client)?.contains(" says: message "));
            }
            Ok(client)
        })
    };
    let workers: Vec<_> = clients.into_iter().map(talk).collect();
    workers.into_iter().map(|worker| worker.join().expect("it does not panic")).collect()
}

fn line(client: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    match client.read_line(&mut line)? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_owned()),
    }
}

fn expect(client: &mut BufReader<TcpStream>, expected: &str) -> std::io::Result<()> {
    let line = line(client)?;
    match line == expected {
        true => Ok(()),
        false => Err(std::io::Error::other(format!("the line is `{line}` and should be `{expected}`"))),
    }
}
