//! `cargo insight`: runs any async Rust program unchanged, with its whole dependency graph observed.
//!
//! `cargo insight run` is `cargo run` in which each supported runtime of the graph is compiled together with its facade. The
//! user's own cargo builds the user's own workspace with the user's own lock file. Only the compiler is wrapped: where cargo
//! compiles tokio, [`wrapper`] compiles tokio under another file name, and then the facade as `tokio`.
//!
//! insight's own crates are built beforehand, by a cargo of their own and with a lock file of their own ([`bundle`]). So no
//! version in the user's graph changes, and none of insight's dependencies needs to be in it.
//!
//! One binary has four roles, and the name by which it is called says which: see [`links`].

mod arguments;
mod bundle;
mod command;
mod config;
mod coverage;
mod facades;
mod graph;
mod links;
mod open;
mod plan;
mod process;
mod proof;
mod runner;
mod say;
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
