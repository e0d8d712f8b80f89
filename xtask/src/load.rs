//! `cargo xtask load`: runs a program under load, and checks its whole stream against the rules.

use crate::process::{Result, root};
use crate::program::{Profile, Program, START, build, stream};
use crate::runtime::Runtime;
use insight_model::Model;
use insight_protocol::{Decoded, Message, decode};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Duration of the load on tokio as a step of `cargo xtask test`, in seconds.
pub const SECONDS: u64 = 60;
/// Duration of the load on each of the other runtimes, in seconds.
pub const SECONDS_OF_OTHERS: u64 = 20;
/// Maximum time until the last tasks end, and the time that is checked after that, in seconds.
const END: u64 = 5;

/// Runs `stress` on a runtime, and `insight-conformance check` on its stream, once for each seed. After the load, no task,
/// resource or edge may be left.
pub fn run(runtime: Runtime, seconds: u64, seeds: u64) -> Result {
    // A debug build is too slow for a load.
    let check = build("insight-conformance", "insight-conformance", Profile::Release)?;
    let binary = runtime.binary("stress");
    let stress = build("insight-examples", binary, Profile::Release)?;
    (1..=seeds).try_for_each(|seed| one(&check, binary, &stress, seconds, seed))
}

fn one(check: &Path, binary: &'static str, stress: &Path, seconds: u64, seed: u64) -> Result {
    let mut command = Command::new(stress);
    command.args(["--seconds", &seconds.to_string(), "--seed", &seed.to_string()]);
    let mut program = Program::start(binary, command)?;
    let insight = program.listens("insight: listening on http://", START)?;
    println!("xtask: {seconds} s of load by {binary}, seed {seed}; insight-conformance check {insight}");
    let status = Command::new(check)
        .current_dir(root())
        .args(["check", &insight.to_string(), "--for", &(seconds + END).to_string()])
        .status()
        .map_err(|error| format!("cannot start insight-conformance: {error}"))?;
    if !status.success() {
        return Err(format!("insight-conformance ended with {status}; its findings are above"));
    }
    program.line("stress: done", Duration::from_secs(END))?;
    // Detached tasks may end a little later.
    let deadline = Instant::now() + Duration::from_secs(END);
    let mut model = Model::default();
    for line in stream(insight)? {
        let Ok(Decoded::Message { message, .. }) = decode(&line?) else { continue };
        model.apply(&message);
        // The producer sends a heartbeat at least each half second. The first check is after the snapshot.
        if matches!(message, Message::SnapshotEnd(_) | Message::StreamHeartbeat(_)) {
            match [model.tasks.len(), model.resources.len(), model.edges.len()] {
                [0, 0, 0] => return Ok(()),
                _ if Instant::now() < deadline => {}
                [tasks, resources, edges] => {
                    return Err(format!(
                        "the program has ended its tasks and dropped its resources, but the stream has {tasks} tasks, \
                         {resources} resources and {edges} edges left: GET /v1/snapshot shows them"
                    ));
                }
            }
        }
    }
    Err("the program ended before its stdin did".to_owned())
}
