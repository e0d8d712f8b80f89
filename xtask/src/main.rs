//! The commands of this repository: `cargo xtask help` lists them.

mod archive;
mod attack;
mod awaits;
mod bench;
mod circles;
mod clients;
mod demo;
mod docs;
mod english;
mod fuzz;
mod handovers;
mod hangs;
mod kinds;
mod links;
mod load;
mod markdown;
mod msrv;
mod old_versions;
mod packages;
mod peer_program;
mod peer_tests;
mod process;
mod program;
mod real_programs;
mod runtime;
mod sanitize;
mod schema;
mod screen;
mod spec;
mod suites;
mod systems;
mod test;
#[cfg(test)]
mod untested;

use clap::{Parser, Subcommand};
use runtime::Runtime;
use std::process::ExitCode;

/// The commands of this repository
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 120)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A service hangs: starts it, sends a request to its endpoint, and opens consolation on it
    Demo {
        #[arg(default_value = "barbara")]
        program: demo::Demo,
        #[arg(default_value = "tokio")]
        runtime: Runtime,
    },
    /// Format, clippy, docs, and all tests; one of them tells the story in a real terminal
    Test {
        /// Also published programs, the long attacks, and the tests in a release build
        #[arg(long)]
        full: bool,
    },
    /// Writes the archive of the sources that `cargo insight` compiles into programs
    Archive {
        /// Only check that the archive is made of these sources
        #[arg(long)]
        check: bool,
    },
    /// Hostile clients, limits, signals, forks, strange files and servers; half an hour
    Attack {
        /// A short form of each scenario
        #[arg(long)]
        quick: bool,
        /// Scenarios; all by default
        names: Vec<String>,
    },
    /// Plain programs under `cargo insight`: each of their waits has its own line and its function
    Awaits,
    /// The cost of insight beside bare programs and its peers; about 15 minutes. A whole run writes docs/cost
    Bench(bench::Asked),
    /// The source files of a crate that need each other; there should be none
    Circles {
        /// Crates; the probe and the model by default
        crates: Vec<String>,
    },
    /// Counts patterns that are hard to read, in each crate and document
    English {
        /// Fail if a count is above its limit
        #[arg(long, conflicts_with_all = ["write", "texts"])]
        check: bool,
        /// Write the counts that are above the limit; they may only fall
        #[arg(long, conflicts_with = "texts")]
        write: bool,
        /// Crates and documents whose sentences to list
        texts: Vec<String>,
    },
    /// Random lines and streams for the decoder, the checker and the model
    Fuzz {
        /// Seconds for each target
        #[arg(default_value_t = fuzz::SECONDS)]
        seconds: u64,
    },
    /// Random programs that hand guards, permits, channel ends and futures over: no hang of them may be falsely proven
    Handovers(handovers::Options),
    /// The corpus of hangs: compares each problem with the expected one
    Hangs(hangs::Options),
    /// A program under load: checks its stream against the rules of SPEC.md
    Load {
        #[arg(default_value_t = load::SECONDS)]
        seconds: u64,
        /// Number of runs, each with another seed
        #[arg(default_value_t = 1)]
        seeds: u64,
        #[arg(default_value = "tokio")]
        runtime: Runtime,
    },
    /// Compiles each facade over the older versions that `cargo insight` replaces
    OldVersions,
    /// Packages each published crate, builds it outside the workspace, and compares its public items with the last release
    Packages {
        /// Only check that each published crate has README, LICENSE and all that Cargo.toml needs
        #[arg(long)]
        check: bool,
    },
    /// A library's own tests on its facade
    PeerTests(peer_tests::Asked),
    /// A published program on a facade
    PeerProgram { program: peer_program::Peer },
    /// Published programs, unchanged, under `cargo insight` and beside their plain builds
    RealPrograms(real_programs::Asked),
    /// Published libraries' own tests under `cargo insight test`
    Suites {
        /// Libraries; all by default
        names: Vec<String>,
    },
    /// Renders docs/*.md to the pages that the server serves
    Docs {
        /// Only check the pages, the links, and the examples of SPEC.md
        #[arg(long)]
        check: bool,
    },
    /// Writes docs/screen.svg, the screen of consolation in README
    Screen,
    /// The tests of each crate with unsafe code, under the address sanitizer; needs a nightly compiler
    Sanitize,
    /// Checks that the published crates compile for Windows and macOS
    Systems,
    /// Writes schema/v1 from the wire types of insight-protocol
    Schema {
        /// Only check that it is up to date
        #[arg(long)]
        check: bool,
    },
    /// Runs the clients of docs/clients against programs that hang
    Clients {
        /// Without the programs: the generated types, the type check, the lengths of the clients
        #[arg(long, conflicts_with = "write")]
        check: bool,
        /// Write the types of docs/clients/typescript from schema/v1
        #[arg(long)]
        write: bool,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> process::Result {
    match command {
        Command::Demo { program, runtime } => demo::command(program, runtime),
        Command::Test { full } => test::run(full),
        Command::Archive { check: true } => archive::check(),
        Command::Archive { check: false } => archive::write(),
        Command::Attack { quick, names } => attack::run(!quick, &words(&names)),
        Command::Awaits => awaits::run(),
        Command::Bench(asked) => bench::run(&asked),
        Command::Circles { crates } => circles::run(&words(&crates)),
        Command::English { check: true, .. } => english::check(),
        Command::English { write: true, .. } => english::write(),
        Command::English { texts, .. } => english::run(&words(&texts)),
        Command::Fuzz { seconds } => fuzz::run(seconds),
        Command::Handovers(options) => handovers::run(&options),
        Command::Hangs(options) => hangs::run(&options),
        Command::Load { seconds, seeds, runtime } => load::run(runtime, seconds, seeds),
        Command::OldVersions => old_versions::run(),
        Command::Packages { check: true } => packages::check(),
        Command::Packages { check: false } => packages::run(),
        Command::PeerTests(asked) => peer_tests::run(&asked),
        Command::PeerProgram { program } => peer_program::run(program),
        Command::RealPrograms(asked) => real_programs::run(&asked),
        Command::Suites { names } => suites::run(&words(&names)),
        Command::Docs { check: true } => docs::check(),
        Command::Docs { check: false } => docs::write(),
        Command::Screen => screen::write(),
        Command::Sanitize => sanitize::run(),
        Command::Systems => packages::names().and_then(|names| systems::check(&names, &systems::TARGETS)),
        Command::Schema { check: true } => schema::check(),
        Command::Schema { check: false } => schema::write(),
        Command::Clients { check: true, .. } => clients::check(),
        Command::Clients { write: true, .. } => clients::write(),
        Command::Clients { .. } => clients::run(),
    }
}

fn words(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
