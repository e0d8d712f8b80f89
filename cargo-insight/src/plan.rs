//! The plan of one build: written by the command, read by the compiler wrapper and the runner.

use crate::say::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// Names the plan's file to the processes that cargo starts.
pub const VARIABLE: &str = "CARGO_INSIGHT_PLAN";

/// All that the wrapper and the runner need to know.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Changes when a crate that was compiled before must be compiled again. Cargo sees it as a part of the compiler's version.
    pub key: String,
    /// The folder in which crates are replaced. A build script may start a cargo of its own for another one.
    pub target: PathBuf,
    /// The unpacked sources of the facades.
    pub sources: PathBuf,
    /// The user's own compiler wrapper.
    pub wrapper: Option<PathBuf>,
    /// The user's own runner, with its arguments, for the target that the program is built for.
    pub runner: Vec<String>,
    /// The runner starts programs of this machine, and not an emulator.
    pub is_host: bool,
    /// The crates that are replaced.
    pub replaced: Vec<Replaced>,
    /// insight's own crates, for each target. Without `--target` there is one, and its triple is empty.
    pub bundles: Vec<Bundle>,
    /// The variables that are set for cargo, and their values before. The program gets them as they were.
    pub environment: Vec<(String, Option<String>)>,
    /// The variables that the program gets.
    pub program: Vec<(String, String)>,
    /// The file for the program's output, if consolation has the terminal.
    pub output: Option<PathBuf>,
    /// The folder of graph facts for programs that are started by hand, a file for each name of a program.
    pub coverage: PathBuf,
    /// The subcommand starts one program, `run`.
    pub is_run: bool,
}

/// A crate of the user's graph that is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The package, such as `tokio`.
    pub package: String,
    /// Its version in the lock file.
    pub version: String,
    /// The entry of [`FACADES`](crate::facades::FACADES), by its name.
    pub facade: String,
    /// The package's folder, if cargo has named it.
    pub folder: Option<PathBuf>,
}

/// insight's own crates, as they were built for one target.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Bundle {
    /// The target's triple; empty for the host without `--target`.
    pub triple: String,
    /// The files of the crates that facades name, by the crates' names.
    pub crates: BTreeMap<String, String>,
    /// All files that the compiler needs, by their names in the folder of the user's crates.
    pub files: BTreeMap<String, PathBuf>,
}

impl Plan {
    /// Reads the plan that the environment names.
    pub fn read() -> Result<Plan> {
        let path = std::env::var_os(VARIABLE).ok_or_else(|| format!("{VARIABLE} is not set; start `cargo insight`"))?;
        let path = Path::new(&path);
        let text = fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{} is not a plan: {error}", path.display()))
    }

    /// Writes the plan to a file in `folder`. Another `cargo insight` with another plan has another file.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let text = serde_json::to_string_pretty(self).map_err(|error| format!("cannot write the plan: {error}"))?;
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let path = folder.join(format!("plan-{:016x}.json", hasher.finish()));
        write_whole(&path, &text)?;
        Ok(path)
    }

    /// The bundle of a target; `None` for a target whose crates are left alone, such as the host's with `--target`.
    pub fn bundle(&self, triple: &str) -> Option<&Bundle> {
        self.bundles.iter().find(|bundle| bundle.triple == triple_name(triple))
    }

    /// Gives a command the variables as they were before `cargo insight`.
    pub fn restore(&self, command: &mut std::process::Command) {
        command.env_remove(VARIABLE);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }
}

/// The name by which cargo's configuration knows a target: a file such as `my.json` is called `my` there.
pub fn triple_name(target: &str) -> &str {
    let Some(path) = target.strip_suffix(".json") else { return target };
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Writes a file by renaming a complete one.
pub fn write_whole(path: &Path, text: &str) -> Result {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let mut beside: OsString = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let folder = path.parent().unwrap_or(Path::new("."));
    let written =
        fs::create_dir_all(folder).and_then(|()| fs::write(&beside, text)).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| format!("cannot write {}: {error}", path.display()))
}
