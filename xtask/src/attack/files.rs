//! Strange files and mutated streams, on each client that reads a file.

mod kinds;
mod mutate;

use crate::attack::Setting;
use crate::attack::tools::{Expect, Random, Tools, all, faults, is_json, run, verdict};
use crate::process::{Result, root, target};
use kinds::{KINDS, Kind};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Maximum time of a client for a file.
const BOUND: Duration = Duration::from_secs(60);
/// Time after which a client counts as waiting.
const WAITS: Duration = Duration::from_secs(2);
/// Number of commands that run at the same time.
const AT_A_TIME: usize = 3;
/// Number of mutants of a short and of a full run.
const MUTANTS: u64 = 60;
const ALL_MUTANTS: u64 = 3000;
/// Folders of the repository with recordings to mutate.
const CORPORA: [&str; 6] = [
    "conformance/recordings",
    "conformance/tests",
    "reference-client/src/tests",
    "schema/v1/examples/later",
    "schema/v1/examples/valid",
    "xtask/src/clients",
];

/// A client that reads files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Once,
    Json,
    Check,
    Lenient,
    Diagnose,
}

const CLIENTS: [Client; 5] = [Client::Once, Client::Json, Client::Check, Client::Lenient, Client::Diagnose];

impl Client {
    fn name(self) -> &'static str {
        match self {
            Client::Once => "consolation --once --recording",
            Client::Json => "consolation --once --json --recording",
            Client::Check => "insight-conformance check",
            Client::Lenient => "insight-conformance check --lenient",
            Client::Diagnose => "insight-conformance diagnose",
        }
    }

    fn command(self, tools: &Tools, file: &Path) -> Command {
        let (program, arguments): (_, &[&str]) = match self {
            Client::Once => (&tools.consolation, &["--once", "--recording"]),
            Client::Json => (&tools.consolation, &["--once", "--json", "--recording"]),
            Client::Check => (&tools.conformance, &["check"]),
            Client::Lenient => (&tools.conformance, &["check", "--lenient"]),
            Client::Diagnose => (&tools.conformance, &["diagnose"]),
        };
        let mut command = Command::new(program);
        command.args(arguments).arg(file);
        command
    }

    /// The exit statuses in the client's help for a file.
    fn documented(self) -> &'static [i32] {
        match self {
            Client::Once | Client::Json => &[0, 1, 3, 4],
            Client::Check | Client::Lenient => &[0, 1, 2],
            Client::Diagnose => &[0, 2, 3, 4],
        }
    }

    fn expects(self, kind: &Kind) -> Expect {
        match self {
            Client::Once | Client::Json => kind.once,
            Client::Check | Client::Lenient => kind.check,
            Client::Diagnose => kind.diagnose,
        }
    }
}

/// Runs one client on one file. Returns its faults and its exit status.
fn try_one(tools: &Tools, client: Client, file: &Path, expect: Expect) -> Result<(Vec<String>, Option<i32>)> {
    let bound = if matches!(expect, Expect::Waits(_)) { WAITS } else { BOUND };
    let run = run(&mut client.command(tools, file), bound)?;
    let mut found = faults(&run, expect);
    let code = run.status.and_then(|status| status.code());
    if client == Client::Json && matches!(code, Some(0 | 3)) && !is_json(&run.stdout) {
        found.push("stdout is not JSON".to_owned());
    }
    Ok((found, code))
}

/// Runs each client on each strange file. Without `full`, large files have a tenth of their lines.
pub fn files(setting: &Setting) -> Result<String> {
    let (tools, full) = (&setting.tools, setting.full);
    // The folder of an earlier run that was stopped.
    let _ = fs::remove_dir_all(target().join("attack/files"));
    let folder = folder("files")?;
    let mut cases = Vec::new();
    for kind in KINDS {
        let file = match kind.at {
            Some(path) => PathBuf::from(path),
            None => {
                let file = folder.join(kind.file);
                (kind.make)(&file, if full { 1_000_000 } else { 100_000 })
                    .map_err(|error| format!("cannot make {}: {error}", file.display()))?;
                file
            }
        };
        cases.extend(CLIENTS.map(|client| (kind, client, file.clone())));
    }
    let faults = all(&cases, AT_A_TIME, |(kind, client, file)| {
        let found = try_one(tools, *client, file, client.expects(kind)).map(|(faults, _)| faults);
        let found = found.unwrap_or_else(|error| vec![error]);
        let line = |fault| format!("files: {}: {}: {fault}", kind.name, client.name());
        found.into_iter().map(line).collect()
    });
    // The large files are not needed any more.
    let _ = fs::remove_dir_all(folder);
    verdict(cases.len(), &faults)
}

/// Mutates recordings of the repository, and runs each client on each of them.
pub fn mutants(setting: &Setting) -> Result<String> {
    let (tools, full) = (&setting.tools, setting.full);
    let streams = corpora()?;
    let folder = folder("mutants")?;
    let seeds: Vec<u64> = (1..=if full { ALL_MUTANTS } else { MUTANTS }).collect();
    let faults = all(&seeds, AT_A_TIME, |seed| {
        let mutant = mutate::mutant(&streams, &mut Random::new(*seed));
        let file = folder.join(format!("mutant-{seed}.ndjson"));
        let found = fs::write(&file, mutant).map_err(|error| format!("cannot write {}: {error}", file.display()));
        let found = found.and_then(|()| mutant_faults(tools, &file)).unwrap_or_else(|error| vec![error]);
        if found.is_empty() {
            // A mutant with faults is kept.
            let _ = fs::remove_file(&file);
        }
        let line = |fault| format!("mutants: seed {seed}: {fault}; the input is {}", file.display());
        found.into_iter().map(line).collect()
    });
    verdict(seeds.len() * CLIENTS.len(), &faults)
}

fn mutant_faults(tools: &Tools, file: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut codes = Vec::new();
    for client in CLIENTS {
        let (faults, code) = try_one(tools, client, file, Expect::Ends(client.documented(), ""))?;
        codes.push(code);
        found.extend(faults.into_iter().map(|fault| format!("{}: {fault}", client.name())));
    }
    if codes[0] != codes[1] {
        found.push(format!("consolation ends with {:?} for text and {:?} for JSON", codes[0], codes[1]));
    }
    Ok(found)
}

/// The recordings of the repository, in the order of their paths.
fn corpora() -> Result<Vec<Vec<u8>>> {
    let mut paths = Vec::new();
    for corpus in CORPORA {
        let folder = root().join(corpus);
        let failed = |error| format!("cannot read {}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "ndjson") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display())))
        .collect()
}

/// A folder for the inputs of an attack. It keeps failed inputs of earlier runs.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = target().join("attack").join(name);
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}
