//! See what an async program waits for: one line at its start, and a client shows which task waits for what, who
//! could free it, and on which line.
//!
//! ```
//! let insight = insight::init!(listen => "127.0.0.1:0");
//! // On stderr: insight: listening on http://127.0.0.1:41234
//! println!("{:?}", insight.address()); // Nobody needs this value: `insight::init();` is enough.
//! ```
//!
//! [`init()`](fn@init) listens on 127.0.0.1:8080. [`init!`](macro@init) takes the keys that [`Builder`] has as methods. The
//! environment variable `INSIGHT_LISTEN` wins over both, and with `INSIGHT_LISTEN=off` insight is off, unless it records.
//! Where the source is not where it was built, `INSIGHT_SOURCE` names the directory of its workspace.
//!
//! A program that listens writes its address to a file in its user's runtime folder, and consolation finds it there.
//!
//! # Under `cargo insight`
//!
//! `cargo insight run` needs no call: insight starts with the program's first runtime, on a free port of 127.0.0.1. A call of
//! `init` that comes later applies the options that it sets to this instance. A call that comes earlier starts it, also on a
//! free port unless the call names another one. The program's children stay silent, unless `INSIGHT_CHILDREN=on`: then each
//! child takes a free port, and puts its process ID before the name of its recording.
//!
//! # Recording
//!
//! `record_to` writes the stream to a file besides, also of a program that does not listen, and `INSIGHT_RECORD` wins over
//! it. At detail `polls` each single poll is told.
//!
//! ```no_run
//! use insight::Detail;
//!
//! insight::init!(listen => "off", record_to => "hang.ndjson.gz", detail => Detail::Polls);
//! ```
//!
//! The file is compressed by gzip when its name ends in `.gz`. It is flushed four times a second, so what a process that is
//! killed loses of it is that. What writes it is a thread of its own, `insight-file`, which is a client like any other: where
//! the disk is too slow, a `gap` says what was skipped.
//!
//! # Names
//!
//! A resource is called as the source calls it, and a task as its function. [`name`](fn@name) and [`task_name`] say it
//! better, where many are made in one place; what they say wins.
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
//! # Coverage
//!
//! The stream says how many tasks of each runtime are not observed. Which packages of the program's dependency graph are
//! not covered is known where a tool has written that to a file; the environment variable `INSIGHT_COVERAGE` names the file.
//!
//! # While nobody looks
//!
//! [`pause`] turns recording off and [`resume`] on again, without a restart. A program decides itself when, such as by a
//! signal; not whoever can connect: what is served changes nothing.
//!
//! # What is served
//!
//! | path            | what                                                                                   |
//! |-----------------|----------------------------------------------------------------------------------------|
//! | `/v1/stream`    | NDJSON: a header, a snapshot, then what happens as it happens                           |
//! | `/v1/snapshot`  | NDJSON: a header and a snapshot                                                         |
//! | `/v1/problems`  | JSON: the problems that stand                                                           |
//! | `/v1/tasks/7/trace` | JSON: where task 7 waits, a stack for each of its awaits                             |
//! | `/v1/graph.dot` | the graph of tasks and resources, for Graphviz                                          |
//! | `/docs/`        | what each view and problem means                                                        |
//!
//! # Design, and its cost
//!
//! The server shares nothing with the program but what [`insight_probe`] recorded: plain threads (`insight-record`,
//! `insight-listen`, and one `insight-client` a connection) and blocking sockets, because an async runtime inside of the
//! program could hang with it, or be taken for it. The price is a thread a connection, of which there are at most 64.
//!
//! The recorder's thread alone owns the model of the program. It collects what was recorded, folds it, looks for
//! problems, and hands each message, encoded once, to the clients' queues. It never waits for a client: a queue that is
//! full is emptied, and its client gets a `gap` and a new snapshot as soon as it reads again; one that takes no byte for
//! 10 s is dropped. Without a client, nothing is encoded.
//!
//! No panic of these threads reaches the program (unless it is built with `panic = "abort"`), and they do not delay its
//! end. A setting that is wrong, or a port in use, is one line on stderr, and recording stays off.
//!
//! Whoever can connect sees names, source lines and the state of the program. So only loopback addresses are served,
//! and a request must name a loopback host, so that no web page can reach it through a name of its own. Other users of
//! the same machine can connect.

mod address;
mod announce;
mod builder;
mod client;
mod connection;
mod environment;
mod error;
mod graph;
mod http;
mod instance;
mod name;
mod pages;
mod pause;
mod producer;
mod recorder;
mod recording;
mod source;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trace;

pub use builder::{Builder, Insight};
pub use error::Error;
#[doc(hidden)]
pub use graph::graph_facts_at;
pub use insight_model::health::{OFF, Thresholds};
pub use insight_probe::{name, task_name};
pub use insight_protocol::Detail;
pub use pause::{pause, resume};

use std::io::Write;
use std::panic::AssertUnwindSafe;

/// Turns insight on, on 127.0.0.1:8080 or where `INSIGHT_LISTEN` says.
///
/// Never panics: when it cannot listen it says so on stderr, and the program runs on without it.
pub fn init() -> Insight {
    builder().init()
}

/// Turns insight on with settings: each key is a method of [`Builder`].
///
/// ```
/// use std::time::Duration;
///
/// insight::init!(listen => "127.0.0.1:0", settle => Duration::from_millis(200));
/// ```
#[macro_export]
macro_rules! init {
    ($($key:ident => $value:expr),* $(,)?) => {
        $crate::builder()$(.$key($value))*.init()
    };
}

/// Turns insight on if it is off: a facade calls this each time when the program makes a runtime. Not for programs.
///
/// Without `INSIGHT_LISTEN` it listens on a free port. It never panics, and says an error on stderr.
#[doc(hidden)]
pub fn start_with_program() {
    instance::start_with_program();
}

/// The settings, to be changed before insight is turned on.
pub fn builder() -> Builder {
    Builder::default()
}

/// Says a line on stderr. Not `eprintln!`, which panics when stderr is closed.
fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("insight: {line}\n").as_bytes());
}

/// Starts a thread out of which no panic goes.
fn spawn(name: &'static str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        // What `body` owns is dropped by the unwinding, and nothing else sees it.
        if std::panic::catch_unwind(AssertUnwindSafe(body)).is_err() {
            say(&format!("the thread {name} has stopped by a fault of insight's own; the program runs on"));
        }
    })?;
    Ok(())
}
