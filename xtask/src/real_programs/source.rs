//! A published program's sources and its two builds.

use super::programs::RealProgram;
use crate::process::{Result, cargo};
use crate::program::executable;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The copy of a program's sources, as a git repository.
pub struct Source {
    program: &'static RealProgram,
    /// The folder of everything about this program.
    pub folder: PathBuf,
    /// The folder for the builds of all programs, since `cargo insight` builds its own crates once for each target folder.
    target: PathBuf,
}

/// A built program.
pub struct Built {
    pub executable: PathBuf,
    took: Duration,
    state: State,
}

/// The target folder before a build.
#[derive(Clone, Copy)]
enum State {
    /// It has no build of this kind.
    Clean,
    /// It has crates of another build.
    Warm,
    /// It does not even have insight's own crates.
    New,
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Clean => "",
            State::Warm => " (warm)",
            State::New => " (with insight's own crates)",
        };
        write!(f, "{:.1} s{state}", self.took.as_secs_f64())
    }
}

impl Source {
    /// Downloads the package and copies it, unless there is a copy.
    pub fn fetch(program: &'static RealProgram, parent: &Path) -> Result<Source> {
        let (name, version) = program.package;
        let (folder, target) = (parent.join(format!("{name}-{version}")), parent.join("target"));
        let source = Source { program, folder, target };
        if source.copy().join(".git/HEAD").exists() {
            return Ok(source);
        }
        copy_package(name, version, &source.copy())?;
        for (name, version) in program.moved {
            let mut update = cargo();
            update.current_dir(source.copy()).args(["update", "--quiet", "--package", name, "--precise", version]);
            succeed(&mut update)?;
        }
        succeed(source.git().args(["init", "--quiet"]))?;
        succeed(source.git().args(["add", "--all", "--force"]))?;
        let package = format!("{name}-{version}");
        let author = ["-c", "user.name=xtask", "-c", "user.email=xtask@localhost", "-c", "commit.gpgsign=false"];
        succeed(source.git().args(author).args(["commit", "--quiet", "--message", &package]))?;
        Ok(source)
    }

    /// The folder of the program's sources.
    pub fn copy(&self) -> PathBuf {
        self.folder.join("source")
    }

    /// Removes both builds, so that the next ones are clean. Keeps insight's own crates.
    pub fn remove_builds(&self) -> Result {
        for folder in [self.target.join("debug"), self.observed()] {
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            }
        }
        Ok(())
    }

    /// The folder of the observed build.
    fn observed(&self) -> PathBuf {
        self.target.join("insight/debug")
    }

    /// Builds the program as its users do.
    pub fn build_plain(&self) -> Result<Built> {
        let state = if self.target.join("debug").exists() { State::Warm } else { State::Clean };
        let start = Instant::now();
        let output = self.cargo(cargo(), &["--message-format", "json-render-diagnostics"]).output();
        let output = output.map_err(|error| format!("cannot start cargo: {error}"))?;
        let executable = executable(&output, self.program.target.1);
        let executable = executable.ok_or("the plain build fails: see cargo's messages above")?;
        Ok(Built { executable, took: start.elapsed(), state })
    }

    /// Builds the program under `cargo insight`.
    pub fn build_observed(&self, insight: &Path) -> Result<Built> {
        let state = match self.observed().exists() {
            true => State::Warm,
            false if self.target.join("insight/own/target").exists() => State::Clean,
            false => State::New,
        };
        let start = Instant::now();
        // As cargo calls its subcommands.
        let mut command = Command::new(insight);
        command.arg("insight");
        succeed(&mut self.cargo(command, &[]))?;
        let took = start.elapsed();
        let folder = self.observed();
        let executable = match self.program.target.0 {
            "--example" => folder.join("examples").join(self.program.target.1),
            _ => folder.join(self.program.target.1),
        };
        match executable.exists() {
            true => Ok(Built { executable, took, state }),
            false => Err(format!("`cargo insight build` succeeds, and {} is missing", executable.display())),
        }
    }

    /// A command `build` with the program's arguments, which are the same in both builds.
    fn cargo(&self, mut command: Command, more: &[&str]) -> Command {
        let (kind, name) = self.program.target;
        command.current_dir(self.copy()).env("CARGO_TARGET_DIR", &self.target);
        // Backtraces still have lines, and the target folder is a third as large.
        command.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
        command.args(["build", "--locked", kind, name]).args(self.program.features).args(more);
        command.stderr(Stdio::inherit());
        command
    }

    /// A sentence for each file of the sources that the builds have changed or made.
    pub fn changes(&self) -> Result<Vec<String>> {
        let output = self.git().args(["status", "--porcelain", "--ignored"]).output();
        let output = output.map_err(|error| format!("cannot start git: {error}"))?;
        let lines = String::from_utf8_lossy(&output.stdout);
        Ok(lines.lines().map(|line| format!("the builds changed the program's sources: {line}")).collect())
    }

    fn git(&self) -> Command {
        let mut git = Command::new("git");
        git.current_dir(self.copy());
        git
    }
}

/// Downloads a published package, and copies its files to a folder.
pub fn copy_package(name: &str, version: &str, copy: &Path) -> Result {
    let package = format!("{name}-{version}");
    let published = match in_registry(&package) {
        Some(folder) => folder,
        None => {
            // `cargo info` downloads the sources into the registry's folder, without resolving dependencies.
            let output = cargo().args(["info", "--quiet", &format!("{name}@{version}")]).output();
            let output = output.map_err(|error| format!("cannot start cargo: {error}"))?;
            let stderr = String::from_utf8_lossy(&output.stderr);
            in_registry(&package).ok_or(format!("cargo cannot fetch {package}: {}", stderr.trim()))?
        }
    };
    let failed = |error: std::io::Error| format!("cannot copy {}: {error}", published.display());
    if copy.exists() {
        fs::remove_dir_all(copy).map_err(failed)?;
    }
    for file in crate::peer_program::files(&published, Path::new(""))? {
        // A file of cargo's in the registry's folder.
        if file == Path::new(".cargo-ok") {
            continue;
        }
        let to = copy.join(&file);
        fs::create_dir_all(to.parent().expect("a file is in a folder")).map_err(failed)?;
        fs::copy(published.join(&file), to).map_err(failed)?;
    }
    Ok(())
}

/// The folder of a package's sources in cargo's registry.
fn in_registry(package: &str) -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    // Cargo writes this file after it has unpacked the whole package.
    registries.flatten().map(|registry| registry.path().join(package)).find(|path| path.join(".cargo-ok").exists())
}

fn succeed(command: &mut Command) -> Result {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            let words: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
            Err(format!("`{name} {}` ended with {status}", words.join(" ")))
        }
        Err(error) => Err(format!("cannot start {name}: {error}")),
    }
}
