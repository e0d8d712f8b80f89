//! `cargo xtask test`: everything that must hold of a commit, the cheap things first.

use crate::process::{Result, apt_get_install, cargo, succeeds, target};
use crate::runtime::Runtime;
use crate::{
    archive, attack, bench, circles, clients, docs, english, fuzz, hangs, load, msrv, old_versions, packages,
    peer_program, peer_tests, real_programs, schema, suites, systems,
};
use std::process::Command;
use std::time::Instant;

/// Runs every step, and stops at the first that fails. `full` runs a published program, too, compiles over all
/// older versions of tokio, and repeats the tests in a release build, where other races show.
pub fn run(full: bool) -> Result {
    let start = Instant::now();
    step("cargo fmt", || {
        cargo_step(&["fmt", "--all", "--check"], "run `cargo fmt --all`")?;
        let fuzz = ["fmt", "--manifest-path", "fuzz/Cargo.toml"];
        cargo_step(&[&fuzz[..], &["--check"]].concat(), &format!("run `cargo {}`", fuzz.join(" ")))
    })?;
    step("docs and SPEC.md", docs::check)?;
    step("schema/v1", schema::check)?;
    step("the sources of cargo-insight", archive::check)?;
    step("parts of the packages", packages::check)?;
    step("plain English", english::check)?;
    step("circles of files", || circles::run(&[]))?;
    step("cargo clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
        cargo_step(&arguments, "correct what clippy names above")
    })?;
    step("Rust 1.85", msrv::check)?;
    // macOS differs less from Linux, so `--full` checks it.
    let systems = if full { &systems::TARGETS[..] } else { &systems::TARGETS[..1] };
    step("other systems", || systems::check(&packages::names()?, systems))?;
    step("cargo doc", || cargo_step(&["doc", "--no-deps", "--workspace"], "correct what rustdoc names above"))?;
    step("features of the facades", || {
        // Those of a library that asks for little of its runtime.
        let tokio = ["", "rt", "sync", "rt,time", "sync,time", "rt,sync", "stream", "util"];
        let async_std = ["", "std", "attributes", "default", "unstable", "default,unstable,attributes"];
        let sync = ["lock", "channel-1", "channel-2"];
        let futures_channel = ["", "alloc", "sink", "std"];
        let flume = ["", "async", "select", "async,spin"];
        let sets = [
            ("insight-tokio", &tokio[..]),
            ("insight-async-std", &async_std),
            ("insight-sync", &sync),
            ("insight-futures-channel", &futures_channel),
            ("insight-flume", &flume),
            ("insight-event-listener", &[""]),
        ];
        for (package, sets) in sets {
            for features in sets {
                let arguments =
                    ["check", "--quiet", "--no-default-features", "--package", package, "--features", features];
                cargo_step(&arguments, "each set of the runtime's features must build")?;
            }
        }
        Ok(())
    })?;
    graphviz();
    // All features: of insight-tokio, most tests need most of them.
    let tests = ["test", "--workspace", "--all-features"];
    step("cargo test", || cargo_step(&tests, "see the failed test above"))?;
    step("loom", loom)?;
    // In a release build the memory of tasks that have ended is used again.
    let reuse =
        ["test", "--quiet", "--release", "--package", "insight-probe", "--test", "short_tasks", "--test", "recording"];
    step("the probe's cells, used again", || {
        cargo_step(&reuse, "see the failed test above; it passes in a debug build")
    })?;
    step("tokio's own spans", spans_of_tokio)?;
    for peer in peer_tests::names() {
        step(&format!("{peer}'s own tests"), || peer_tests::run(&[peer]))?;
    }
    step("fuzz", fuzz::check)?;
    step("docs/clients", clients::run)?;
    step("hangs", hangs::check)?;
    step("load", || load::run(Runtime::Tokio, load::SECONDS, 1))?;
    for (name, runtime) in [("smol", Runtime::Smol), ("async-std", Runtime::AsyncStd)] {
        step(&format!("load on {name}"), || load::run(runtime, load::SECONDS_OF_OTHERS, 1))?;
    }
    step("attack", || attack::run(false, &[]))?;
    step("a published program by cargo insight", || real_programs::run(&["--seconds", "10", "trillium-async-std"]))?;
    step("instructions", bench::guard)?;
    if full {
        step("attack, the whole", || attack::run(true, &[]))?;
        step("packages", packages::run)?;
        step("older versions of the runtimes", old_versions::run)?;
        let tests = ["test", "--workspace", "--all-features", "--release"];
        step("published programs by cargo insight", || real_programs::run(&[]))?;
        step("published libraries' tests by cargo insight", || suites::run(&[]))?;
        for program in ["mini-redis", "chat-server", "sessions"] {
            step(program, || peer_program::run(&[program]))?;
        }
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

/// What of the probe is lock-free, in every order of the threads' steps; in a folder of its own, for its flag.
fn loom() -> Result {
    let mut command = cargo();
    command.args(["test", "--quiet", "--package", "insight-probe", "--release", "--lib", "loom"]);
    command.env("RUSTFLAGS", "--cfg loom").env("CARGO_TARGET_DIR", target().join("loom"));
    let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("an order of steps fails; see above, and adapters/probe/src/sync/model.rs".to_owned())
    }
}

/// The tests that need tokio to send spans, which it does with a flag only: in a folder of their own, so that the flag
/// does not rebuild everything each time.
fn spans_of_tokio() -> Result {
    let mut command = cargo();
    command.args(["test", "--package", "insight-tracing"]);
    command.env("RUSTFLAGS", "--cfg tokio_unstable").env("CARGO_TARGET_DIR", target().join("tokio_unstable"));
    let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("see the failed test above; it is run with --cfg tokio_unstable".to_owned())
    }
}

/// One test hands a graph to graphviz. Best effort: whether it is there in the end, the test says.
fn graphviz() {
    if succeeds(Command::new("dot").arg("-V")) {
        return;
    }
    if apt_get_install(&["graphviz"]) {
        return;
    }
    println!(
        "xtask: one test needs graphviz's `dot`, which is missing: install it, such as by `apt-get install graphviz`"
    );
}
