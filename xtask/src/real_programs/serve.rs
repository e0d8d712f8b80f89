//! A running program, plain or observed.

use super::programs::RealProgram;
use super::source::{Built, Source};
use crate::peer_tests::write;
use crate::process::Result;
use crate::program::{Program, START};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The two builds of a program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Build {
    Plain,
    Observed,
}

/// A program that listens. Dropping this ends it.
pub struct Server {
    _program: Program,
    pub address: SocketAddr,
    insight: Option<SocketAddr>,
}

impl Server {
    /// Starts the program and waits until it listens.
    pub fn start(program: &'static RealProgram, source: &Source, build: Build, built: &Built) -> Result<Server> {
        let address = match program.fixed_port {
            Some(port) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            // The port is free now, and will hardly be taken in the next moment.
            None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .and_then(|listener| listener.local_addr())
                .map_err(|error| format!("no free port: {error}"))?,
        };
        if program.fixed_port.is_some() && TcpStream::connect(address).is_ok() {
            return Err(format!(
                "{} listens only on port {}, which another program uses",
                program.name,
                address.port()
            ));
        }
        let files = source.folder.join("files");
        for (path, text) in served() {
            write(&files.join(path), &text)?;
        }
        let home = source.folder.join(if build == Build::Plain { "home-plain" } else { "home-observed" });
        if home.exists() {
            fs::remove_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
        }
        fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
        let filled = |text: &str| filled(text, address, &files, &home);
        for (path, text) in program.files {
            write(&home.join(path), &filled(text))?;
        }
        let mut command = Command::new(&built.executable);
        command.current_dir(&home).env("HOME", &home).env("INSIGHT_LISTEN", "127.0.0.1:0");
        command.args(program.arguments.iter().map(|argument| filled(argument)));
        command.envs(program.environment.iter().map(|(name, value)| (name, filled(value))));
        let mut running = Program::spawn(program.name, command)?;
        let insight = match build {
            Build::Plain => None,
            Build::Observed => Some(running.listens("insight: listening on http://", START)?),
        };
        let deadline = Instant::now() + START;
        while let Err(error) = TcpStream::connect(address) {
            if Instant::now() > deadline {
                let last = running.last_words();
                return Err(format!("{} does not listen on {address} in {START:?}: {error}; {last}", program.name));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Server { _program: running, address, insight })
    }

    /// The address of insight in the observed program.
    pub fn insight(&self) -> Result<SocketAddr> {
        self.insight.ok_or("the program runs without insight".to_owned())
    }
}

/// The text with the values of its placeholders.
fn filled(text: &str, address: SocketAddr, files: &Path, home: &Path) -> String {
    text.replace("{port}", &address.port().to_string())
        .replace("{files}", &files.display().to_string())
        .replace("{home}", &home.display().to_string())
}

/// The files for file servers: a small one, one in a subfolder, and one of a megabyte.
fn served() -> [(&'static str, String); 3] {
    let large: String =
        (0..16_384).map(|line| format!("line {line:>9} of a text that is not short, in a large file\n")).collect();
    [
        ("small.txt", "A small file.\n".to_owned()),
        ("folder/deep/page.html", "<!doctype html>\n<title>Deep</title>\n".to_owned()),
        ("large.txt", large),
    ]
}
