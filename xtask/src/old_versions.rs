//! `cargo xtask old-versions`: whether the facade of tokio compiles over each tokio that `cargo insight` promises.
//!
//! A scratch package compiles the facade's source over another tokio, and its build script sets `insight_before` as
//! `cargo insight` does. So one target folder serves all versions.

use crate::process::{Result, cargo, read, root, target};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// The facade of tokio.
const FACADE: &str = "adapters/tokio";

/// The oldest version of all. cargo-insight/src/facades.rs has the same one.
const OLDEST: Version = (1, 36);

const ALL_FEATURES: &str = "full,test-util";

/// The features with which the oldest version is compiled. Cargo enables others only when a program's crates do.
const FEATURES_OF_OLDEST: [&str; 8] = [ALL_FEATURES, "full", "", "rt", "sync", "rt,sync", "sync,time", "rt,time"];

/// Major and minor version.
type Version = (u64, u64);

/// Compiles over the oldest version, the version before each threshold, and the newest version, also with tokio's unstable
/// items.
pub fn run() -> Result {
    oldest()?;
    let thresholds = thresholds(&root().join(FACADE).join("src"))?;
    for flags in ["", "--cfg tokio_unstable"] {
        for (major, minor) in &thresholds {
            let before = (*major, minor - 1);
            check(&format!("~{}.{}", before.0, before.1), before, &thresholds, &[ALL_FEATURES], flags)?;
        }
        // The lock file names the newest.
        check("1", (1, u64::MAX), &thresholds, &[ALL_FEATURES], flags)?;
    }
    Ok(())
}

/// Compiles over the oldest version only.
pub fn oldest() -> Result {
    let thresholds = thresholds(&root().join(FACADE).join("src"))?;
    check(&format!("={}.{}.0", OLDEST.0, OLDEST.1), OLDEST, &thresholds, &FEATURES_OF_OLDEST, "")
}

/// Compiles the facade over the version that `requirement` selects.
fn check(
    requirement: &str,
    version: Version,
    thresholds: &BTreeSet<Version>,
    features: &[&str],
    flags: &str,
) -> Result {
    let folder = target().join("old-versions");
    let failed = |error| format!("cannot write to {}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    let mut script = String::from("fn main() {\n");
    for (major, minor) in thresholds.iter().filter(|threshold| version < **threshold) {
        let _ = writeln!(script, "    println!(r#\"cargo::rustc-cfg=insight_before=\"{major}.{minor}.0\"\"#);");
    }
    script.push_str("}\n");
    fs::write(folder.join("build.rs"), script).map_err(failed)?;
    fs::write(folder.join("Cargo.toml"), manifest(requirement)?).map_err(failed)?;
    fs::write(folder.join("Cargo.lock"), read(Path::new("Cargo.lock"))?).map_err(failed)?;
    for features in features {
        println!("xtask: tokio {requirement}, features {features:?} {flags}");
        let mut command = cargo();
        command.args(["check", "--quiet", "--features", features]).current_dir(&folder);
        let name = if flags.is_empty() { "target" } else { "target-unstable" };
        command.env("RUSTFLAGS", flags).env("CARGO_TARGET_DIR", folder.join(name));
        let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
        if !status.success() {
            return Err(format!(
                "{FACADE} does not compile over tokio {requirement} with the features {features:?}: put newer items \
                 under `#[cfg(not(insight_before = \"VERSION\"))]`"
            ));
        }
    }
    Ok(())
}

/// The scratch package's manifest: the facade's edition and features, without the features of other crates.
fn manifest(requirement: &str) -> Result<String> {
    let (own, workspace) = (read(&Path::new(FACADE).join("Cargo.toml"))?, read(Path::new("Cargo.toml"))?);
    let edition = own.lines().chain(workspace.lines()).find(|line| line.starts_with("edition = ")).unwrap_or_default();
    let features = own.split_once("\n[features]\n").map_or("", |(_, rest)| rest);
    let features = features.split("\n\n").next().unwrap_or_default().lines().filter(|line| !line.contains("dep:"));
    let features = features.collect::<Vec<_>>().join("\n");
    Ok(format!(
        "[package]\nname = \"old-versions\"\nversion = \"0.0.0\"\n{edition}\n\n[lib]\npath = {facade:?}\n\n\
         [features]\n{features}\n\n[dependencies]\ninsight-probe = {{ path = {probe:?} }}\n\
         real = {{ package = \"tokio\", version = \"{requirement}\" }}\n\n\
         [lints.rust]\nwarnings = \"allow\"\n\n[workspace]\n",
        facade = root().join(FACADE).join("src/lib.rs"),
        probe = root().join("adapters/probe"),
    ))
}

/// The versions that the facade's source names. A test of cargo-insight compares its list with them.
fn thresholds(folder: &Path) -> Result<BTreeSet<Version>> {
    let failed = |error| format!("cannot read {}: {error}", folder.display());
    let mut versions = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            versions.extend(thresholds(&path)?);
            continue;
        }
        for rest in read(&path)?.split("insight_before = \"").skip(1) {
            let mut numbers = rest.split(['.', '"']).map_while(|number| number.parse().ok());
            versions.extend(numbers.next().zip(numbers.next()));
        }
    }
    Ok(versions)
}
