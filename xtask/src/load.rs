//! `cargo xtask load`: a program under load, and its whole stream held to the rules.

use crate::process::{Result, root};
use crate::program::{Profile, Program, START, build, snapshot};
use insight_protocol::{Decoded, Message, decode};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How long `cargo xtask test` keeps it up.
pub const SECONDS: u64 = 60;
/// How long the last tasks may take, and how long the end is looked at.
const END: u64 = 5;

/// Runs `stress` for so many seconds and `insight-conformance check` on its stream, once for each seed; when it has done
/// its work, nothing may be left open.
pub fn run(seconds: u64, seeds: u64) -> Result {
    // What a developer's build would do more slowly is not a load.
    let check = build("insight-conformance", "insight-conformance", Profile::Release)?;
    let stress = build("insight-examples", "stress", Profile::Release)?;
    (1..=seeds).try_for_each(|seed| one(&check, &stress, seconds, seed))
}

fn one(check: &Path, stress: &Path, seconds: u64, seed: u64) -> Result {
    let mut command = Command::new(stress);
    command.args(["--seconds", &seconds.to_string(), "--seed", &seed.to_string()]);
    let mut program = Program::start("stress", command)?;
    let insight = program.listens("insight: listening on http://", START)?;
    println!("xtask: {seconds} s of load, seed {seed}; insight-conformance check {insight}");
    let status = Command::new(check)
        .current_dir(root())
        .args(["check", &insight.to_string(), "--for", &(seconds + END).to_string()])
        .status()
        .map_err(|error| format!("cannot start insight-conformance: {error}"))?;
    if !status.success() {
        return Err(format!("insight-conformance ended with {status}; what it found is above"));
    }
    program.line("stress: done", Duration::from_secs(END))?;
    let left = snapshot(insight)?.lines().find_map(left_over).ok_or("/v1/snapshot has no snapshot.begin")?;
    match left {
        [0, 0, 0] => Ok(()),
        [tasks, resources, edges] => Err(format!(
            "the program has ended its tasks and dropped its resources, and the snapshot has {tasks} tasks, \
             {resources} resources and {edges} edges: GET /v1/snapshot shows which"
        )),
    }
}

/// How many tasks, resources and edges a snapshot says it has.
fn left_over(line: &str) -> Option<[u64; 3]> {
    match decode(line) {
        Ok(Decoded::Message { message: Message::SnapshotBegin(begin), .. }) => {
            Some([begin.tasks, begin.resources, begin.edges])
        }
        _ => None,
    }
}
