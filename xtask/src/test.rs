//! `cargo xtask test`: everything that must hold of a commit, the cheap things first.

use crate::process::{Result, cargo};
use crate::{docs, schema};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Runs every step, and stops at the first that fails. `full` repeats the tests in a release build, where other races
/// show.
pub fn run(full: bool) -> Result {
    let start = Instant::now();
    step("cargo fmt", || cargo_step(&["fmt", "--all", "--check"], "run `cargo fmt --all`"))?;
    step("docs and SPEC.md", docs::check)?;
    step("schema/v1", schema::check)?;
    step("cargo clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
        cargo_step(&arguments, "correct what clippy names above")
    })?;
    step("cargo doc", || cargo_step(&["doc", "--no-deps", "--workspace"], "correct what rustdoc names above"))?;
    step("features of insight-tokio", || {
        // Those of a library that asks for little of tokio.
        for features in ["", "rt", "sync", "rt,time", "sync,time", "rt,sync"] {
            let arguments = ["check", "--quiet", "--package", "insight-tokio", "--features", features];
            cargo_step(&arguments, "each set of tokio's features must build")?;
        }
        Ok(())
    })?;
    graphviz();
    // All features: of insight-tokio, most tests need most of them.
    let tests = ["test", "--workspace", "--all-features"];
    step("cargo test", || cargo_step(&tests, "see the failed test above"))?;
    if full {
        let tests = ["test", "--workspace", "--all-features", "--release"];
        step("cargo test --release", || cargo_step(&tests, "see the failed test above; it passes in a debug build"))?;
    }
    println!("xtask: all of it holds ({:.0} s)", start.elapsed().as_secs_f64());
    Ok(())
}

fn step(name: &str, work: impl FnOnce() -> Result) -> Result {
    println!("xtask: {name}");
    let start = Instant::now();
    let done = work();
    let seconds = start.elapsed().as_secs_f64();
    match done {
        Ok(()) => {
            println!("xtask: {name}: ok ({seconds:.1} s)");
            Ok(())
        }
        Err(error) => Err(format!("{name}: FAILED ({seconds:.1} s): {error}")),
    }
}

fn cargo_step(arguments: &[&str], advice: &str) -> Result {
    let mut command = cargo();
    command.args(arguments);
    if arguments[0] == "doc" {
        command.env("RUSTDOCFLAGS", "-D warnings");
    }
    let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo {}: {advice}", arguments.join(" "))) }
}

/// One test hands a graph to graphviz. Best effort: whether it is there in the end, the test says.
fn graphviz() {
    if succeeds(Command::new("dot").arg("-V")) {
        return;
    }
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if root {
        println!("xtask: installing graphviz, which one test needs");
        let apt_get = |arguments: &[&str]| {
            succeeds(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
        };
        if apt_get(&["-qq", "update"]) && apt_get(&["-qq", "-y", "--no-install-recommends", "install", "graphviz"]) {
            return;
        }
    }
    println!(
        "xtask: one test needs graphviz's `dot`, which is missing: install it, such as by `apt-get install graphviz`"
    );
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
