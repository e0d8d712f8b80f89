//! What is bounded: memory, file descriptors, address space, the size of files.

use super::Setting;
use super::attacked::{Attacked, PATIENCE, ask, begin, until};
use super::life::whole_lines;
use super::tools::run;
use crate::process::Result;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

/// How much more memory than its limit a program may have: its own, the allocator's, and what a snapshot takes.
const SLACK: u64 = 150;

pub fn late(setting: &Setting) -> Result<String> {
    let (tasks, mib) = setting.size((300_000, 64), (100_000, 16));
    let mut attacked = Attacked::start(setting, &["late", &tasks.to_string(), &mib.to_string()])?;
    let snapshot = attacked.snapshot()?;
    let (shown, missing) = (snapshot.spawned as u64, snapshot.missing);
    if missing == 0 || shown + missing < tasks {
        return Err(format!("of {tasks} tasks the snapshot has {shown}, and says that {missing} are missing"));
    }
    let mut once = Command::new(&setting.tools.consolation);
    let seen = run(once.arg(attacked.address.to_string()).arg("--once"), PATIENCE)?;
    let text = String::from_utf8_lossy(&seen.stdout);
    if !text.contains("not shown") {
        return Err("consolation --once does not say that tasks are not shown".to_owned());
    }
    attacked.goes_on()?;
    attacked.end()?;
    Ok(format!("{shown} of {tasks} tasks in {mib} MiB, {missing} said to be missing"))
}

pub fn names(setting: &Setting) -> Result<String> {
    let tasks = setting.size(2_000_000, 200_000);
    small(setting, &["names", &tasks.to_string()], &format!("{tasks} names"))
}

pub fn long_names(setting: &Setting) -> Result<String> {
    let names = setting.size(1_000, 100);
    small(setting, &["long-names", &names.to_string()], &format!("{names} names of 1 MiB"))
}

/// What is gone takes no memory.
fn small(setting: &Setting, mode: &[&str], text: &str) -> Result<String> {
    let mut attacked = Attacked::start(setting, mode)?;
    let memory = attacked.process().memory()?;
    if memory > SLACK {
        return Err(format!("after {text}, all gone, the program has {memory} MiB"));
    }
    attacked.goes_on()?;
    attacked.end()?;
    Ok(format!("{text}, all gone: {memory} MiB"))
}

pub fn descriptors(setting: &Setting) -> Result<String> {
    let mut attacked = Attacked::limited(setting, &["files"], "ulimit -n 64", &[])?;
    let idle = idle(attacked.address, 200)?;
    attacked.goes_on()?;
    answers(attacked.address)?;
    let failed = attacked.program.lines().iter().rev().find_map(|line| line.strip_suffix(" files not opened"));
    let failed = failed.map(str::to_owned);
    drop(idle);
    match failed.as_deref() {
        Some("attacked: 0") => {}
        other => return Err(format!("the program could not open its own files: {other:?}")),
    }
    attacked.end()?;
    Ok("200 idle connections with 64 file descriptors: each file of the program's was opened".to_owned())
}

pub fn address_space(setting: &Setting) -> Result<String> {
    const MIB: u64 = 400;
    let mut attacked = Attacked::limited(setting, &["idle"], &format!("ulimit -v {}", MIB << 10), &[])?;
    let idle = idle(attacked.address, 100)?;
    attacked.goes_on()?;
    answers(attacked.address)?;
    drop(idle);
    attacked.goes_on()?;
    attacked.end()?;
    Ok(format!("100 idle connections in {MIB} MiB of address space: the program went on"))
}

/// So many connections that ask nothing.
fn idle(address: SocketAddr, connections: usize) -> Result<Vec<TcpStream>> {
    // One that is refused is no connection any more; all the others are.
    (0..connections)
        .map(|_| TcpStream::connect(address).map_err(|error| format!("cannot connect to {address}: {error}")))
        .collect()
}

/// A short question has an answer in the end.
fn answers(address: SocketAddr) -> Result {
    until("no answer to /v1/problems", || Ok(ask(address, "/v1/problems").ok())).map(drop)
}

pub fn file_size(setting: &Setting) -> Result<String> {
    // A shell counts in half a kibibyte, or in one.
    const BLOCKS: u64 = 128;
    let file = setting.folder.join("file-size.ndjson");
    let mut program =
        begin(setting, &["short", "0", "large"], &format!("ulimit -f {BLOCKS}"), &[("INSIGHT_RECORD", &file)])?;
    let status = program.ends(PATIENCE)?;
    if !status.success() {
        return Err(format!("the program ended with {status}; {}", program.last_words()));
    }
    let size = std::fs::metadata(&file).map_err(|error| format!("cannot see {}: {error}", file.display()))?.len();
    // Nothing cut a line that was read, and a sentence said so.
    let recorded = whole_lines(&file)?;
    let said = program.lines().iter().find(|line| line.starts_with("insight: cannot write"));
    let Some(said) = said else {
        return Err(format!("the program says nothing of its recording, which has {size} bytes"));
    };
    Ok(format!("{size} bytes, {} lines, and `{said}`", recorded.lines))
}
