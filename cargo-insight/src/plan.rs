//! The plan of one build. The command writes it, and the compiler wrapper and the runner read it.

use crate::messages::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// The variable with the path of the plan's file, for the processes that cargo starts.
pub const VARIABLE: &str = "CARGO_INSIGHT_PLAN";

/// All facts that the compiler wrapper and the runner need.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Changes when compiled crates must be compiled again. Cargo reads it as a part of the compiler's version.
    pub key: String,
    /// Crates are replaced only in this target folder. A build script may start a cargo for another folder.
    pub target: PathBuf,
    /// The unpacked sources of the facades.
    pub sources: PathBuf,
    /// The user's own compiler wrapper.
    pub wrapper: Option<PathBuf>,
    /// The user's own runner with its arguments, for the target of the build.
    pub runner: Vec<String>,
    /// The target is the host, so the runner is not an emulator.
    pub is_host: bool,
    /// The crates that are replaced.
    pub replaced: Vec<Replaced>,
    /// insight's own crates for each target. Without `--target` there is one bundle, with an empty triple.
    pub bundles: Vec<Bundle>,
    /// The variables that are set for cargo, with their values before. The program gets the values before.
    pub environment: Vec<(String, Option<String>)>,
    /// The additional variables for the program.
    pub program: Vec<(String, String)>,
    /// The file for the program's output, if consolation has the terminal.
    pub output: Option<PathBuf>,
    /// The folder with the graph facts for programs that the user starts by hand. It has one file for each program's name.
    pub coverage: PathBuf,
    /// The subcommand is `run`, which starts one program.
    pub is_run: bool,
}

/// A crate of the user's graph that is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The package, such as `tokio`.
    pub package: String,
    /// Its version in the lock file.
    pub version: String,
    /// The name of its entry in [`FACADES`](crate::facades::FACADES).
    pub facade: String,
    /// The package's folder, if cargo reports it.
    pub folder: Option<PathBuf>,
}

/// insight's own crates, built for one target.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Bundle {
    /// The target's triple, or empty for the host without `--target`.
    pub triple: String,
    /// The crates that facades use: each name with its file.
    pub crates: BTreeMap<String, String>,
    /// All files that the compiler needs: each name in the folder of the user's crates with the original file.
    pub files: BTreeMap<String, PathBuf>,
}

impl Plan {
    /// Reads the plan whose path is in the environment.
    pub fn read() -> Result<Plan> {
        let path = std::env::var_os(VARIABLE).ok_or_else(|| format!("{VARIABLE} is not set; start `cargo insight`"))?;
        let path = Path::new(&path);
        let text = fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{} is not a plan: {error}", path.display()))
    }

    /// Writes the plan to a file in `folder`. The file's name depends on the content, so another plan has another file.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let text = serde_json::to_string_pretty(self).map_err(|error| format!("cannot write the plan: {error}"))?;
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let path = folder.join(format!("plan-{:016x}.json", hasher.finish()));
        write_whole(&path, &text)?;
        Ok(path)
    }

    /// The bundle of a target, or `None` if the target's crates are not replaced, such as the host's with `--target`.
    pub fn bundle(&self, triple: &str) -> Option<&Bundle> {
        self.bundles.iter().find(|bundle| bundle.triple == triple_name(triple))
    }

    /// Gives a command the variables as they were before `cargo insight` changed them.
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

/// The name of a target in cargo's configuration: the name of the file `my.json` is `my`.
pub fn triple_name(target: &str) -> &str {
    let Some(path) = target.strip_suffix(".json") else { return target };
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Writes a file by renaming a complete file, so that no process reads half of it.
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
