//! `cargo xtask demo`: a service that hangs, and consolation on it.

use crate::process::Result;
use crate::program::{Profile, Program, START, build, request, snapshot};
use crate::runtime::Runtime;
use insight_protocol::{Decoded, Message, Operation, decode};
use std::io::IsTerminal;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A program of the story.
#[derive(Clone, Copy)]
pub struct Story {
    program: &'static str,
    runtime: Runtime,
    /// The path that hangs, for a program that serves HTTP.
    endpoint: Option<&'static str>,
    /// Whether a line of the stream shows that the program hangs, and that insight has observed the reason.
    hangs: fn(&str) -> bool,
}

/// The service whose endpoint does not answer.
pub const BARBARA: Story =
    Story { program: "barbara", runtime: Runtime::Tokio, endpoint: Some("/prototype"), hangs: is_waiting_send };
/// The crawler that waits for itself: it hangs without a request.
pub const DEADLOCK: Story = Story { program: "deadlock", runtime: Runtime::Tokio, endpoint: None, hangs: is_problem };

const HANG: Duration = Duration::from_secs(20);

impl Story {
    /// The program's binary.
    pub fn binary(self) -> &'static str {
        self.runtime.binary(self.program)
    }
}

/// Runs a program of the story on a runtime.
pub fn command(demo: Demo, runtime: Runtime) -> Result {
    let story = match demo {
        Demo::Barbara => BARBARA,
        Demo::Deadlock => DEADLOCK,
    };
    run(Story { runtime, ..story })
}

/// A program that hangs.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Demo {
    /// A handler waits on a full channel, and its reader is stuck
    Barbara,
    /// One task both sends to a channel and receives from it
    Deadlock,
}

/// Builds and starts the program, makes it hang, and opens consolation on it.
fn run(story: Story) -> Result {
    // Built before the program starts, so that the hang is young when it is shown.
    let consolation = build("wish4-consolation", "consolation", Profile::Dev)?;
    let hung = Hung::start(story)?;
    println!("demo: {} hangs; consolation {}", story.binary(), hung.insight);
    show(&consolation, hung.insight)
}

/// A program of the story that hangs. Dropping this stops it.
pub struct Hung {
    /// The address of its stream.
    pub insight: SocketAddr,
    _program: Program,
    /// Kept open: the endpoint never answers, and closing the connection would end its handler.
    _unanswered: Option<TcpStream>,
}

impl Hung {
    /// Builds and starts the program, and waits until insight shows that it hangs.
    pub fn start(story: Story) -> Result<Hung> {
        let path = build("insight-examples", story.binary(), Profile::Dev)?;
        let mut program = Program::start(story.program, Command::new(path))?;
        let insight = program.listens("insight: listening on http://", START)?;
        let mut unanswered = None;
        if let Some(endpoint) = story.endpoint {
            let service = program.listens(&format!("{}: listening on http://", story.program), START)?;
            println!("xtask: GET http://{service}{endpoint} (it will not answer)");
            unanswered = Some(request(service, endpoint)?);
        }
        wait_until_it_hangs(&mut program, insight, story.hangs)?;
        Ok(Hung { insight, _program: program, _unanswered: unanswered })
    }
}

/// Runs consolation in this terminal. Without a terminal, it prints its view as text.
fn show(consolation: &Path, insight: SocketAddr) -> Result {
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let mut command = Command::new(consolation);
    if !terminal {
        command.arg("--once");
    }
    let status =
        command.arg(insight.to_string()).status().map_err(|error| format!("cannot start consolation: {error}"))?;
    // Status 3 means that there is a problem, as a demo should have.
    let worked = status.success() || (!terminal && status.code() == Some(3));
    if worked { Ok(()) } else { Err(format!("consolation ended with {status}; its message is above")) }
}

fn wait_until_it_hangs(program: &mut Program, insight: SocketAddr, hangs: fn(&str) -> bool) -> Result {
    let deadline = Instant::now() + HANG;
    loop {
        let body = snapshot(insight);
        if body.as_ref().is_ok_and(|body| body.lines().any(hangs)) {
            return Ok(());
        }
        if Instant::now() > deadline {
            let why = body.err().unwrap_or_else(|| "insight shows no sign of it".to_owned());
            let (name, last) = (program.name, program.last_words());
            return Err(format!("{name} does not hang after {HANG:?}: {why}; {last}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_waiting_send(line: &str) -> bool {
    matches!(decode(line), Ok(Decoded::Message { message: Message::EdgeWait(wait), .. }) if wait.operation == Operation::Send)
}

fn is_problem(line: &str) -> bool {
    matches!(decode(line), Ok(Decoded::Message { message: Message::ProblemRaised(_), .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wait_to_send_is_a_hang() {
        let check = |line: &str, expect: bool| assert_eq!(is_waiting_send(line), expect, "{line}");
        let wait = r#"{"seq":1,"type":"edge.wait","id":1,"task":1,"resource":1,"operation":"OP","reason":1,"need":1,"since_ns":1}"#;
        check(&wait.replace("OP", "send"), true);
        check(&wait.replace("OP", "recv"), false);
        check("5f3", false);
        check("HTTP/1.1 200 OK", false);
    }
}
