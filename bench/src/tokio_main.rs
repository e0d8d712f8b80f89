//! The rows on tokio: a single operation, or a load.

use crate::arguments::Arguments;
use crate::{load, measure, micro, observer, runtime, tokio_rows};
use std::process::ExitCode;

/// Runs the row that the arguments name.
pub fn main() -> ExitCode {
    let arguments = Arguments::read();
    let mut observer = observer::start(&arguments);
    let row = arguments.row();
    let drivers =
        ["parked", "snapshot", "named", "spawns", "storm", "http", "http-spawn", "timeout-ready", "timeout-poll"]
            .contains(&row);
    runtime::start(arguments.workers(), drivers, &observer);
    let client = load::client::attach(&arguments, observer::address(&observer));
    match row {
        "parked" => load::parked::memory(&arguments),
        "snapshot" => load::parked::snapshot(&arguments, observer::address(&observer)),
        "named" => load::parked::named(&arguments, observer::address(&observer)),
        "spawns" => load::spawns::steady(&arguments),
        "storm" => load::spawns::storm(&arguments),
        "http" => load::http::serve(&arguments, false),
        "http-spawn" => load::http::serve(&arguments, true),
        _ => {
            let run = |count| {
                if micro::row(row, count).or_else(|| tokio_rows::row(row, count)).is_none() {
                    eprintln!("bench: there is no row `{row}`");
                    std::process::exit(2);
                }
            };
            measure::measure(arguments.repeat(), run, || observer::between(&mut observer));
        }
    }
    drop(client);
    // The end of an observer is not measured, and some observers would wait for ever.
    std::process::exit(0)
}
