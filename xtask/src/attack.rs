//! `cargo xtask attack`: scenarios with bounds for all faults that once broke insight, and for similar ones.
//!
//! Each scenario starts `examples/attacked.rs` in one of its modes, or a client, and does something hostile to it. It fails
//! unless the program keeps running and the answers are true. The bounds are wide: a fault of these kinds takes minutes or
//! gigabytes, and a busy machine does not.

mod attacked;
mod fake_server;
mod files;
mod life;
mod limits;
mod load;
mod requests;
mod server;
mod soak;
mod tools;

use crate::process::{Result, target};
use crate::program::{Profile, build};
use std::path::PathBuf;
use std::time::Instant;
use tools::Tools;

/// The tools and programs of all scenarios.
struct Setting {
    tools: Tools,
    /// `examples/attacked.rs`.
    attacked: PathBuf,
    /// `examples/stress.rs`.
    stress: PathBuf,
    /// Whether the sizes are those of `cargo xtask attack`, or the small ones of `--quick`.
    full: bool,
    /// A folder for output, empty at the start.
    folder: PathBuf,
}

impl Setting {
    /// `full` or `quick`, by the arguments.
    fn size<N>(&self, full: N, quick: N) -> N {
        if self.full { full } else { quick }
    }
}

struct Scenario {
    name: &'static str,
    about: &'static str,
    /// Runs it. Returns its figures as text.
    run: fn(&Setting) -> Result<String>,
}

const SCENARIOS: &[Scenario] = &[
    Scenario { name: "star", about: "many tasks wait for one stuck lock", run: load::star },
    Scenario { name: "broadcast", about: "many tasks wait for one signal, a broadcast", run: load::broadcast },
    Scenario { name: "watch", about: "many tasks wait for one signal, a watch", run: load::watch },
    Scenario { name: "crowd", about: "many tasks hold a semaphore, and as many wait", run: load::crowd },
    Scenario { name: "late", about: "a client connects when there is no room any more", run: limits::late },
    Scenario { name: "names", about: "many tasks with a name of their own each", run: limits::names },
    Scenario { name: "long-names", about: "names of a mebibyte", run: limits::long_names },
    Scenario { name: "descriptors", about: "idle connections, and few file descriptors", run: limits::descriptors },
    Scenario { name: "address-space", about: "connections, and little address space", run: limits::address_space },
    Scenario { name: "file-size", about: "a recording that reaches `ulimit -f`", run: limits::file_size },
    Scenario { name: "stopped", about: "a stopped process, with a client and a recording", run: life::stopped },
    Scenario { name: "paused", about: "a task that lives through a pause of the recording", run: life::paused },
    Scenario { name: "fork", about: "a pause in a forked child", run: life::fork },
    Scenario { name: "forks", about: "forks while connections begin and end", run: life::forks },
    Scenario { name: "daemon", about: "a program that goes into the background", run: life::daemon },
    Scenario { name: "worker", about: "a child that records to the same file", run: life::worker },
    Scenario { name: "exec", about: "a program that replaces itself", run: life::exec },
    Scenario { name: "abort", about: "a program that handles SIGABRT itself", run: life::abort },
    Scenario { name: "thread-local", about: "a task that is spawned at a thread's end", run: life::thread_local },
    Scenario { name: "short", about: "recordings of programs that end soon", run: life::short },
    Scenario { name: "fifo", about: "a recording to a FIFO without a reader", run: life::fifo },
    Scenario { name: "source", about: "spans that name files that are not source files", run: life::source },
    Scenario { name: "slow", about: "clients that do not read their snapshots", run: server::slow },
    Scenario { name: "streams", about: "a client that opens all streams", run: server::streams },
    Scenario {
        name: "garbage",
        about: "bytes that are not a request, and connections that break",
        run: server::garbage,
    },
    Scenario { name: "requests", about: "requests that are wrong or hostile", run: requests::requests },
    Scenario { name: "fake-server", about: "servers that misbehave, and the clients", run: fake_server::fake_server },
    Scenario { name: "files", about: "files that are not recordings, and the clients", run: files::files },
    Scenario { name: "mutants", about: "recordings with random faults, and the clients", run: files::mutants },
    Scenario {
        name: "soak",
        about: "a load with clients that connect, disconnect, and stop the program",
        run: soak::soak,
    },
];

/// Runs the named scenarios, or all of them. It continues after one that fails.
pub fn run(full: bool, names: &[&str]) -> Result {
    if let Some(name) = names.iter().find(|name| SCENARIOS.iter().all(|scenario| scenario.name != **name)) {
        let all: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        return Err(format!("there is no scenario {name}; there are {}", all.join(", ")));
    }
    if !cfg!(target_os = "linux") {
        println!("xtask: attack: left out, since it needs Linux for its limits and measures");
        return Ok(());
    }
    let folder = target().join("attack").join("live");
    // It may be left from an earlier run.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let setting = Setting {
        tools: Tools {
            consolation: build("wish4-consolation", "consolation", Profile::Release)?,
            conformance: build("insight-conformance", "insight-conformance", Profile::Release)?,
        },
        attacked: build("insight-examples", "attacked", Profile::Release)?,
        stress: build("insight-examples", "stress", Profile::Release)?,
        full,
        folder,
    };
    let mut failed = Vec::new();
    for Scenario { name, about, run } in SCENARIOS {
        if !names.is_empty() && !names.contains(name) {
            continue;
        }
        let start = Instant::now();
        let (word, text) = match run(&setting) {
            Ok(figures) => ("ok", figures),
            Err(error) => {
                failed.push(*name);
                ("FAILED", error)
            }
        };
        println!("xtask: attack: {name} ({about}): {word} ({:.1} s): {text}", start.elapsed().as_secs_f64());
    }
    match failed.as_slice() {
        [] => Ok(()),
        names => Err(format!("{} failed; see above", names.join(", "))),
    }
}
