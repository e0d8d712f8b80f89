//! `consolation`: shows in a terminal the tasks of a running program, their waits, and the tasks that can unblock them.
//!
//! One thread reads the program's stream and folds it into a `Snapshot`. The main thread draws the snapshot and takes keys.
//! The screen is a function of the snapshot and of `App`, so its tests need no terminal and no program.

mod app;
mod args;
mod connection;
mod document;
mod dot_file;
mod failure;
mod once;
mod output;
mod running;
mod shares;
mod snapshot;
mod terminal;
mod text;
mod theme;
mod traces;
mod views;
mod words;

#[cfg(test)]
mod tests;

use args::{Address, Args};
use clap::Parser;
use running::{Running, running};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use views::program_list;

/// The exit status for a wrong command line, the same as clap's.
const USAGE: u8 = 2;

/// Runs `consolation` with these arguments. The first argument is its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = Args::parse_from(arguments);
    let named = args.address().unwrap_or_else(|error| error.exit());
    if args.list {
        return list(&running(), args.json);
    }
    let in_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let prints = args.once || args.json || args.trace.is_some() || !in_terminal;
    let address = match named {
        Some(address) => address,
        // A recording needs none.
        None if args.recording.is_some() => Address::assumed(),
        None => match only_or_chosen(&running(), prints) {
            Ok(address) => address,
            Err(status) => return status,
        },
    };
    if let Some(id) = args.trace {
        return once::trace(&address, id, args.json);
    }
    if prints || args.recording.is_some() {
        return once::run(&address, args.recording.as_deref(), args.json);
    }
    in_terminal_at(&address)
}

/// Shows the program at this address in the terminal, until the user quits.
pub fn open(address: SocketAddr) -> ExitCode {
    in_terminal_at(&address.into())
}

/// The address at which a process listens; `None` until it announces itself.
pub fn address_of(pid: u32) -> Option<SocketAddr> {
    let mut announcements = running().programs.into_iter().map(|program| program.announcement);
    announcements.find(|announcement| announcement.process.pid == pid).map(|found| found.address)
}

fn in_terminal_at(address: &Address) -> ExitCode {
    match terminal::run(address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => no_terminal(&error),
    }
}

fn no_terminal(error: &io::Error) -> ExitCode {
    output::complain(&format!("the terminal cannot be used: {error}. `consolation --once` needs none."));
    ExitCode::FAILURE
}

/// The address of the only program, or of the program that the user chooses. The error is the exit status.
fn only_or_chosen(running: &Running, prints: bool) -> Result<Address, ExitCode> {
    let programs = &running.programs;
    match programs.as_slice() {
        [] => {
            notes(running);
            // A program of an older version announces nothing.
            Ok(Address::assumed())
        }
        [only] => Ok(only.announcement.address.into()),
        [first, ..] if prints => {
            let _ = io::stderr().write_all(program_list::text(programs, now_unix_ms()).as_bytes());
            let (count, port) = (programs.len(), first.announcement.address.port());
            output::complain(&format!(
                "{count} programs run with insight: name one of them, for example --port {port}"
            ));
            Err(ExitCode::from(USAGE))
        }
        _ => match terminal::choose(programs, now_unix_ms()) {
            Ok(Some(index)) => Ok(programs[index].announcement.address.into()),
            Ok(None) => Err(ExitCode::SUCCESS),
            Err(error) => Err(no_terminal(&error)),
        },
    }
}

fn list(running: &Running, json: bool) -> ExitCode {
    notes(running);
    let programs = &running.programs;
    let output = match (json, programs.is_empty()) {
        (true, _) => program_list::json(programs),
        (false, true) => "no program with insight runs\n".to_owned(),
        (false, false) => program_list::text(programs, now_unix_ms()),
    };
    output::print(&output).unwrap_or(ExitCode::SUCCESS)
}

fn notes(running: &Running) {
    running.notes.iter().for_each(|note| output::complain(&format!("note: {note}")));
}

fn now_unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
