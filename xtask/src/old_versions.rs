//! `cargo xtask old-versions`: compiles each facade over the older versions that `cargo insight` promises.
//!
//! A facade leaves out items that an older real crate lacks. So the critical versions are the last ones before the versions
//! that its source names. A scratch package depends on one of them, and `cargo insight build` compiles it. A test of
//! cargo-insight runs the oldest and the newest versions of all crates.

use crate::process::{Result, read, root, target};
use crate::program::{Profile, build};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A crate with a facade.
struct Replaced {
    package: &'static str,
    /// The folder of the facade's source, which names versions.
    source: &'static str,
    /// The features of the real crate, as a list in a manifest.
    features: &'static str,
}

const REPLACED: [Replaced; 8] = [
    replaced("tokio", "adapters/tokio/src", "\"full\", \"test-util\""),
    replaced("async-std", "adapters/async-std/src", "\"attributes\", \"unstable\""),
    replaced("async-executor", "adapters/executor/src", ""),
    replaced("async-lock", "adapters/sync/src/lock", ""),
    replaced("async-channel", "adapters/sync/src/channel", ""),
    replaced("futures-channel", "adapters/futures-channel/src", "\"sink\""),
    replaced("flume", "adapters/flume/src", ""),
    replaced("want", "adapters/want/src", ""),
];

const fn replaced(package: &'static str, source: &'static str, features: &'static str) -> Replaced {
    Replaced { package, source, features }
}

/// Sets of features for tokio's oldest version.
const FEATURES_OF_OLDEST: [&str; 7] =
    ["\"full\"", "", "\"rt\"", "\"sync\"", "\"rt\", \"sync\"", "\"sync\", \"time\"", "\"rt\", \"time\""];

/// Major, minor and patch version.
type Version = (u64, u64, u64);

/// Compiles each facade over the last version before each that its source names. tokio's facade is also compiled over the
/// newest version, and with its unstable items.
pub fn run() -> Result {
    let insight = build("cargo-insight", "cargo-insight", Profile::Dev)?;
    for features in FEATURES_OF_OLDEST {
        check(&insight, "tokio", "=1.36.0", features, "")?;
    }
    for Replaced { package, source, features } in &REPLACED {
        let versions = versions(&root().join(source))?;
        if versions.is_empty() {
            return Err(format!("{source} names no version: take {package} out of xtask/src/old_versions.rs"));
        }
        for (major, minor, patch) in versions {
            // A requirement for the same series, since a series is the unit of compatible versions.
            let series = if major > 0 { major.to_string() } else { format!("0.{minor}") };
            let before = format!("{series}, <{major}.{minor}.{patch}");
            check(&insight, package, &before, features, "")?;
            if *package == "tokio" {
                check(&insight, package, &before, features, "--cfg tokio_unstable")?;
            }
        }
    }
    check(&insight, "tokio", "1", "\"full\", \"test-util\"", "--cfg tokio_unstable")
}

/// Compiles a package that depends on these versions of a crate.
fn check(insight: &Path, package: &str, requirement: &str, features: &str, flags: &str) -> Result {
    println!("xtask: {package} {requirement}, features [{features}] {flags}");
    let folder = target().join("old-versions");
    let failed = |error| format!("cannot write to {}: {error}", folder.display());
    // Without a runtime, `cargo insight` has nothing to observe and stops.
    let runtime = if package == "async-executor" { "" } else { "async-executor = \"1\"\n" };
    let manifest = format!(
        "[package]\nname = \"old-versions\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[dependencies]\n{runtime}\
         {package} = {{ version = \"{requirement}\", features = [{features}] }}\n\n[workspace]\n"
    );
    fs::create_dir_all(folder.join("src")).map_err(failed)?;
    fs::write(folder.join("src/lib.rs"), "").map_err(failed)?;
    fs::write(folder.join("Cargo.toml"), manifest).map_err(failed)?;
    fs::write(folder.join("Cargo.lock"), read(Path::new("Cargo.lock"))?).map_err(failed)?;
    let name = if flags.is_empty() { "target" } else { "target-unstable" };
    let mut command = Command::new(insight);
    command.args(["build", "--target-dir", name]).current_dir(&folder).env("RUSTFLAGS", flags);
    let output = command.output().map_err(|error| format!("cannot start {}: {error}", insight.display()))?;
    let text = String::from_utf8_lossy(&output.stderr);
    // Every other line of insight reports something that is not observed.
    let is_other =
        |line: &str| line.starts_with("insight: ") && !line.starts_with("insight: building insight's own crates");
    if !output.status.success() || text.lines().any(is_other) {
        return Err(format!(
            "{text}\nthe facade of {package} must compile over {requirement} with the features [{features}]: put newer \
             items under `#[cfg(not(insight_before = \"VERSION\"))]`"
        ));
    }
    Ok(())
}

/// The versions that the source in a folder names. A test of cargo-insight compares its own list with them.
fn versions(folder: &Path) -> Result<BTreeSet<Version>> {
    let failed = |error| format!("cannot read {}: {error}", folder.display());
    let mut versions = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            versions.extend(self::versions(&path)?);
            continue;
        }
        for rest in read(&path)?.split("insight_before = \"").skip(1) {
            let mut numbers = rest.split(['.', '"']).map_while(|number| number.parse().ok());
            if let (Some(major), Some(minor), Some(patch)) = (numbers.next(), numbers.next(), numbers.next()) {
                versions.insert((major, minor, patch));
            }
        }
    }
    Ok(versions)
}
