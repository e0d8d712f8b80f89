//! The attacked program, and measurements of its process.

use super::Setting;
use crate::process::{Result, root};
use crate::program::{Program, START, request};
use insight_protocol::{Decoded, Message, TaskId, decode};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Maximum time for a part of the program, an answer or an end, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two checks of a condition that has no event.
pub const INTERVAL: Duration = Duration::from_millis(50);

/// The line that the program prints when its part is done.
const READY: &str = "attacked: ready";

/// The attacked program, which listens.
pub struct Attacked {
    pub program: Program,
    pub address: SocketAddr,
    questions: u32,
}

impl Attacked {
    /// Starts a mode and waits until it has done its part.
    pub fn start(setting: &Setting, arguments: &[&str]) -> Result<Attacked> {
        Attacked::limited(setting, arguments, "", &[])
    }

    /// The same, after a line of the shell such as `ulimit -n 64`, and with environment variables.
    pub fn limited(setting: &Setting, arguments: &[&str], line: &str, variables: &[(&str, &Path)]) -> Result<Attacked> {
        let mut program = begin(setting, arguments, line, variables)?;
        let address = program.listens("insight: listening on http://", START)?;
        program.line(READY, 4 * PATIENCE)?;
        Ok(Attacked { program, address, questions: 0 })
    }

    /// The number of steps that the program's task has taken. The program answers while it makes progress.
    pub fn steps(&mut self) -> Result<u64> {
        self.questions += 1;
        let question = format!("question {}", self.questions);
        self.program.write_line(&question)?;
        let line = self.program.line(&format!("attacked: {question}: "), PATIENCE)?;
        let steps = line.rsplit(": ").next().and_then(|steps| steps.strip_suffix(" steps"));
        steps.and_then(|steps| steps.parse().ok()).ok_or(format!("not a number of steps: {line}"))
    }

    /// Waits until the program's task has taken more steps. Fails if nothing happens.
    pub fn makes_progress(&mut self) -> Result {
        let before = self.steps()?;
        until("the program's task takes no more steps", || Ok((self.steps()? > before + 10).then_some(())))
    }

    /// Closes its stdin, and waits for its end.
    pub fn end(mut self) -> Result {
        self.program.close_stdin();
        let status = self.program.ends(PATIENCE)?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("attacked ended with {status}; {}", self.program.last_words())),
        }
    }

    pub fn process(&self) -> Process {
        Process(self.program.pid())
    }

    /// The open problems. The answer may be a moment old.
    pub fn problems(&self) -> Result<Value> {
        let answer = ask(self.address, "/v1/problems")?;
        serde_json::from_str(&answer).map_err(|error| format!("/v1/problems is not JSON: {error}: {answer}"))
    }

    pub fn snapshot(&self) -> Result<Recorded> {
        Recorded::read(ask(self.address, "/v1/snapshot")?.as_bytes())
    }
}

/// Starts a mode without waiting.
pub fn begin(setting: &Setting, arguments: &[&str], line: &str, variables: &[(&str, &Path)]) -> Result<Program> {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{line}\nexec \"$0\" \"$@\"")).arg(&setting.attacked).args(arguments);
    command.envs(variables.iter().copied());
    Program::start("attacked", command)
}

/// Sends a request, and waits as long as the answer takes. Returns the body of an answer with status 200.
pub fn ask(address: SocketAddr, path: &str) -> Result<String> {
    let mut stream = request(address, path)?;
    let failed = |error: std::io::Error| format!("GET http://{address}{path}: {error}");
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(failed)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(format!("GET http://{address}{path}: not HTTP"))?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(format!("GET http://{address}{path}: {}", head.lines().next().unwrap_or("")));
    }
    match head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        true => unchunked(body).ok_or(format!("GET http://{address}{path}: its last chunk is missing")),
        false => Ok(body.to_owned()),
    }
}

/// The text of chunks, if they are complete.
fn unchunked(mut body: &str) -> Option<String> {
    let mut text = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        text.push_str(rest.get(..size)?);
        if size == 0 {
            return Some(text);
        }
        body = rest.get(size + 2..)?;
    }
}

/// Waits until `value` returns a value. `otherwise` describes the failure.
pub fn until<T>(otherwise: &str, mut value: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = value()? {
            return Ok(value);
        }
        if Instant::now() > deadline {
            return Err(format!("{otherwise}, after {PATIENCE:?}"));
        }
        std::thread::sleep(INTERVAL);
    }
}

/// The content of a recording or a snapshot.
#[derive(Default)]
pub struct Recorded {
    /// Number of spawned tasks.
    pub spawned: usize,
    /// The named tasks.
    pub named: Vec<(String, TaskId)>,
    /// Number of missing tasks, by its gaps with `standing`.
    pub missing: u64,
    /// Number of gaps without `standing`.
    pub gaps: usize,
    /// The time of the last heartbeat, in nanoseconds.
    pub last_ns: u64,
    pub lines: usize,
    pub text: String,
}

impl Recorded {
    /// Reads a recording or a snapshot. A line that does not decode is an error.
    pub fn read(bytes: impl Read) -> Result<Recorded> {
        let mut recorded = Recorded::default();
        let mut strings = std::collections::HashMap::new();
        for line in BufReader::new(bytes).lines() {
            let line = line.map_err(|error| format!("line {}: {error}", recorded.lines + 1))?;
            recorded.lines += 1;
            match decode(&line) {
                Ok(Decoded::Message { message, .. }) => match message {
                    Message::DefineString(define) => drop(strings.insert(define.id, define.text)),
                    Message::TaskSpawned(task) => {
                        recorded.spawned += 1;
                        let name = task.name.and_then(|name| strings.get(&name).cloned());
                        recorded.named.extend(name.map(|name| (name, task.id)));
                    }
                    Message::Gap(gap) if gap.standing => recorded.missing += gap.tasks.unwrap_or(0),
                    Message::Gap(_) => recorded.gaps += 1,
                    Message::StreamHeartbeat(beat) => recorded.last_ns = recorded.last_ns.max(beat.at_ns),
                    _ => {}
                },
                Ok(_) => {}
                Err(error) => return Err(format!("line {}: {error}", recorded.lines)),
            }
            recorded.text.push_str(&line);
            recorded.text.push('\n');
        }
        Ok(recorded)
    }

    /// Reads a file, with or without compression.
    pub fn file(path: &Path) -> Result<Recorded> {
        let file = fs::File::open(path).map_err(|error| format!("cannot open {}: {error}", path.display()))?;
        let recorded = match path.extension().is_some_and(|extension| extension == "gz") {
            true => Recorded::read(flate2::read::GzDecoder::new(file)),
            false => Recorded::read(file),
        };
        recorded.map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Checks a recording against the rules of SPEC.md.
pub fn check(setting: &Setting, file: &Path) -> Result {
    let mut command = Command::new(&setting.tools.conformance);
    let run = super::tools::run(command.current_dir(root()).arg("check").arg(file), PATIENCE)?;
    match run.status.is_some_and(|status| status.success()) {
        true => Ok(()),
        false => Err(format!(
            "insight-conformance check {}: {:?}: {}{}",
            file.display(),
            run.status,
            String::from_utf8_lossy(&run.stdout),
            String::from_utf8_lossy(&run.stderr)
        )),
    }
}

/// Sends a signal.
pub fn signal(pid: u32, name: &str) -> Result {
    let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")).status();
    match status.is_ok_and(|status| status.success()) {
        true => Ok(()),
        false => Err(format!("cannot send SIG{name} to process {pid}")),
    }
}

/// A process, measured through `/proc`.
#[derive(Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    /// Its present memory, in MiB.
    pub fn memory(self) -> Result<u64> {
        Ok(self.status("VmRSS:")? >> 10)
    }

    pub fn threads(self) -> Result<u64> {
        self.status("Threads:")
    }

    /// Whether it has a thread of this name.
    pub fn has_thread(self, name: &str) -> Result<bool> {
        let folder = format!("/proc/{}/task", self.0);
        let threads = fs::read_dir(&folder).map_err(|error| format!("cannot read {folder}: {error}"))?;
        // A thread that ends at this moment has no file any more.
        let names = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok());
        Ok(names.into_iter().any(|found| found.trim_end() == name))
    }

    /// Number of open file descriptors.
    pub fn descriptors(self) -> Result<u64> {
        let folder = format!("/proc/{}/fd", self.0);
        let entries = fs::read_dir(&folder).map_err(|error| format!("cannot read {folder}: {error}"))?;
        Ok(entries.count() as u64)
    }

    /// The part of a core that it uses during `time`.
    pub fn share(self, time: Duration) -> Result<f64> {
        let (start, before) = (Instant::now(), self.ticks()?);
        std::thread::sleep(time);
        // Linux reports processor time in hundredths of a second.
        Ok((self.ticks()? - before) as f64 / 100.0 / start.elapsed().as_secs_f64())
    }

    fn ticks(self) -> Result<u64> {
        let stat = self.file("stat")?;
        // The name is in parentheses and may contain anything. By proc(5), utime and stime are fields 14 and 15.
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace().collect::<Vec<_>>());
        let ticks =
            fields.and_then(|fields| Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?));
        ticks.ok_or(format!("/proc/{}/stat does not have the format of proc(5): {stat}", self.0))
    }

    fn status(self, field: &str) -> Result<u64> {
        let status = self.file("status")?;
        let value = status.lines().find_map(|line| line.strip_prefix(field));
        let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
        number.ok_or(format!("/proc/{}/status has no {field}", self.0))
    }

    fn file(self, name: &str) -> Result<String> {
        let path = format!("/proc/{}/{name}", self.0);
        fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))
    }
}
