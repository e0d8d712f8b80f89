//! insight's own crates: their sources are unpacked, and a separate cargo builds them.
//!
//! They have their own workspace, lock file and profile, so they are the same for every program. The build runs in the
//! user's folder, so that the user's registries, linkers and flags apply.

use crate::arguments::Arguments;
use crate::graph::cargo;
use crate::links::{Links, Role};
use crate::messages::{Result, print};
use crate::plan::Bundle;
use crate::wrapper::OWN_WRAPPER;
use serde::Deserialize;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The sources of the facades and of all crates that they depend on. `cargo xtask archive` writes this file.
static ARCHIVE: &[u8] = include_bytes!("../sources.tar");

/// The profile of insight's own crates, in the archive's manifest.
const PROFILE: &str = "insight";

/// A hash of the archive, which names the folder that it is unpacked to.
pub fn archive_hash() -> u64 {
    let mut hasher = DefaultHasher::new();
    ARCHIVE.hash(&mut hasher);
    hasher.finish()
}

/// Unpacks the archive to a folder in `folder`, unless that was done before, and returns the new folder.
pub fn unpack(folder: &Path) -> Result<PathBuf> {
    let sources = folder.join(format!("sources-{:016x}", archive_hash()));
    if sources.is_dir() {
        return Ok(sources);
    }
    let partial = folder.join(format!("partial-{}", std::process::id()));
    let failed = |error: std::io::Error| {
        let _ = fs::remove_dir_all(&partial);
        // The innermost error is the cause, such as a full disk.
        let cause = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source()).last();
        let cause = cause.map(ToString::to_string).unwrap_or_default();
        format!("cannot unpack insight's sources to {}: {cause}", partial.display())
    };
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir_all(&partial).map_err(failed)?;
    let mut archive = tar::Archive::new(ARCHIVE);
    // The files get the current time, so that cargo notices when the sources come from another archive.
    archive.set_preserve_mtime(false);
    archive.unpack(&partial).map_err(failed)?;
    match fs::rename(&partial, &sources) {
        Ok(()) => Ok(sources),
        // Another `cargo insight` has unpacked it meanwhile.
        Err(_) if sources.is_dir() => {
            let _ = fs::remove_dir_all(&partial);
            Ok(sources)
        }
        Err(error) => Err(failed(error)),
    }
}

/// A message of cargo about a crate that it has compiled.
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
        // Everything or nearly everything is built already. Cargo's messages would be printed in every run.
        command.arg("--quiet");
    } else {
        print("building insight's own crates, once for this target folder");
    }
    let mut child = command.spawn().map_err(|error| format!("cannot start cargo: {error}"))?;
    let mut has_compiled = false;
    let mut bundle = Bundle { triple: triple.to_owned(), ..Bundle::default() };
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(std::io::Result::ok) {
        let Ok(Artifact { reason, target: Some(target), filenames, .. }) = serde_json::from_str(&line) else {
            continue;
        };
        has_compiled = true;
        if reason != "compiler-artifact" || target.kind.iter().any(|kind| kind == "custom-build") {
            continue;
        }
        for file in filenames {
            let ending = file.extension().unwrap_or_default().to_string_lossy().into_owned();
            if ending == "rmeta" {
                continue;
            }
            let name = name_of(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            if ending == "rlib" {
                bundle.crates.insert(target.name.replace('-', "_"), name.clone());
            }
            bundle.files.insert(name, file);
        }
    }
    let status = child.wait().map_err(|error| format!("cannot wait for cargo: {error}"))?;
    if status.success() {
        return Ok(bundle);
    }
    if has_compiled {
        return Err("insight's own crates could not be built; cargo's messages above show why".to_owned());
    }
    Err(format!(
        "insight's own crates could not be built; cargo's messages above show why. They need these packages from the \
         registry that this folder uses: {}. `cargo vendor --sync {}` adds them to a vendored registry",
        dependencies(sources).join(", "),
        manifest.display()
    ))
}

/// A file's name in the folder of the user's crates. Each build of a crate has its own name there: cargo may reuse a crate that
/// was compiled with an earlier build of insight's crates, so the files of that build must still be there.
fn name_of(file: &Path) -> std::io::Result<String> {
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let (stem, ending) = (text(file.file_stem()), text(file.extension()));
    if stem.contains('-') {
        // The name contains cargo's own hash.
        return Ok(text(file.file_name()));
    }
    let mut hasher = DefaultHasher::new();
    fs::read(file)?.hash(&mut hasher);
    Ok(format!("{stem}-{:016x}.{ending}", hasher.finish()))
}

/// The packages from registries that insight's own crates need.
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
    fn each_build_of_a_crate_has_its_own_name() {
        let folder = std::env::temp_dir().join(format!("insight-names-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let name = |file: &str, content: &str| {
            fs::write(folder.join(file), content).unwrap();
            name_of(&folder.join(file)).unwrap()
        };
        let (one, other, again) = (name("liba.rlib", "1"), name("liba.rlib", "2"), name("liba.rlib", "1"));
        assert!(one != other && one == again && one.starts_with("liba-") && one.ends_with(".rlib"), "{one} {other}");
        assert_eq!(name("libb-0123456789abcdef.rlib", ""), "libb-0123456789abcdef.rlib");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn packages_of_registries_are_read_from_a_lock_file() {
        let lock = "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\
                    source = \"registry+https://x\"\nchecksum = \"0\"\n";
        assert_eq!(packages_of_registries(lock), ["a 1.2.3"]);
    }
}
