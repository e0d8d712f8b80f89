//! The client of a measured program: a process of its own beside this one.

use crate::arguments::Arguments;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A client that was started. It connects when it is told so.
pub struct Client {
    child: Child,
    lines: BufReader<ChildStdout>,
}

/// Where the client's program is: beside this one, unless the arguments say where.
fn program(arguments: &Arguments) -> PathBuf {
    let beside = || std::env::current_exe().expect("this program has a path").with_file_name("bench-client");
    arguments.text("client").map_or_else(beside, PathBuf::from)
}

/// Starts the client of a configuration that has one, and waits until it has a complete snapshot, or has stopped to read.
pub fn attach(arguments: &Arguments, address: Option<SocketAddr>) -> Option<Client> {
    let how = match arguments.configuration() {
        "client" => "follow",
        "stopped" => "stop",
        _ => return None,
    };
    let mut client = Client::start(arguments, address.expect("a client has somebody to ask"), how);
    client.go();
    client.line();
    Some(client)
}

impl Client {
    /// Starts its process, and no more.
    pub fn start(arguments: &Arguments, address: SocketAddr, how: &str) -> Client {
        let mut command = Command::new(program(arguments));
        command.args([how, &address.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the client is built beside this program");
        let mut lines = BufReader::new(child.stdout.take().expect("its stdout is piped"));
        let mut ready = String::new();
        lines.read_line(&mut ready).expect("the client says that it runs");
        Client { child, lines }
    }

    /// Has it connect.
    pub fn go(&mut self) {
        let stdin = self.child.stdin.as_mut().expect("its stdin is piped");
        stdin.write_all(b"go\n").expect("the client runs");
    }

    /// The next line that it says, which goes to this program's stdout, too.
    pub fn line(&mut self) {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("the client says something");
        print!("{line}");
    }
}

impl Drop for Client {
    /// Ends what it reads, and passes on what it says of that.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.line();
        // It ends by itself.
        drop(self.child.wait());
    }
}
