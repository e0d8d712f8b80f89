//! `cargo xtask peer-tests`: runs a runtime's own tests on the facade that replaces it.
//!
//! The published crate contains its tests. They are copied and built once against the facade. They run twice: as a program
//! that never calls `insight::init()`, and while everything is recorded. No part of them is committed.
//!
//! A crate that uses the runtime can be tested, too: unchanged, in a graph in which the facade replaces the runtime. So can
//! a crate that is a part of a runtime: its tests use a crate of its name that re-exports the facade's counterpart.

mod copy;
mod listed;
mod run;
mod shim;

use crate::process::{Result, target};
pub use copy::{package_of, write};
use listed::Listed;
use run::{Outcome, Ran};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

/// A published crate, and the test files that are about the replaced parts.
struct Peer {
    /// Its name in this command.
    name: &'static str,
    /// Its package, and the beginning of its version if the workspace has several: (`async-channel`, `1.`).
    package: (&'static str, &'static str),
    /// Beginnings of the names of test files.
    files: &'static [&'static str],
    /// The facade, by its package and its folder.
    facade: (&'static str, &'static str),
    /// The place of the facade in the tests.
    wraps: Wraps,
    /// The features of the package that the tests are built with.
    features: &'static [&'static str],
    /// The file that lists the tests that do not pass, with the reasons.
    listed: &'static str,
}

/// The crates that the tests run on.
#[derive(Clone, Copy)]
enum Wraps {
    /// The facade under the name of the runtime.
    Facade,
    /// A part of the facade. The tests use a crate of the package's name with this source, which has the facade as `facade`.
    /// The second value has the features of the facade, which may differ from those of the package.
    Part(&'static str, &'static [&'static str]),
    /// The crate itself, in a graph in which the facade replaces this runtime.
    Unchanged(&'static Peer),
    /// The facade, which the tests also use as a part of another package. They get a crate of that package's name with the
    /// source `source`, which has the facade as `facade` and the package as `own`. `others` are dependencies of the tests
    /// that the published manifest lacks.
    Within { package: Dependency, source: &'static str, others: &'static [Dependency] },
}

/// A package and the requested version.
type Dependency = (&'static str, &'static str);

const PEERS: [&Peer; 12] = [
    &TOKIO,
    &TOKIO_STREAM,
    &TOKIO_UTIL,
    &ASYNC_LOCK,
    &ASYNC_CHANNEL_1,
    &ASYNC_CHANNEL_2,
    &ASYNC_EXECUTOR,
    &ASYNC_TASK,
    &ASYNC_STD,
    &FUTURES_CHANNEL,
    &FLUME,
    &EVENT_LISTENER,
];

/// smol only re-exports these crates, and has no tests itself.
const SMOL: [&str; 4] = ["async-executor", "async-task", "async-lock", "async-channel-2"];

static TOKIO: Peer = Peer {
    name: "tokio",
    package: ("tokio", ""),
    files: &["sync_", "task_", "rt_", "macros_", "time_", "join_handle_panic", "async_send_sync", "unwindsafe"],
    facade: ("insight-tokio", "adapters/tokio"),
    wraps: Wraps::Facade,
    features: &["full", "test-util"],
    listed: "adapters/tokio/peer-tests.toml",
};

static TOKIO_STREAM: Peer = Peer {
    name: "tokio-stream",
    package: ("tokio-stream", ""),
    // All files: none of them is about input or output.
    files: &[""],
    facade: ("insight-tokio", "adapters/tokio"),
    wraps: Wraps::Unchanged(&TOKIO),
    features: &["full"],
    listed: "adapters/tokio/peer-tests-tokio-stream.toml",
};

static TOKIO_UTIL: Peer = Peer {
    name: "tokio-util",
    package: ("tokio-util", ""),
    files: &[
        "abort_on_drop",
        "context",
        "future",
        "mpsc",
        "panic",
        "poll_semaphore",
        "reusable_box",
        "spawn_pinned",
        "sync_",
        "task_",
        "time_",
    ],
    facade: ("insight-tokio", "adapters/tokio"),
    wraps: Wraps::Unchanged(&TOKIO),
    features: &["full"],
    listed: "adapters/tokio/peer-tests-tokio-util.toml",
};

static ASYNC_LOCK: Peer = Peer {
    name: "async-lock",
    package: ("async-lock", "3."),
    // All files but the tests with loom.
    files: &["barrier", "mutex", "rwlock", "semaphore"],
    facade: ("insight-sync", "adapters/sync"),
    wraps: Wraps::Part("pub use facade::lock::*;", &["lock"]),
    features: &["std"],
    listed: "adapters/sync/peer-tests-async-lock.toml",
};

/// The version that async-std uses.
static ASYNC_CHANNEL_1: Peer = Peer {
    name: "async-channel-1",
    package: ("async-channel", "1."),
    files: &["bounded", "unbounded"],
    facade: ("insight-sync", "adapters/sync"),
    wraps: Wraps::Part("pub use facade::channel_1::*;", &["channel-1"]),
    features: &[],
    listed: "adapters/sync/peer-tests-async-channel-1.toml",
};

/// The version that smol uses.
static ASYNC_CHANNEL_2: Peer = Peer {
    name: "async-channel-2",
    package: ("async-channel", "2."),
    files: &["bounded", "unbounded"],
    facade: ("insight-sync", "adapters/sync"),
    wraps: Wraps::Part("pub use facade::channel_2::*;", &["channel-2"]),
    features: &["std"],
    listed: "adapters/sync/peer-tests-async-channel-2.toml",
};

/// The executors and tasks of smol.
static ASYNC_EXECUTOR: Peer = Peer {
    name: "async-executor",
    package: ("async-executor", "1."),
    files: &[""],
    facade: ("insight-smol", "adapters/smol"),
    wraps: Wraps::Part("pub use facade::{Executor, FallibleTask, LocalExecutor, Task};", &[]),
    features: &[],
    listed: "adapters/smol/peer-tests-async-executor.toml",
};

/// The tasks of these executors, for programs with a schedule function of their own.
static ASYNC_TASK: Peer = Peer {
    name: "async-task",
    package: ("async-task", "4."),
    // Without `metadata`: smol's tasks have none.
    files: &["basic", "cancel", "join", "panic", "ready", "waker_"],
    facade: ("insight-smol", "adapters/smol"),
    wraps: Wraps::Part(
        "pub use facade::{FallibleTask, Task};\n\
         pub use own::Runnable;\n\n\
         static EXECUTOR: probe::Executor = probe::Executor::new(\"async-task\", \"4\", || None);\n\n\
         #[track_caller]\n\
         pub fn spawn<F, S>(future: F, schedule: S) -> (Runnable, Task<F::Output>)\n\
         where\n\
         F: std::future::Future + Send + 'static,\n\
         F::Output: Send + 'static,\n\
         S: own::Schedule + Send + Sync + 'static,\n\
         {\n\
         let at = std::panic::Location::caller();\n\
         let future = probe::Observed::new(future, &EXECUTOR, probe::Kind::Task, at);\n\
         let (runnable, task) = own::spawn(future, schedule);\n\
         (runnable, Task::from(task))\n\
         }",
        &[],
    ),
    features: &["std"],
    listed: "adapters/smol/peer-tests-async-task.toml",
};

static ASYNC_STD: Peer = Peer {
    name: "async-std",
    package: ("async-std", "1."),
    files: &[""],
    facade: ("insight-async-std", "adapters/async-std"),
    wraps: Wraps::Facade,
    features: &["attributes", "unstable"],
    listed: "adapters/async-std/peer-tests.toml",
};

static FUTURES_CHANNEL: Peer = Peer {
    name: "futures-channel",
    package: ("futures-channel", "0.3."),
    files: &[""],
    facade: ("insight-futures-channel", "adapters/futures-channel"),
    // A patch of the whole graph would be a circle for cargo: on wasm, the recorder's clock depends on futures-util.
    wraps: Wraps::Within {
        package: ("futures", "0.3"),
        source: "pub use own::*;\n\npub mod channel {\n    pub use facade::*;\n}",
        others: &[("futures-test", "0.3")],
    },
    features: &["sink"],
    listed: "adapters/futures-channel/peer-tests.toml",
};

static FLUME: Peer = Peer {
    name: "flume",
    package: ("flume", "0.12."),
    files: &[""],
    facade: ("insight-flume", "adapters/flume"),
    wraps: Wraps::Facade,
    features: &["async", "select", "eventual-fairness"],
    listed: "adapters/flume/peer-tests.toml",
};

static EVENT_LISTENER: Peer = Peer {
    name: "event-listener",
    package: ("event-listener", "5."),
    // Without the tests with loom.
    files: &["notify"],
    facade: ("insight-event-listener", "adapters/event-listener"),
    wraps: Wraps::Facade,
    features: &["std"],
    listed: "adapters/event-listener/peer-tests.toml",
};

/// Whether recording is on while the tests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Off,
    On,
}

impl Mode {
    const BOTH: [Mode; 2] = [Mode::Off, Mode::On];

    fn name(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::On => "on",
        }
    }
}

/// Puts the facade of this runtime into `folder`. Returns a section for the manifest of a program. With it, all crates that
/// the program uses have the facade in the place of the runtime.
pub fn in_place_of(runtime: &str, folder: &Path) -> Result<String> {
    let peer = PEERS.into_iter().find(|peer| peer.name == runtime);
    shim::shim(peer.ok_or_else(|| format!("there is no facade of `{runtime}`"))?, folder)
}

/// The names of all peers.
pub fn names() -> [&'static str; PEERS.len()] {
    PEERS.map(|peer| peer.name)
}

/// Runs the tests that are asked for.
pub fn run(asked: &Asked) -> Result {
    match asked.name.as_str() {
        "smol" => SMOL.iter().try_for_each(|name| one(name, asked)),
        name => one(name, asked),
    }
}

/// The tests that are asked for.
#[derive(clap::Args)]
pub struct Asked {
    /// A crate, or `smol` for the crates that smol is made of
    name: String,
    /// Only with recording off
    #[arg(long)]
    off: bool,
    /// Only with recording on
    #[arg(long)]
    on: bool,
    /// Test files; all by default
    files: Vec<String>,
}

impl Asked {
    /// All tests of a crate.
    pub fn all(name: &str) -> Asked {
        Asked { name: name.to_owned(), off: false, on: false, files: Vec::new() }
    }
}

fn one(name: &str, asked: &Asked) -> Result {
    let Some(peer) = PEERS.into_iter().find(|peer| peer.name == name) else {
        return Err(format!("no crate `{name}` has tests here; there are {}", names().join(", ")));
    };
    let is_asked = |mode: &&Mode| asked.off == asked.on || (mode.name() == "off") == asked.off;
    let modes: Vec<Mode> = Mode::BOTH.iter().filter(is_asked).copied().collect();
    let files: Vec<&str> = asked.files.iter().map(|file| file.trim_end_matches(".rs")).collect();

    let start = Instant::now();
    let folder = target().join("peer-tests").join(peer.name);
    let listed = Listed::read(Path::new(peer.listed))?;
    let copied = copy::copy(peer, &listed, &folder)?;
    if let Some(unknown) = files.iter().find(|file| !copied.files.iter().any(|copied| copied == *file)) {
        return Err(format!("{} {} has no such test file among the copied: {unknown}", peer.name, copied.version));
    }
    let built = run::build(&folder, &files)?;
    let built_s = start.elapsed().as_secs_f64();
    println!("xtask: the tests of {} {} on {}: built ({built_s:.0} s)", peer.name, copied.version, peer.facade.0);

    let mut wrong = Vec::new();
    let mut table = Vec::new();
    for mode in modes {
        let start = Instant::now();
        let mut ran: BTreeMap<String, Ran> = run::run(&folder, &built, mode);
        again(&folder, &built, mode, &mut ran, &listed);
        let row = judge(mode, &ran, &listed, &mut wrong);
        table.push(format!("| {} | {row} | {:.0} s |", mode.name(), start.elapsed().as_secs_f64()));
    }
    if files.is_empty() {
        wrong.extend(listed.unused().map(|name| format!("{}: there is no test {name}", peer.listed)));
    }
    println!(
        "| recording | files | tests | passed | ignored | listed | failed | time |\n|---|---|---|---|---|---|---|---|"
    );
    table.iter().for_each(|row| println!("{row}"));
    println!("{}: {} entries", peer.listed, listed.len());
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("{} results are not as listed:\n  {}", wrong.len(), wrong.join("\n  "))),
    }
}

/// Runs each unexpected failure again. A test that then passes twice in a row has passed.
fn again(folder: &Path, built: &run::Built, mode: Mode, ran: &mut BTreeMap<String, Ran>, listed: &Listed) {
    for (file, ran) in ran {
        let Some(Ok(program)) = built.get(file) else { continue };
        for (test, outcome) in &mut ran.tests {
            let is_listed = listed.has(file, mode) || listed.has(&format!("{file}::{test}"), mode);
            if *outcome == Outcome::Failed && !is_listed && run::passes_alone(folder, program, mode, test, 2) {
                println!("xtask: {} {file}::{test} failed beside others, and passed twice alone", mode.name());
                *outcome = Outcome::Passed;
            }
        }
    }
}

/// Counts the results, and adds each unexpected one to `wrong`.
fn judge(mode: Mode, ran: &BTreeMap<String, Ran>, listed: &Listed, wrong: &mut Vec<String>) -> String {
    let (mut tests, mut passed, mut ignored, mut known, mut failed) = (0, 0, 0, 0, 0);
    for (file, ran) in ran {
        let whole = listed.has(file, mode);
        if let Some(why) = &ran.broken {
            match whole {
                true => known += 1,
                false => {
                    failed += 1;
                    wrong.push(format!("{} {file}: {why}", mode.name()));
                }
            }
        } else if whole && ran.tests.values().all(|outcome| *outcome != Outcome::Failed) {
            wrong.push(format!("{} {file} is listed, and passes", mode.name()));
        }
        for (test, outcome) in &ran.tests {
            tests += 1;
            let name = format!("{file}::{test}");
            let expected = listed.has(&name, mode);
            match outcome {
                Outcome::Passed => passed += 1,
                Outcome::Ignored => ignored += 1,
                Outcome::Failed if whole || expected => known += 1,
                Outcome::Failed => {
                    failed += 1;
                    wrong.push(format!("{} {name} failed: {}", mode.name(), ran.log.display()));
                }
            }
            if expected && *outcome != Outcome::Failed {
                wrong.push(format!("{} {name} is listed, and did not fail", mode.name()));
            }
        }
    }
    format!("{} | {tests} | {passed} | {ignored} | {known} | {failed}", ran.len())
}
