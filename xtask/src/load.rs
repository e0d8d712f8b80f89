//! `cargo xtask load`: a program under load, and its whole stream held to the rules.

use crate::process::{Result, root};
use crate::program::{Profile, Program, START, build, stream};
use crate::runtime::Runtime;
use insight_model::Model;
use insight_protocol::{Decoded, Message, decode};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long `cargo xtask test` keeps it up.
pub const SECONDS: u64 = 60;
/// How long it does so on each of the other runtimes.
pub const SECONDS_OF_OTHERS: u64 = 20;
/// How long the last tasks may take, and how long the end is looked at.
const END: u64 = 5;

/// What `cargo xtask load` takes: seconds, seeds and a runtime, each of which may be left out from the end on.
/// Runs `stress` on a runtime for so many seconds and `insight-conformance check` on its stream, once for each seed; when
/// it has done its work, nothing may be left open.
pub fn run(runtime: Runtime, seconds: u64, seeds: u64) -> Result {
    // What a developer's build would do more slowly is not a load.
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
        return Err(format!("insight-conformance ended with {status}; what it found is above"));
    }
    program.line("stress: done", Duration::from_secs(END))?;
    // Tasks that nobody waits for may end a little later.
    let deadline = Instant::now() + Duration::from_secs(END);
    let mut model = Model::default();
    for line in stream(insight)? {
        let Ok(Decoded::Message { message, .. }) = decode(&line?) else { continue };
        model.apply(&message);
        // At least each half second, and first when the picture is complete.
        if matches!(message, Message::SnapshotEnd(_) | Message::StreamHeartbeat(_)) {
            match [model.tasks.len(), model.resources.len(), model.edges.len()] {
                [0, 0, 0] => return Ok(()),
                _ if Instant::now() < deadline => {}
                [tasks, resources, edges] => {
                    return Err(format!(
                        "the program has ended its tasks and dropped its resources, and there are {tasks} tasks, \
                         {resources} resources and {edges} edges: GET /v1/snapshot shows which"
                    ));
                }
            }
        }
    }
    Err("the program ended before its stdin did".to_owned())
}
