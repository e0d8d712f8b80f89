//! Programs of the repository: build, start and stop them, read their output, and send requests to them.

use crate::process::{Result, cargo, root};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Maximum time until a program listens.
pub const START: Duration = Duration::from_secs(20);
const REQUEST: Duration = Duration::from_secs(2);

/// A profile of cargo.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Dev,
    Release,
}

/// The binaries that the steps of `cargo xtask test` run in a debug build, beside those that `cargo test` has built.
const DEBUG: [&str; 9] = [
    "barbara",
    "cargo-insight",
    "deadlock",
    "handovers_async_std",
    "handovers_smol",
    "handovers_tokio",
    "hangs_async_std",
    "hangs_smol",
    "hangs_tokio",
];

/// The packages and the binaries that these steps run in a release build. insight-probe has only tests there.
const RELEASED: [&str; 5] =
    ["insight-bench", "insight-conformance", "insight-examples", "insight-probe", "wish4-consolation"];
const RELEASE: [&str; 8] = [
    "async_std_stress",
    "attacked",
    "bench-bare",
    "bench-insight",
    "consolation",
    "insight-conformance",
    "smol_stress",
    "stress",
];

/// The probe's tests that need a release build.
const RELEASED_TESTS: [&str; 2] = ["short_tasks", "recording"];

static WITH_OTHERS: AtomicBool = AtomicBool::new(false);

/// From now on, [`build`] builds a binary together with the other binaries that `cargo xtask test` needs. A build of one
/// package may choose other features of its dependencies than a build of several, and then compiles them again.
pub fn build_with_others() {
    WITH_OTHERS.store(true, Ordering::Relaxed);
}

/// Builds a binary. Returns its path.
pub fn build(package: &str, binary: &str, profile: Profile) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--message-format", "json-render-diagnostics"]);
    match (WITH_OTHERS.load(Ordering::Relaxed), profile) {
        (false, Profile::Dev) => _ = command.args(["--package", package, "--bin", binary]),
        (false, Profile::Release) => _ = command.args(["--release", "--package", package, "--bin", binary]),
        (true, Profile::Dev) => {
            // As `cargo test` has built them: tests choose features, too.
            command.args(["--workspace", "--all-features", "--tests"]).args(bins(&DEBUG));
        }
        (true, Profile::Release) => _ = command.args(released()).args(bins(&RELEASE)),
    }
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| format!("cannot start cargo: {error}"))?;
    executable(&output, binary).ok_or(format!("cannot build {binary}: correct what cargo names above"))
}

fn bins<'a>(names: &'a [&str]) -> impl Iterator<Item = &'a str> {
    names.iter().flat_map(|name| ["--bin", name])
}

/// The arguments that all release builds of `cargo xtask test` share, so that none compiles a crate again: the packages, and
/// the tests among their targets.
pub fn released() -> impl Iterator<Item = &'static str> {
    let packages = RELEASED.iter().flat_map(|package| ["--package", package]);
    let tests = RELEASED_TESTS.iter().flat_map(|test| ["--test", test]);
    ["--release"].into_iter().chain(packages).chain(tests)
}

/// The path of the binary in the JSON messages of a `cargo build`.
pub fn executable(build: &Output, binary: &str) -> Option<PathBuf> {
    let executable = String::from_utf8_lossy(&build.stdout).lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_program = message["target"]["name"] == binary && message["profile"]["test"] == false;
        is_program.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
    });
    executable.filter(|_| build.status.success())
}

/// A program that runs. Dropping this stops it.
pub struct Program {
    pub name: &'static str,
    child: Child,
    lines: Receiver<String>,
    output: Vec<String>,
}

impl Program {
    /// Starts the program on free ports, and reads its output.
    pub fn start(name: &'static str, mut command: Command) -> Result<Program> {
        // The programs name their source files from the root.
        command.current_dir(root()).env("INSIGHT_LISTEN", "127.0.0.1:0");
        command.env(format!("{}_LISTEN", name.to_uppercase()), "127.0.0.1:0").env("PORT", "0");
        Program::spawn(name, command)
    }

    /// Starts the program as the command defines, and reads its output.
    pub fn spawn(name: &'static str, mut command: Command) -> Result<Program> {
        // A program that reads its stdin waits until `close_stdin` ends it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("cannot start {name}: {error}"))?;
        let (sender, lines) = channel();
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        // Read to the end, so that the program never blocks on its own pipe, and does not write into consolation's screen.
        pass_on(stdout, sender.clone());
        pass_on(stderr, sender);
        Ok(Program { name, child, lines, output: Vec::new() })
    }

    /// The address in the line that begins with `prefix`.
    pub fn listens(&mut self, prefix: &str, patience: Duration) -> Result<SocketAddr> {
        let line = self.line(prefix, patience)?;
        let address = line[prefix.len()..].trim().trim_end_matches('/');
        address.parse().map_err(|_| format!("{} printed `{line}`, without an address after http://", self.name))
    }

    /// The line that begins with `prefix`, if it comes in time.
    pub fn line(&mut self, prefix: &str, patience: Duration) -> Result<String> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(line) = self.output.iter().find(|line| line.starts_with(prefix)) {
                return Ok(line.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                // The deadline also holds for a program that prints without end.
                Ok(line) if !left.is_zero() => self.output.push(line),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {
                    let (name, last) = (self.name, self.last_words());
                    return Err(format!("{name} did not print `{prefix}...` in {patience:?}; {last}"));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    // It has closed both pipes. It has ended, or it ends now.
                    let _ = self.child.kill();
                    let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
                    let (name, last) = (self.name, self.last_words());
                    return Err(format!("{name} ended with {status} before it printed `{prefix}...`; {last}"));
                }
            }
        }
    }

    /// The ID of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to its stdin.
    pub fn write_line(&mut self, line: &str) -> Result {
        let stdin = self.child.stdin.as_mut().ok_or_else(|| format!("the stdin of {} is closed", self.name))?;
        writeln!(stdin, "{line}").map_err(|error| format!("{} does not read its stdin: {error}", self.name))
    }

    /// Closes its stdin.
    pub fn close_stdin(&mut self) {
        self.child.stdin.take();
    }

    /// Waits for its end, at most this long.
    pub fn ends(&mut self, patience: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
                Ok(None) => {
                    let (name, last) = (self.name, self.last_words());
                    return Err(format!("{name} did not end in {patience:?}; {last}"));
                }
                Err(error) => return Err(format!("cannot wait for {}: {error}", self.name)),
            }
        }
    }

    /// All lines of its output until now.
    pub fn lines(&mut self) -> &[String] {
        self.output.extend(self.lines.try_iter());
        &self.output
    }

    /// The last line of its output, for an error.
    pub fn last_words(&mut self) -> String {
        self.output.extend(self.lines.try_iter());
        match self.output.last() {
            Some(line) => format!("its last line was `{line}`"),
            None => "it printed nothing".to_owned(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if the program has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pass_on(pipe: impl Read + Send + 'static, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(std::result::Result::ok) {
            // The receiver is gone when the demo ends. The pipe is still read.
            let _ = lines.send(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
    });
}

/// The answer of `/v1/snapshot`, with its headers.
pub fn snapshot(insight: SocketAddr) -> Result<String> {
    let failed = |error: std::io::Error| format!("GET http://{insight}/v1/snapshot: {error}");
    let mut stream = request(insight, "/v1/snapshot")?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).map_err(failed)?;
    Ok(String::from_utf8_lossy(&response).into_owned())
}

/// Sends a request. The caller reads the answer.
pub fn request(address: SocketAddr, path: &str) -> Result<TcpStream> {
    let failed = |error: std::io::Error| format!("GET http://{address}{path}: {error}");
    let mut stream = TcpStream::connect_timeout(&address, REQUEST).map_err(failed)?;
    stream.set_read_timeout(Some(REQUEST)).map_err(failed)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(failed)?;
    Ok(stream)
}

/// Maximum time without a line. The server sends a heartbeat each half second, so after this time it is gone.
const SILENCE: Duration = Duration::from_secs(10);

/// The lines of `/v1/stream` as they arrive. It fails if none arrives in `SILENCE`.
pub fn stream(address: SocketAddr) -> Result<impl Iterator<Item = Result<String>>> {
    let failed = move |error: std::io::Error| format!("GET http://{address}/v1/stream: {error}");
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_read_timeout(Some(SILENCE)).map_err(failed)?;
    // A reply to HTTP/1.0 is not chunked.
    write!(stream, "GET /v1/stream HTTP/1.0\r\nHost: {address}\r\n\r\n").map_err(failed)?;
    let lines = BufReader::new(stream).lines().map(move |line| line.map_err(failed));
    // The lines after the head, which ends with an empty line.
    Ok(lines
        .skip_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
        .skip_while(|line| line.as_deref() == Ok("")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listens(script: &str, patience: Duration) -> String {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut program = Program::start("barbara", command).unwrap();
        match program.listens("insight: listening on http://", patience) {
            Ok(address) => address.to_string(),
            Err(error) => error,
        }
    }

    #[test]
    fn address_is_read_from_the_output_or_the_error_has_the_last_line() {
        let check = |script: &str, expect: &str| assert_eq!(listens(script, START), expect, "{script}");
        let prints =
            |address: &str| format!("echo hello; echo 'insight: listening on http://{address}' >&2; exec sleep 61");
        check(&prints("127.0.0.1:41234"), "127.0.0.1:41234");
        check(
            &prints("no-address"),
            "barbara printed `insight: listening on http://no-address`, without an address after http://",
        );
        check(
            "echo 'cannot listen' >&2; exit 7",
            "barbara ended with exit status: 7 before it printed `insight: listening on http://...`; \
             its last line was `cannot listen`",
        );
        let silent = listens("exec sleep 61", Duration::from_millis(200));
        assert_eq!(silent, "barbara did not print `insight: listening on http://...` in 200ms; it printed nothing");
    }
}
