//! Limits: memory, file descriptors, address space, and the size of files.

use super::Setting;
use super::attacked::{Attacked, PATIENCE, ask, begin, until};
use super::life::whole_lines;
use super::tools::run;
use crate::process::Result;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

/// Memory above its limit that a program may have, in MiB: its own, the allocator's, and a snapshot's.
const SLACK: u64 = 150;

pub fn late(setting: &Setting) -> Result<String> {
    let (tasks, mib) = setting.size((300_000, 64), (100_000, 16));
    let mut attacked = Attacked::start(setting, &["late", &tasks.to_string(), &mib.to_string()])?;
    let snapshot = attacked.snapshot()?;
    let (shown, missing) = (snapshot.spawned as u64, snapshot.missing);
    if missing == 0 || shown + missing < tasks {
        return Err(format!("the snapshot has {shown} of {tasks} tasks, and reports {missing} as missing"));
    }
    let mut once = Command::new(&setting.tools.consolation);
    let result = run(once.arg(attacked.address.to_string()).arg("--once"), PATIENCE)?;
    let text = String::from_utf8_lossy(&result.stdout);
    if !text.contains("not shown") {
        return Err("consolation --once does not report that tasks are missing".to_owned());
    }
    attacked.makes_progress()?;
    attacked.end()?;
    Ok(format!("{shown} of {tasks} tasks in {mib} MiB, {missing} reported as missing"))
}

pub fn names(setting: &Setting) -> Result<String> {
    let tasks = setting.size(2_000_000, 200_000);
    small(setting, &["names", &tasks.to_string()], &format!("{tasks} names"))
}

pub fn long_names(setting: &Setting) -> Result<String> {
    let names = setting.size(1_000, 100);
    small(setting, &["long-names", &names.to_string()], &format!("{names} names of 1 MiB"))
}

/// Checks that ended tasks take no memory.
fn small(setting: &Setting, mode: &[&str], text: &str) -> Result<String> {
    let mut attacked = Attacked::start(setting, mode)?;
    let memory = attacked.process().memory()?;
    if memory > SLACK {
        return Err(format!("after {text}, all dropped, the program has {memory} MiB"));
    }
    attacked.makes_progress()?;
    attacked.end()?;
    Ok(format!("{text}, all dropped: {memory} MiB"))
}

pub fn descriptors(setting: &Setting) -> Result<String> {
    let mut attacked = Attacked::limited(setting, &["files"], "ulimit -n 64", &[])?;
    let idle = idle(attacked.address, 200)?;
    attacked.makes_progress()?;
    answers(attacked.address)?;
    let failed = attacked.program.lines().iter().rev().find_map(|line| line.strip_suffix(" files not opened"));
    let failed = failed.map(str::to_owned);
    drop(idle);
    match failed.as_deref() {
        Some("attacked: 0") => {}
        other => return Err(format!("the program could not open its own files: {other:?}")),
    }
    attacked.end()?;
    Ok("200 idle connections with 64 file descriptors: the program could open each of its files".to_owned())
}

pub fn address_space(setting: &Setting) -> Result<String> {
    const MIB: u64 = 400;
    let mut attacked = Attacked::limited(setting, &["idle"], &format!("ulimit -v {}", MIB << 10), &[])?;
    let idle = idle(attacked.address, 100)?;
    attacked.makes_progress()?;
    answers(attacked.address)?;
    drop(idle);
    attacked.makes_progress()?;
    attacked.end()?;
    Ok(format!("100 idle connections in {MIB} MiB of address space: the program continued"))
}

/// Opens connections that send nothing.
fn idle(address: SocketAddr, connections: usize) -> Result<Vec<TcpStream>> {
    // The server may refuse a connection by closing it. Connecting still succeeds.
    (0..connections)
        .map(|_| TcpStream::connect(address).map_err(|error| format!("cannot connect to {address}: {error}")))
        .collect()
}

/// Waits until a short request has an answer.
fn answers(address: SocketAddr) -> Result {
    until("no answer to /v1/problems", || Ok(ask(address, "/v1/problems").ok())).map(drop)
}

pub fn file_size(setting: &Setting) -> Result<String> {
    // A shell counts in blocks of 512 or 1024 bytes.
    const BLOCKS: u64 = 128;
    let file = setting.folder.join("file-size.ndjson");
    let mut program =
        begin(setting, &["short", "0", "large"], &format!("ulimit -f {BLOCKS}"), &[("INSIGHT_RECORD", &file)])?;
    let status = program.ends(PATIENCE)?;
    if !status.success() {
        return Err(format!("the program ended with {status}; {}", program.last_words()));
    }
    let size = std::fs::metadata(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?.len();
    // All complete lines are valid, and the program has reported the limit.
    let recorded = whole_lines(&file)?;
    let line = program.lines().iter().find(|line| line.starts_with("insight: cannot write"));
    let Some(line) = line else {
        return Err(format!("the program does not report the limit of its recording, which has {size} bytes"));
    };
    Ok(format!("{size} bytes, {} lines, and `{line}`", recorded.lines))
}
