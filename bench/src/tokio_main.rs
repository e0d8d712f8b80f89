//! The rows on tokio: a single operation, or a load.

use crate::arguments::Arguments;
use crate::{load, measure, micro, observer, runtime};
use std::process::ExitCode;

/// Runs what the arguments ask for.
pub fn main() -> ExitCode {
    let arguments = Arguments::read();
    let mut observer = observer::start(&arguments);
    let row = arguments.row();
    let is_load = ["parked", "picture", "spawns", "storm", "http"].contains(&row);
    runtime::start(arguments.workers(), is_load, &observer);
    let client = load::client::attach(&arguments, observer::address(&observer));
    match row {
        "parked" => load::parked::memory(&arguments),
        "picture" => load::parked::picture(&arguments, observer::address(&observer)),
        "spawns" => load::spawns::steady(&arguments),
        "storm" => load::spawns::storm(&arguments),
        "http" => load::http::serve(),
        _ => {
            let run = |count| {
                if micro::row(row, count).is_none() {
                    eprintln!("bench: there is no row `{row}`");
                    std::process::exit(2);
                }
            };
            measure::measure(arguments.repeat(), run, || observer::between(&mut observer));
        }
    }
    drop(client);
    // What an observer would still do at its end is not measured, and some wait for what never comes.
    std::process::exit(0)
}
