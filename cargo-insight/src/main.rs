//! `cargo insight` runs an async Rust program unchanged and observes its whole dependency graph.
//!
//! `cargo insight run` is `cargo run`, but each supported runtime of the graph is compiled together with its facade. The user's
//! own cargo builds the user's workspace with the user's lock file. Only the compiler is wrapped: where cargo compiles tokio,
//! [`wrapper`] compiles tokio under another file name, and then the facade as `tokio`.
//!
//! A separate cargo builds insight's own crates before, with their own lock file ([`bundle`]). So no version in the user's
//! graph changes, and the user's graph does not need to contain insight's dependencies.
//!
//! This program has several roles. The name that it is called by selects the role: see [`links`].

mod arguments;
mod bundle;
mod command;
mod config;
mod coverage;
mod facades;
mod graph;
mod links;
mod messages;
mod open;
mod plan;
mod process;
mod proof;
mod runner;
mod wrapper;

use links::Role;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let called = PathBuf::from(arguments.next().unwrap_or_default());
    let arguments: Vec<_> = arguments.collect();
    match links::role(&called) {
        Role::Command => command::run(arguments),
        Role::Rustc => wrapper::rustc(arguments),
        Role::OwnRustc => wrapper::own_rustc(arguments),
        Role::Runner => runner::run(arguments),
        Role::Mark => runner::mark(arguments),
    }
}
