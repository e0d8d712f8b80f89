//! `cargo xtask peer-program`: a published program under load, with the facade in the place of its runtime.
//!
//! The program is downloaded, copied, and changed as a user would change it: its Cargo.toml, and a line at the start of
//! `main`.

mod chat_server;
mod mini_redis;
mod resp;
mod sessions;

use crate::peer_tests::{in_place_of, package_of, write};
use crate::process::{Result, cargo, root, target};
use crate::program::{Program, START, executable, request, snapshot};
use insight_model::{Location, Model};
use insight_protocol::{Decoded, Problems, decode};
use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// Runs a published program.
pub fn run(peer: Peer) -> Result {
    match peer {
        Peer::MiniRedis => mini_redis::run(),
        Peer::ChatServer => chat_server::run(),
        Peer::Sessions => sessions::run(),
    }
}

/// A published program.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Peer {
    /// A server on tokio: 10,000 requests
    MiniRedis,
    /// An example of smol: eight clients
    ChatServer,
    /// An example of tide, on async-std
    Sessions,
}

/// A program to copy and to change.
struct Source {
    name: &'static str,
    version: &'static str,
    binary: &'static str,
    /// Additional or replaced files, with their paths. `ROOT` in a file stands for this repository.
    files: &'static [(&'static str, &'static str)],
    /// A runtime of the crates that the program uses. Its facade replaces it there, too.
    wrapped: Option<&'static str>,
    changes: &'static [Change],
}

/// A replacement of a text in a file. `ROOT` in the new text stands for this repository.
struct Change {
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

impl Source {
    fn folder(&self) -> PathBuf {
        target().join("peer-programs").join(self.name)
    }

    /// The folder of the copy.
    fn copy(&self) -> PathBuf {
        self.folder().join("program")
    }

    /// Downloads the program, copies and changes it, and builds it. Returns the version and the path of the binary.
    fn build(&self) -> Result<(String, PathBuf)> {
        let fetch = self.folder().join("fetch");
        let manifest = format!(
            "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [lib]\npath = \"lib.rs\"\n\n[dependencies]\n{} = {:?}\n",
            self.name, self.version
        );
        write(&fetch.join("Cargo.toml"), &manifest)?;
        write(&fetch.join("lib.rs"), "")?;
        let package = package_of(self.name, &["--manifest-path".into(), fetch.join("Cargo.toml").into()])?;
        let source = PathBuf::from(package["manifest_path"].as_str().unwrap_or_default());
        self.copy_from(source.parent().expect("a manifest is in a folder"))?;
        let output = cargo()
            .args(["build", "--bin", self.binary, "--message-format", "json-render-diagnostics", "--manifest-path"])
            .arg(self.copy().join("Cargo.toml"))
            .env("CARGO_TARGET_DIR", self.folder().join("target"))
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cannot start cargo: {error}"))?;
        let program = executable(&output, self.binary);
        let program = program.ok_or(format!("cannot build {}: see cargo's messages above", self.name))?;
        Ok((package["version"].as_str().unwrap_or_default().to_owned(), program))
    }

    fn copy_from(&self, source: &Path) -> Result {
        let mut missing: Vec<&Change> = self.changes.iter().collect();
        for file in files(source, Path::new(""))? {
            // The published lock file names old versions.
            if file == Path::new("Cargo.lock") {
                continue;
            }
            let bytes = fs::read(source.join(&file)).map_err(|error| format!("{}: {error}", file.display()))?;
            let Ok(mut text) = String::from_utf8(bytes) else { continue };
            missing.retain(|change| {
                let here = file == Path::new(change.file) && text.contains(change.from);
                if here {
                    text = text.replace(change.from, &change.to.replace("ROOT", &root().display().to_string()));
                }
                !here
            });
            write(&self.copy().join(file), &text)?;
        }
        for (file, text) in self.files {
            write(&self.copy().join(file), &text.replace("ROOT", &root().display().to_string()))?;
        }
        if let Some(runtime) = self.wrapped {
            let manifest = self.copy().join("Cargo.toml");
            let text = crate::process::read(&manifest)? + &in_place_of(runtime, &self.folder())?;
            write(&manifest, &text)?;
        }
        match missing.first() {
            None => Ok(()),
            Some(Change { file, from, .. }) => {
                Err(format!("cannot change {file} of {}: it has no `{from}`", self.name))
            }
        }
    }
}

/// The files in a folder and in its subfolders, by their paths from `root`.
pub fn files(root: &Path, within: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join(within);
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = within.join(entry.file_name());
        match entry.file_type().map_err(failed)?.is_dir() {
            true => found.extend(files(root, &path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}

/// Starts a program whose source files are in `sources`. Returns the address at which insight listens.
fn start(name: &'static str, mut command: Command, sources: &Path) -> Result<(Program, SocketAddr)> {
    command.env("INSIGHT_SOURCE", sources);
    let mut program = Program::start(name, command)?;
    let insight = program.listens("insight: listening on http://", START)?;
    Ok((program, insight))
}

/// Starts `insight-conformance check` on the stream, for this number of seconds.
fn conformance(check: &Path, insight: SocketAddr, seconds: u64) -> Result<Child> {
    let arguments = ["check", &insight.to_string(), "--for", &seconds.to_string()];
    let child = Command::new(check).current_dir(root()).args(arguments).spawn();
    child.map_err(|error| format!("cannot start insight-conformance: {error}"))
}

/// The model of the present snapshot, from `/v1/snapshot`.
pub fn model(insight: SocketAddr) -> Result<Model> {
    let mut model = Model::default();
    for line in snapshot(insight)?.lines() {
        if let Ok(Decoded::Message { message, .. }) = decode(line) {
            model.apply(&message);
        }
    }
    Ok(model)
}

/// The tier and title of each problem of `/v1/problems`.
fn problems(insight: SocketAddr) -> Result<Vec<String>> {
    let mut answer = String::new();
    let read = request(insight, "/v1/problems")?.read_to_string(&mut answer);
    read.map_err(|error| format!("GET http://{insight}/v1/problems: {error}"))?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("/v1/problems answers without a body")?;
    let problems: Problems = serde_json::from_str(body).map_err(|error| format!("/v1/problems: {error}"))?;
    Ok(problems.problems.into_iter().map(|problem| format!("{:?}: {}", problem.tier, problem.title)).collect())
}

/// The expected number of tasks or resources, their name, and the file in which they are made.
type Expected = (usize, &'static str, &'static str);

/// Checks that the expected tasks and resources exist, each with its name and its line.
fn check_model(model: &Model, expected: &[Expected]) -> Result {
    let place = |location: &Option<Arc<Location>>| {
        location.as_ref().map_or(String::new(), |at| format!("{}:{}", at.place.file, at.place.line))
    };
    let tasks = model
        .tasks
        .values()
        .map(|task| (task.origin.kind.to_string(), &task.origin.name, place(&task.origin.location)));
    let resources = model.resources.values();
    let resources = resources.map(|resource| (resource.kind.to_string(), &resource.name, place(&resource.location)));
    let observed =
        tasks.chain(resources).map(|(kind, name, place)| format!("{kind} {} {place}", name.as_deref().unwrap_or("?")));
    let observed: Vec<String> = observed.collect();
    let missing = expected.iter().filter(|(count, name, file)| {
        observed.iter().filter(|thing| thing.contains(name) && thing.contains(file)).count() < *count
    });
    let missing: Vec<String> = missing.map(|(count, name, file)| format!("{count} {name} of {file}")).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("not observed: {}; there are:\n  {}", missing.join(", "), observed.join("\n  "))),
    }
}
