//! The client of a measured program, in a separate process.

use crate::arguments::Arguments;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A client that was started. It connects on demand.
pub struct Client {
    child: Child,
    lines: BufReader<ChildStdout>,
}

/// Starts the client of a configuration that has one. Waits until it has a complete snapshot, or has stopped reading.
pub fn attach(arguments: &Arguments, address: Option<SocketAddr>) -> Option<Client> {
    let how = match arguments.configuration() {
        "client" => "follow",
        "stopped" => "stop",
        _ => return None,
    };
    let mut client = Client::start(
        &arguments.program_of_client(),
        address.expect("a configuration with a client has a server"),
        how,
    );
    client.go();
    client.line();
    Some(client)
}

impl Client {
    /// Starts the process, which does not connect yet. `how` is its first argument, or the first two.
    pub fn start(program: &Path, address: SocketAddr, how: &str) -> Client {
        let mut command = Command::new(program);
        command.args(how.split(' ')).arg(address.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the client is built beside this program");
        let mut lines = BufReader::new(child.stdout.take().expect("its stdout is piped"));
        let mut ready = String::new();
        lines.read_line(&mut ready).expect("the client prints that it runs");
        Client { child, lines }
    }

    /// Makes it connect.
    pub fn go(&mut self) {
        let stdin = self.child.stdin.as_mut().expect("its stdin is piped");
        stdin.write_all(b"go\n").expect("the client runs");
    }

    /// Reads the client's next line, and prints it.
    pub fn line(&mut self) {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("the client prints a line");
        print!("{line}");
    }
}

impl Drop for Client {
    /// Ends the client's reading, and prints its last line.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.line();
        // The process ends by itself.
        drop(self.child.wait());
    }
}
