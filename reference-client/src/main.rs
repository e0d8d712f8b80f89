//! `consolation`: shows in a terminal what the tasks of a running program wait for, and who could free them.
//!
//! One thread reads the program's stream and folds it into a [`Picture`](picture::Picture); the main thread draws that and
//! takes keys. What is drawn is a function of the picture and of [`App`](app::App), so all of it is tested without a
//! terminal and without a program.

mod app;
mod args;
mod connection;
mod document;
mod dot_file;
mod once;
mod picture;
mod shares;
mod terminal;
mod text;
mod theme;
mod traces;
mod views;
mod words;

#[cfg(test)]
mod tests;

use clap::Parser;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let address = args.address().unwrap_or_else(|error| error.exit());
    let in_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    if let Some(id) = args.trace {
        return once::trace(&address, id, args.json);
    }
    if args.once || args.json || args.recording.is_some() || !in_terminal {
        return once::run(&address, args.recording.as_deref(), args.json);
    }
    match terminal::run(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("consolation: the terminal cannot be used: {error}. `consolation --once` needs none.");
            ExitCode::FAILURE
        }
    }
}
