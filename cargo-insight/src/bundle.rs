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
    let failed = |error: std::io::Error| {
        let _ = fs::remove_dir_all(&partial);
        // The innermost cause, such as a full disk.
        let cause = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source()).last();
        let cause = cause.map(ToString::to_string).unwrap_or_default();
        format!("cannot unpack insight's sources to {}: {cause}", partial.display())
    };
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
        return Err("insight's own crates could not be built, see cargo's words above".to_owned());
    }
    Err(format!(
        "insight's own crates could not be built, see cargo's words above. They need, from the registry that this folder \
         uses: {}. A vendored registry gets them by `cargo vendor --sync {}`",
        dependencies(sources).join(", "),
        manifest.display()
    ))
}

/// The name of a file in the folder of the user's crates. No other build of the same crate has it: cargo may take a crate as
/// up to date that was compiled over another build, and that one must still be there.
fn name_of(file: &Path) -> std::io::Result<String> {
    let text = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let (stem, ending) = (text(file.file_stem()), text(file.extension()));
    if stem.contains('-') {
        // Cargo's own hash.
        return Ok(text(file.file_name()));
    }
    let mut hasher = DefaultHasher::new();
    fs::read(file)?.hash(&mut hasher);
    Ok(format!("{stem}-{:016x}.{ending}", hasher.finish()))
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
    fn another_build_of_a_crate_has_another_name() {
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
    fn packages_of_a_lock_file() {
        let lock = "version = 4\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\
                    source = \"registry+https://x\"\nchecksum = \"0\"\n";
        assert_eq!(packages_of_registries(lock), ["a 1.2.3"]);
    }
}
