//! Makes an async program observable, with one line at its start. A client then shows each waiting task, the resource that it
//! waits for, the line of source, and the tasks that can unblock it.
//!
//! ```
//! let insight = insight::init!(listen => "127.0.0.1:0");
//! // On stderr: insight: listening on http://127.0.0.1:41234
//! println!("{:?}", insight.address()); // You can ignore this value: `insight::init();` is enough.
//! ```
//!
//! [`init()`](fn@init) listens on 127.0.0.1:8080. [`init!`](macro@init) takes the methods of [`Builder`] as keys. The environment
//! variable `INSIGHT_LISTEN` overrides both; `INSIGHT_LISTEN=off` turns insight off, unless it records. If the source is no
//! longer in the folder where it was built, `INSIGHT_SOURCE` names the folder of its workspace. The server reads lines only from
//! regular files below the folders of the program's source.
//!
//! A program that listens writes its address to a file in its user's runtime folder, and consolation finds it there.
//!
//! # Under `cargo insight`
//!
//! `cargo insight run` needs no call: insight starts with the program's first runtime, on a free port of 127.0.0.1. A later call
//! of `init` applies its options to this instance. An earlier call starts the instance, also on a free port unless the call names
//! a port. The program's children stay silent unless `INSIGHT_CHILDREN=on`. With it, each child takes a free port and puts
//! its process ID before the name of its recording.
//!
//! # Recording
//!
//! `record_to` also writes the stream to a file, even if the program does not listen. `INSIGHT_RECORD` overrides it. At detail
//! `polls`, the stream contains every single poll.
//!
//! ```no_run
//! use insight::Detail;
//!
//! insight::init!(listen => "off", record_to => "hang.ndjson.gz", detail => Detail::Polls);
//! ```
//!
//! The file is compressed by gzip if its name ends in `.gz`. A thread of its own, `insight-file`, writes it and is a client like
//! any other: if the disk is too slow, a `gap` counts the skipped messages.
//!
//! Each process has a file of its own: `{pid}` in the path stands for the process's ID. insight never overwrites a file to which
//! another process records, or to which this process recorded before it called `exec`. The recording then goes to a file in
//! the same folder, whose name begins with the process's ID. A line on stderr names it.
//!
//! The file is flushed four times a second, so a killed process loses at most a quarter of a second. A program that returns from
//! `main`, exits or aborts first completes its recording, which takes up to 200 ms. For `abort`, and so for a panic that cannot
//! unwind, `init` sets a handler of `SIGABRT` unless the program has one.
//!
//! # Panics
//!
//! A client shows the tasks that panicked. The message of a panic may contain data of the program's users, so the stream has it
//! only on request: by `insight::init!(panics => message)`, or by `INSIGHT_PANICS=message`, which overrides the code.
//!
//! # Names
//!
//! By default, a resource has the name of its variable in the source, and a task the name of its function. If one line makes
//! many of them, [`name`](fn@name) and [`task_name`] give better names.
//!
//! ```
//! # fn spawn(_: impl std::future::Future) {}
//! # let jobs = insight_probe::Lock::new(insight_probe::Type::Mutex(insight_probe::HandOff::Fifo), std::panic::Location::caller());
//! for shard in 0..4 {
//!     insight::name(&jobs, &format!("jobs of shard {shard}"));
//!     insight::task_name(&format!("shard {shard}"), || spawn(async {}));
//! }
//! ```
//!
//! # Awaits
//!
//! For each waiting task the stream has the line of the program's own code at which it waits, and the awaited function. To see
//! them, a thread of insight (`insight-awaits`) has the program poll an idle task once more, as a spurious wake would: at most once
//! until the program polls it again, and only a task that something can wake. The polls count nowhere. [`Awaits`] and the
//! environment variable `INSIGHT_AWAITS` (`on`, `problems`, `off`) choose the tasks.
//!
//! # Coverage
//!
//! The stream counts the tasks of each runtime that are not observed. It also lists the packages of the dependency graph that are not
//! covered, if a tool has written them to a file; the environment variable `INSIGHT_COVERAGE` names the file.
//!
//! # Pause
//!
//! [`pause`] turns recording off and [`resume`] on again, without a restart. Only the program itself can call them, for example
//! on a signal. A client cannot: no request changes anything.
//!
//! # In a forked process
//!
//! A child that was forked without `exec`, such as a daemon, has none of insight's threads and closes their descriptors. It
//! records nothing until it calls `init`, or makes its first runtime under `cargo insight`: insight then starts again, with
//! another port and another file. If it stays off, [`pause`] and [`resume`] return false, and a line on stderr says so. So a
//! daemon calls `init` after it has forked.
//!
//! # Paths
//!
//! | path            | content                                                                                 |
//! |-----------------|----------------------------------------------------------------------------------------|
//! | `/v1/stream`    | NDJSON: a header, a snapshot, then each change                                          |
//! | `/v1/snapshot`  | NDJSON: a header and a snapshot                                                         |
//! | `/v1/problems`  | JSON: the open problems                                                                 |
//! | `/v1/tasks/7/trace` | JSON: a backtrace for each await of task 7                                          |
//! | `/v1/graph.dot` | the graph of tasks and resources, for Graphviz                                          |
//! | `/docs/`        | a page for each view and each problem, a glossary, and a search in all pages            |
//!
//! # Design, and its cost
//!
//! The server shares nothing with the program but the facts that [`insight_probe`] recorded. It consists of plain threads
//! (`insight-record`, `insight-awaits`, `insight-search`, `insight-listen`, and an `insight-client` for each connection) and blocking sockets,
//! because an async runtime inside the program could hang with it, or be mistaken for it. The price is a thread for each
//! connection. There are at most 64 connections, and fewer in a program that has fewer than 512 file descriptors (insight takes
//! an eighth of them) or a limited address space. If all are taken, a new connection replaces one that has sent no request, or
//! one that has read its reply for 5 s. A quarter of the connections stays free of streams, for short requests.
//!
//! The thread `insight-search` begins with the first problem that could be proven. It searches the program's memory for handles that
//! could resolve the problem: through the kernel, at most 200 MB a second, and within 1 % of one core on average.
//!
//! The recorder's thread alone owns the model of the program. It collects the recorded facts, folds them, looks for problems,
//! encodes each message once, and puts it into the clients' queues. It never waits for a client. A full queue is emptied, and
//! its client gets a `gap` and a new snapshot as soon as it reads again. A client that takes no byte for 10 s, or more than 60 s to
//! read a reply or a stream's snapshot, is disconnected. All snapshots that are being sent may keep 128 MiB of changed pages in
//! memory; above that, all but one are cut off. Without a client, nothing is encoded.
//!
//! No time limit counts a pause of the whole process, in a debugger or a frozen container: open connections stay open.
//!
//! No panic of these threads reaches the program (unless it is built with `panic = "abort"`), and they do not delay its
//! end. A wrong setting, or a port in use, prints one line on stderr, and recording stays off.
//!
//! Anyone who can connect reads names, source lines and the state of the program. So the server listens on loopback addresses
//! only, and a request must name a loopback host, so that no web page can reach it through a name of its own. Other users of
//! the same machine can connect.

mod address;
mod ancestors;
mod announce;
mod awaits;
mod builder;
mod client;
mod confirm;
mod connection;
mod ending;
mod environment;
mod error;
mod fork;
mod graph;
mod http;
mod instance;
mod name;
mod pages;
mod panics;
mod patience;
mod pause;
mod places;
mod producer;
mod recorder;
mod recording;
#[doc(hidden)]
pub mod search;
mod signals;
mod snapshots;
mod source;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod thread;
mod trace;

pub use awaits::Awaits;
pub use builder::{Builder, Insight};
pub use error::Error;
#[doc(hidden)]
pub use graph::graph_facts_at;
pub use insight_model::health::{OFF, Thresholds};
pub use insight_probe::{name, task_name};
pub use insight_protocol::Detail;
pub use panics::Panics;
pub use pause::{pause, resume};

use std::io::Write;

/// Turns insight on, on 127.0.0.1:8080 or the address in `INSIGHT_LISTEN`.
///
/// Never panics: if it cannot listen, it prints a line on stderr, and the program continues without it.
pub fn init() -> Insight {
    builder().init()
}

/// Turns insight on with settings. Each key is a method of [`Builder`].
///
/// ```
/// use std::time::Duration;
///
/// insight::init!(listen => "127.0.0.1:0", settle => Duration::from_millis(200));
/// ```
///
/// The words `message` and `off` stand for the values of [`Panics`] after the key `panics`.
#[macro_export]
macro_rules! init {
    (@ $builder:expr;) => { $builder.init() };
    (@ $builder:expr; awaits => on $(, $($rest:tt)*)?) => {
        $crate::init!(@ $builder.awaits($crate::Awaits::On); $($($rest)*)?)
    };
    (@ $builder:expr; awaits => problems $(, $($rest:tt)*)?) => {
        $crate::init!(@ $builder.awaits($crate::Awaits::Problems); $($($rest)*)?)
    };
    (@ $builder:expr; awaits => off $(, $($rest:tt)*)?) => {
        $crate::init!(@ $builder.awaits($crate::Awaits::Off); $($($rest)*)?)
    };
    (@ $builder:expr; panics => message $(, $($rest:tt)*)?) => {
        $crate::init!(@ $builder.panics($crate::Panics::Message); $($($rest)*)?)
    };
    (@ $builder:expr; panics => off $(, $($rest:tt)*)?) => {
        $crate::init!(@ $builder.panics($crate::Panics::Off); $($($rest)*)?)
    };
    (@ $builder:expr; $key:ident => $value:expr $(, $($rest:tt)*)?) => {
        $crate::init!(@ $builder.$key($value); $($($rest)*)?)
    };
    ($($options:tt)*) => { $crate::init!(@ $crate::builder(); $($options)*) };
}

/// Turns insight on if it is off. A facade calls this each time the program makes a runtime; programs do not.
///
/// Without `INSIGHT_LISTEN` it listens on a free port. It never panics, and prints an error on stderr.
#[doc(hidden)]
pub fn start_with_program() {
    instance::start_with_program();
}

/// Returns the default settings. Change them, then turn insight on.
pub fn builder() -> Builder {
    Builder::default()
}

/// Prints a line on stderr. `eprintln!` panics if stderr is closed.
fn say(line: &str) {
    // This may be one of the program's threads.
    let line = format!("insight: {line}\n");
    signals::without_write_signals(|| drop(write_to_stderr(line.as_bytes())));
}

/// Writes without std's lock, which a child that is forked meanwhile would find locked for ever.
#[cfg(unix)]
fn write_to_stderr(bytes: &[u8]) -> std::io::Result<()> {
    use std::os::fd::FromRawFd;
    // SAFETY: the descriptor belongs to the process as long as it runs, and `ManuallyDrop` does not close it.
    let stderr = std::mem::ManuallyDrop::new(unsafe { std::fs::File::from_raw_fd(libc::STDERR_FILENO) });
    (&*stderr).write_all(bytes)
}

#[cfg(not(unix))]
fn write_to_stderr(bytes: &[u8]) -> std::io::Result<()> {
    std::io::stderr().write_all(bytes)
}
