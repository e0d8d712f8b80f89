//! insight's own crates: unpacked, and built by a cargo of their own.
//!
//! They have a workspace, a lock file and a profile of their own, so they are the same in every program. Their build runs in
//! the user's folder: the user's registries, linkers and flags hold for it.

use crate::arguments::Arguments;
use crate::graph::cargo;
use crate::links::{Links, Role};
use crate::plan::Bundle;
use crate::say::{Result, say};
use crate::wrapper::OWN_WRAPPER;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The sources of the facades and of all that they are built on. `cargo xtask archive` makes it.
static ARCHIVE: &[u8] = include_bytes!("../sources.tar");

/// The profile of insight's own crates, in the archive's manifest.
const PROFILE: &str = "insight";

/// A number that another archive does not have.
pub fn archive_hash() -> u64 {
    let mut hasher = DefaultHasher::new();
    ARCHIVE.hash(&mut hasher);
    hasher.finish()
}

/// Unpacks the archive below `folder`, unless it is there, and returns its folder.
pub fn unpack(folder: &Path) -> Result<PathBuf> {
    let sources = folder.join(format!("sources-{:016x}", archive_hash()));
    if sources.is_dir() {
        return Ok(sources);
    }
    let partial = folder.join(format!("partial-{}", std::process::id()));
    let failed = |error: std::io::Error| format!("cannot unpack insight's sources to {}: {error}", partial.display());
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir_all(&partial).map_err(failed)?;
    let mut archive = tar::Archive::new(ARCHIVE);
    // By the time of a file cargo sees that another archive has another one.
    archive.set_preserve_mtime(false);
    archive.unpack(&partial).map_err(failed)?;
    match fs::rename(&partial, &sources) {
        Ok(()) => Ok(sources),
        // Another `cargo insight` was faster.
        Err(_) if sources.is_dir() => {
            let _ = fs::remove_dir_all(&partial);
            Ok(sources)
        }
        Err(error) => Err(failed(error)),
    }
}

/// A message of cargo about a crate that it has built.
#[derive(Deserialize)]
struct Artifact {
    reason: String,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Builds insight's own crates for a target.
pub fn build(
    sources: &Path,
    folder: &Path,
    triple: &str,
    arguments: &Arguments,
    links: &Links,
    wrapper: Option<&Path>,
) -> Result<Bundle> {
    let manifest = sources.join("Cargo.toml");
    let mut command = Command::new(cargo());
    command
        .args(["build", "--lib", "--profile", PROFILE, "--message-format=json-render-diagnostics", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(folder.join("target"))
        .args(&arguments.network)
        .env("RUSTC_WRAPPER", links.path(Role::OwnRustc))
        .env("RUSTC_WORKSPACE_WRAPPER", "")
        .env("CARGO_BUILD_BUILD_DIR", folder.join("target"))
        .env(OWN_WRAPPER, wrapper.unwrap_or(Path::new("")))
        .env("CARGO_INCREMENTAL", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if !triple.is_empty() {
        command.args(["--target", triple]);
    }
    if folder.join("target").exists() {
        // It is built, or nearly: cargo's own lines would come with every run.
        command.arg("--quiet");
    } else {
        say("building insight's own crates, once for this target folder");
    }
    let mut child = command.spawn().map_err(|error| format!("cannot start cargo: {error}"))?;
    let mut bundle = Bundle { triple: triple.to_owned(), crates: BTreeMap::new(), files: Vec::new() };
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(std::io::Result::ok) {
        let Ok(Artifact { reason, target: Some(target), filenames, .. }) = serde_json::from_str(&line) else {
            continue;
        };
        if reason != "compiler-artifact" || target.kind.iter().any(|kind| kind == "custom-build") {
            continue;
        }
        for file in filenames {
            let ending = file.extension().unwrap_or_default().to_string_lossy().into_owned();
            if ending == "rlib" {
                bundle.crates.insert(target.name.replace('-', "_"), file.clone());
            }
            if ending != "rmeta" {
                bundle.files.push(file);
            }
        }
    }
    let status = child.wait().map_err(|error| format!("cannot wait for cargo: {error}"))?;
    if status.success() {
        return Ok(bundle);
    }
    Err(format!(
        "insight's own crates could not be built, see cargo's words above. They need, from the registry that this folder \
         uses: {}. A vendored registry gets them by `cargo vendor --sync {}`",
        dependencies(sources).join(", "),
        manifest.display()
    ))
}

/// The packages of a registry that insight's own crates need.
fn dependencies(sources: &Path) -> Vec<String> {
    let lock = fs::read_to_string(sources.join("Cargo.lock")).unwrap_or_default();
    packages_of_registries(&lock)
}

fn packages_of_registries(lock: &str) -> Vec<String> {
    let packages = lock.split("[[package]]").filter(|package| package.contains("\nsource = "));
    let field = |package: &str, name: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    packages.map(|package| format!("{} {}", field(package, "name"), field(package, "version"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_a_lock_file() {
        let lock = "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\
                    source = \"registry+https://x\"\nchecksum = \"0\"\n";
        assert_eq!(packages_of_registries(lock), ["a 1.2.3"]);
    }
}
