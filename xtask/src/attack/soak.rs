//! Load for ten minutes, with clients that connect and disconnect, and with pauses. Memory does not grow, and no rule is
//! broken.

use super::Setting;
use super::attacked::{PATIENCE, Process, ask, signal, until};
use super::server::Usage;
use super::tools::run;
use crate::process::Result;
use crate::program::{Program, START, request};
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

/// Memory that the last quarter may have more than the second one, in MiB. The allocator keeps some, and the number of tasks
/// varies.
const SLACK: u64 = 40;

pub fn soak(setting: &Setting) -> Result<String> {
    let seconds: u64 = setting.size(600, 20);
    let mut command = Command::new(&setting.stress);
    command.args(["--seconds", &seconds.to_string(), "--seed", "15"]);
    let mut program = Program::start("stress", command)?;
    let address = program.listens("insight: listening on http://", START)?;
    let process = Process(program.pid());
    let usage = Usage::of(process)?;

    let mut client = Command::new(&setting.tools.conformance);
    client.args(["check", &address.to_string(), "--for", &seconds.to_string()]);
    let client = std::thread::spawn(move || run(&mut client, Duration::from_secs(seconds) + 2 * PATIENCE));
    let (start, mut memory, mut rounds) = (Instant::now(), Vec::new(), 0_u64);
    while start.elapsed() < Duration::from_secs(seconds) {
        rounds += 1;
        ask(address, "/v1/problems")?;
        ask(address, &format!("/v1/tasks/{rounds}/trace"))?;
        // Clients that disconnect in the middle of an answer.
        for path in ["/v1/stream", "/v1/snapshot", "/v1/graph.dot"] {
            let mut stream = request(address, path)?;
            stream.read_exact(&mut [0; 64]).map_err(|error| format!("GET {path}: {error}"))?;
        }
        if rounds % 60 == 0 {
            signal(program.pid(), "STOP")?;
            std::thread::sleep(Duration::from_secs(2));
            signal(program.pid(), "CONT")?;
        }
        memory.push(process.memory()?);
        std::thread::sleep(Duration::from_millis(250));
    }
    let result = client.join().map_err(|_| "the client's thread has failed")??;
    if !result.status.is_some_and(|status| status.success()) {
        let words = [result.stdout, result.stderr].concat();
        return Err(format!("insight-conformance check: {:?}: {}", result.status, String::from_utf8_lossy(&words)));
    }
    program.line("stress: done", PATIENCE)?;
    usage.is_restored(process)?;
    until("no answer to /v1/problems", || Ok(ask(address, "/v1/problems").ok()))?;
    let most = |quarter: usize| {
        let size = memory.len() / 4;
        memory.iter().skip(quarter * size).take(size.max(1)).max().copied().unwrap_or(0)
    };
    let (early, late) = (most(1), most(3));
    match late > early + SLACK {
        true => Err(format!("{seconds} s: {early} MiB in the second quarter, and {late} in the last")),
        false => Ok(format!("{seconds} s, {rounds} rounds of 5 clients: {early} MiB, and at the end {late}")),
    }
}
