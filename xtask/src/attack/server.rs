//! Hostile clients of the server. The program continues, other clients get their answers, and all memory, threads and
//! descriptors of a client are free after it has disconnected.

use super::Setting;
use super::attacked::{Attacked, Process, ask, until};
use super::tools::Random;
use crate::process::Result;
use crate::program::request;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// Maximum number of connections of the server.
const CONNECTIONS: usize = 64;

pub fn slow(setting: &Setting) -> Result<String> {
    // By README: 128 MiB for snapshots that are being sent, and 8 MiB for each client. The rest is the allocator's.
    const MOST: u64 = 400;
    let tasks = setting.size(100_000, 20_000);
    let mut attacked = Attacked::start(setting, &["changing", &tasks.to_string()])?;
    let usage = Usage::of(attacked.process())?;
    let before = attacked.process().memory()?;
    let clients: Vec<TcpStream> =
        (0..CONNECTIONS - 2).map(|_| request(attacked.address, "/v1/snapshot")).collect::<Result<_>>()?;
    let (mut most, start) = (before, Instant::now());
    let time = Duration::from_secs(setting.size(30, 8));
    while start.elapsed() < time {
        most = most.max(attacked.process().memory()?);
        std::thread::sleep(Duration::from_millis(100));
    }
    attacked.makes_progress()?;
    answers(&attacked)?;
    drop(clients);
    usage.is_restored(attacked.process())?;
    attacked.end()?;
    match most - before {
        more if more > MOST => Err(format!("{} slow clients took {more} MiB", CONNECTIONS - 2)),
        more => Ok(format!("{} slow clients of a snapshot of {tasks} tasks took {more} MiB", CONNECTIONS - 2)),
    }
}

pub fn streams(setting: &Setting) -> Result<String> {
    let mut attacked = Attacked::start(setting, &["idle"])?;
    let usage = Usage::of(attacked.process())?;
    let rounds = setting.size(200, 20);
    for _ in 0..rounds {
        let streams: Vec<TcpStream> =
            (0..2 * CONNECTIONS).map(|_| request(attacked.address, "/v1/stream")).collect::<Result<_>>()?;
        answers(&attacked)?;
        drop(streams);
    }
    attacked.makes_progress()?;
    usage.is_restored(attacked.process())?;
    attacked.end()?;
    Ok(format!("{rounds} times {} streams at once: a short request was answered each time", 2 * CONNECTIONS))
}

pub fn garbage(setting: &Setting) -> Result<String> {
    let mut attacked = Attacked::start(setting, &["idle"])?;
    let usage = Usage::of(attacked.process())?;
    let memory = attacked.process().memory()?;
    let connections = setting.size(20_000, 1_000);
    let mut random = Random::new(0x5eed);
    for number in 0..connections {
        let mut stream = TcpStream::connect(attacked.address).map_err(|error| format!("cannot connect: {error}"))?;
        let mut bytes: Vec<u8> = match number % 3 {
            0 => Vec::new(),
            _ => b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        };
        for _ in 0..random.below(64) {
            let byte = random.below(256) as u8;
            match bytes.len() {
                0 => bytes.push(byte),
                length => bytes[random.below(length)] = byte,
            }
        }
        // The server may have closed the connection already.
        let _ = stream.write_all(&bytes);
        match number % 4 {
            0 => drop(stream.shutdown(Shutdown::Write)),
            1 => drop(stream.shutdown(Shutdown::Both)),
            2 => {
                drop(stream.set_read_timeout(Some(Duration::from_millis(1))));
                drop(stream.read(&mut [0; 16]));
            }
            // Closing it with unread bytes resets it.
            _ => {}
        }
    }
    attacked.makes_progress()?;
    answers(&attacked)?;
    usage.is_restored(attacked.process())?;
    let more = attacked.process().memory()?.saturating_sub(memory);
    attacked.end()?;
    match more {
        // 64 threads had stacks, and areas of the allocator.
        100.. => Err(format!("{connections} connections left {more} MiB behind")),
        more => Ok(format!("{connections} connections left {more} MiB behind")),
    }
}

/// Waits until a short request has an answer.
fn answers(attacked: &Attacked) -> Result {
    until("no answer to /v1/problems", || Ok(ask(attacked.address, "/v1/problems").ok())).map(drop)
}

/// The descriptors and threads of a process without clients.
pub struct Usage {
    descriptors: u64,
    threads: u64,
}

impl Usage {
    pub fn of(process: Process) -> Result<Usage> {
        // The thread of the last answer may be about to end.
        std::thread::sleep(Duration::from_millis(1_500));
        Ok(Usage { descriptors: process.descriptors()?, threads: process.threads()? })
    }

    /// Waits until the process has no more descriptors and threads than before.
    pub fn is_restored(&self, process: Process) -> Result {
        let mut now = (0, 0);
        let waited = until("", || {
            now = (process.descriptors()?, process.threads()?);
            Ok((now.0 <= self.descriptors && now.1 <= self.threads).then_some(()))
        });
        waited.map_err(|_| {
            let Usage { descriptors, threads } = self;
            let (more_descriptors, more_threads) = now;
            format!(
                "before the clients there were {descriptors} descriptors and {threads} threads, and there are \
                 {more_descriptors} and {more_threads} after all have disconnected"
            )
        })
    }
}
