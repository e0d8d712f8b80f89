//! The oldest compiler that builds the crates that are compiled into the user's program.

use crate::process::{Result, cargo, root, target};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

const MSRV: &str = "1.85";

/// Tools and test packages. Every other package of the workspace must compile with [`MSRV`].
const TOOLS: [&str; 10] = [
    "cargo-insight",
    "insight-bench",
    "insight-conformance",
    "insight-examples",
    "insight-handovers",
    "insight-hangs",
    "insight-reader",
    "insight-test-kit",
    "wish4-consolation",
    "xtask",
];

/// Checks the versions in the manifests and in Cargo.lock, and builds with that compiler if it is installed. The lint
/// `incompatible_msrv` of clippy checks the standard library's APIs.
pub fn check() -> Result {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--locked", "--all-features"]);
    let output = command.output().map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let metadata = serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = in_program(&metadata);
    let faults: Vec<String> = packages.iter().filter_map(|package| fault(package)).collect();
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    build(packages.iter().filter(|package| is_ours(package)).map(|package| text(&package["name"])))
}

/// The packages that are compiled into the user's program, on any platform: ours, and their dependencies.
fn in_program(metadata: &Value) -> Vec<&Value> {
    let by_id = |list| items(list).map(|item| (text(&item["id"]), item)).collect::<BTreeMap<_, _>>();
    let (packages, nodes) = (by_id(&metadata["packages"]), by_id(&metadata["resolve"]["nodes"]));
    let is_root = |package: &Value| is_ours(package) && !TOOLS.contains(&text(&package["name"]));
    let mut found: Vec<&str> = packages.keys().copied().filter(|id| is_root(packages[id])).collect();
    let mut next = 0;
    while let Some(id) = found.get(next) {
        for dependency in items(&nodes[id]["deps"]) {
            let id = text(&dependency["pkg"]);
            let in_tests_only = items(&dependency["dep_kinds"]).all(|kind| kind["kind"] == "dev");
            // The feature `schema` is for tools.
            if !in_tests_only && dependency["name"] != "schemars" && !found.contains(&id) {
                found.push(id);
            }
        }
        next += 1;
    }
    found.iter().map(|id| packages[id]).collect()
}

fn fault(package: &Value) -> Option<String> {
    let [name, version, rust_version, edition] =
        ["name", "version", "rust_version", "edition"].map(|field| package[field].as_str().unwrap_or("none"));
    if is_ours(package) {
        let is_right = edition == "2021" && rust_version == MSRV;
        let fault = format!("{name} has edition {edition} and rust-version {rust_version}: write 2021 and {MSRV}");
        return (!is_right).then_some(fault);
    }
    let advice = format!("choose an older one: cargo update -p {name}@{version} --precise <version>");
    is_newer(rust_version, MSRV).then(|| format!("{name} {version} needs Rust {rust_version}, not {MSRV}: {advice}"))
}

/// Whether a compiler version is newer than another. Versions have two or three numbers.
fn is_newer(version: &str, than: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        let parts = version.split(['.', '-']).map_while(|part| part.parse().ok());
        parts.chain([0, 0, 0]).take(3).collect()
    };
    numbers(version) > numbers(than)
}

fn is_ours(package: &Value) -> bool {
    package["source"].is_null()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Builds the packages with an installed compiler of that version.
fn build<'a>(packages: impl Iterator<Item = &'a str>) -> Result {
    let output = Command::new("rustup").args(["toolchain", "list"]).output();
    let list = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let installed = list.lines().filter_map(|line| line.split_whitespace().next());
    let Some(toolchain) = installed.into_iter().find(|name| name.starts_with(MSRV)) else {
        println!("xtask: not tried, since it is not installed: `rustup toolchain install {MSRV}.0 --profile minimal`");
        return Ok(());
    };
    let mut command = Command::new("rustup");
    command.args(["run", toolchain, "cargo", "check", "--quiet", "--locked", "--all-features"]);
    command.args(packages.flat_map(|package| ["--package", package]));
    command.current_dir(root()).env("CARGO_TARGET_DIR", target().join("msrv"));
    let status = command.status().map_err(|error| format!("cannot start rustup: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("use only features of Rust {MSRV} in the crates named above")) }
}

#[test]
fn version_is_newer_if_its_first_different_number_is_larger() {
    let newer = [("1.86", "1.85"), ("1.85.1", "1.85"), ("1.100.0", "1.85.0"), ("2.0", "1.85"), ("1.88.0-beta", "1.85")];
    for (version, than) in newer {
        assert!(is_newer(version, than), "{version}");
        assert!(!is_newer(than, version), "{version}");
    }
    for version in ["1.85", "1.85.0", "1.9", "none"] {
        assert!(!is_newer(version, MSRV), "{version}");
    }
}
