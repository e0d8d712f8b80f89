//! `cargo xtask test`: everything that must hold of a commit, the cheap things first.

use crate::process::{Result, apt_get_install, cargo, processor_time, succeeds, target};
use crate::program::{build_with_others, released};
use crate::runtime::Runtime;
use crate::{
    archive, attack, awaits, bench, circles, clients, docs, english, fuzz, handovers, hangs, load, msrv, old_versions,
    packages, peer_program, peer_tests, real_programs, schema, suites, systems,
};
use clap::ValueEnum;
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs every step, and stops at the first that fails. `full` runs a published program, too, compiles over all
/// older versions of tokio, and repeats the tests in a release build, where other races show.
pub fn run(full: bool) -> Result {
    let mut steps = Steps::default();
    let done = all(full, &mut steps);
    steps.print();
    done
}

fn all(full: bool, steps: &mut Steps) -> Result {
    steps.run("cargo fmt", || {
        cargo_step(&["fmt", "--all", "--check"], "run `cargo fmt --all`")?;
        let fuzz = ["fmt", "--manifest-path", "fuzz/Cargo.toml"];
        cargo_step(&[&fuzz[..], &["--check"]].concat(), &format!("run `cargo {}`", fuzz.join(" ")))
    })?;
    steps.run("docs and SPEC.md", docs::check)?;
    steps.run("schema/v1", schema::check)?;
    steps.run("the sources of cargo-insight", archive::check)?;
    steps.run("parts of the packages", packages::check)?;
    steps.run("plain English", english::check)?;
    steps.run("circles of files", || circles::run(&[]))?;
    steps.run("cargo clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
        cargo_step(&arguments, "correct what clippy names above")
    })?;
    steps.run("Rust 1.85", msrv::check)?;
    // macOS differs less from Linux, so `--full` checks it.
    let systems = if full { &systems::TARGETS[..] } else { &systems::TARGETS[..1] };
    steps.run("other systems", || systems::check(&packages::names()?, systems))?;
    steps.run("cargo doc", || {
        // With the features of clippy, so that the dependencies are not checked again: there is no example in the sense of
        // cargo, but naming this kind adds the features that the tests choose. The pattern leaves out the program
        // insight-conformance, whose pages would have the name of its library's.
        let arguments = ["doc", "--no-deps", "--workspace", "--all-features", "--lib", "--bin", "[!i]*", "--examples"];
        cargo_step(&arguments, "correct what rustdoc names above")
    })?;
    steps.run("features of the facades", || {
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
    steps.run("cargo test", || cargo_step(&tests, "see the failed test above"))?;
    build_with_others();
    steps.run("loom", loom)?;
    // In a release build the memory of tasks that have ended is used again.
    let reuse: Vec<&str> = ["test", "--quiet"].into_iter().chain(released()).collect();
    steps.run("the probe's cells, used again", || {
        cargo_step(&reuse, "see the failed test above; it passes in a debug build")
    })?;
    steps.run("tokio's own spans", spans_of_tokio)?;
    for peer in peer_tests::names() {
        steps.run(&format!("{peer}'s own tests"), || peer_tests::run(&peer_tests::Asked::all(peer)))?;
    }
    steps.run("fuzz", fuzz::check)?;
    steps.run("docs/clients", clients::run)?;
    steps.run("hangs", hangs::check)?;
    steps.run("things handed over", || handovers::check(full))?;
    steps.run("load", || load::run(Runtime::Tokio, load::SECONDS, 1))?;
    for (name, runtime) in [("smol", Runtime::Smol), ("async-std", Runtime::AsyncStd)] {
        steps.run(&format!("load on {name}"), || load::run(runtime, load::SECONDS_OF_OTHERS, 1))?;
    }
    steps.run("attack", || attack::run(false, &[]))?;
    steps.run("a published program by cargo insight", || {
        real_programs::run(&real_programs::Asked::quick("trillium-async-std"))
    })?;
    steps.run("instructions", bench::guard)?;
    if full {
        steps.run("awaits of plain programs", awaits::run)?;
        steps.run("attack, the whole", || attack::run(true, &[]))?;
        steps.run("hangs, for ten minutes", hangs::check_long)?;
        steps.run("packages", packages::run)?;
        steps.run("older versions of the runtimes", old_versions::run)?;
        let tests = ["test", "--workspace", "--all-features", "--release"];
        steps.run("published programs by cargo insight", || real_programs::run(&real_programs::Asked::all()))?;
        steps.run("published libraries' tests by cargo insight", || suites::run(&[]))?;
        for peer in peer_program::Peer::value_variants() {
            steps.run(&format!("{peer:?}"), || peer_program::run(*peer))?;
        }
        steps.run("cargo test --release", || {
            cargo_step(&tests, "see the failed test above; it passes in a debug build")
        })?;
    }
    println!("xtask: all of it holds");
    Ok(())
}

/// The steps so far.
#[derive(Default)]
struct Steps {
    done: Vec<Step>,
}

struct Step {
    name: String,
    time: Duration,
    /// Processor time of all its processes.
    processor: Duration,
}

impl Steps {
    fn run(&mut self, name: &str, work: impl FnOnce() -> Result) -> Result {
        println!("xtask: {name}");
        let (start, before) = (Instant::now(), processor_time().unwrap_or_default());
        let done = work();
        let (time, after) = (start.elapsed(), processor_time().unwrap_or_default());
        self.done.push(Step { name: name.to_owned(), time, processor: after.saturating_sub(before) });
        let seconds = time.as_secs_f64();
        match done {
            Ok(()) => {
                println!("xtask: {name}: ok ({seconds:.1} s)");
                Ok(())
            }
            Err(error) => Err(format!("{name}: FAILED ({seconds:.1} s): {error}")),
        }
    }

    /// Prints the steps by their time, the longest first. The second column is processor time: on a busy machine, compare that.
    fn print(&mut self) {
        self.done.sort_by_key(|step| std::cmp::Reverse(step.time));
        let seconds = |of: fn(&Step) -> Duration| self.done.iter().map(of).sum::<Duration>().as_secs_f64();
        let (time, processor) = (seconds(|step| step.time), seconds(|step| step.processor));
        let minutes = time / 60.0;
        println!("xtask: {minutes:.1} minutes, {processor:.0} s of processors, in {} steps:", self.done.len());
        for Step { name, time, processor } in &self.done {
            println!("{:8.1} s {:8.1} s  {name}", time.as_secs_f64(), processor.as_secs_f64());
        }
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
