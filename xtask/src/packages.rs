//! `cargo xtask packages`: builds the published crates as their users get them.

use crate::process::{Result, cargo, read, root, succeeds, target};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Checks the files and keys of each published crate, without a build.
pub fn check() -> Result {
    let license = read(Path::new("LICENSE"))?;
    let mut missing = Vec::new();
    for package in published()? {
        let name = package["name"].as_str().unwrap_or_default();
        let folder = Path::new(package["manifest_path"].as_str().unwrap_or_default()).parent().unwrap_or(Path::new(""));
        let mut need = |is_there: bool, part: &str| {
            if !is_there {
                missing.push(format!("{name} has no {part}"));
            }
        };
        need(folder.join("README.md").is_file(), "README.md");
        need(std::fs::read_to_string(folder.join("LICENSE")).is_ok_and(|text| text == license), "copy of LICENSE");
        for key in ["description", "license", "repository", "rust_version"] {
            need(package[key].is_string(), key);
        }
        for key in ["keywords", "categories"] {
            need(package[key].as_array().is_some_and(|list| (1..=5).contains(&list.len())), key);
        }
        let docs = &package["metadata"]["docs"]["rs"];
        need(docs["all-features"] == true, "`all-features = true` in [package.metadata.docs.rs]");
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let is_ours = dependency["path"].is_string() && dependency["kind"] != "dev";
            need(!is_ours || dependency["req"] != "*", &format!("version for {}", dependency["name"]));
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(format!("correct Cargo.toml or add the file: {}", missing.join("; "))) }
}

/// Packages each published crate and builds it outside the workspace, from the packages alone. Then compares the public items
/// with those of the last release, if there is one.
pub fn run() -> Result {
    check()?;
    let published = published()?;
    let names = || published.iter().filter_map(|package| package["name"].as_str());
    let mut command = cargo();
    command.args(["package", "--allow-dirty", "--quiet"]).env("CARGO_TARGET_DIR", target().join("packages"));
    command.args(names().flat_map(|name| ["--package", name]));
    let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
    if !status.success() {
        return Err("a package does not build outside the workspace; see above".to_owned());
    }
    let Some(release) = last_release()? else {
        println!("xtask: no tag `v*`, so there is no release to compare public items with");
        return Ok(());
    };
    if !succeeds(cargo().args(["semver-checks", "--version"])) {
        let status = cargo().args(["install", "--locked", "cargo-semver-checks"]).status();
        if !status.is_ok_and(|status| status.success()) {
            return Err("cannot install cargo-semver-checks".to_owned());
        }
    }
    let mut command = cargo();
    command.args(["semver-checks", "--baseline-rev", &release]);
    command.args(names().filter(|name| *name != "cargo-insight").flat_map(|name| ["--package", name]));
    let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("public items changed since {release} against the version; see above"))
    }
}

/// The names of the published crates.
pub fn names() -> Result<Vec<String>> {
    let name = |package: &Value| package["name"].as_str().map(str::to_owned);
    Ok(published()?.iter().filter_map(name).collect())
}

/// The published crates, each with its folder.
pub fn folders() -> Result<Vec<(String, PathBuf)>> {
    let folder = |package: &Value| {
        let manifest = Path::new(package["manifest_path"].as_str()?);
        Some((package["name"].as_str()?.to_owned(), manifest.parent()?.to_owned()))
    };
    Ok(published()?.iter().filter_map(folder).collect())
}

/// The newest tag `v*` of git before this commit.
fn last_release() -> Result<Option<String>> {
    let output =
        Command::new("git").args(["describe", "--tags", "--abbrev=0", "--match", "v*"]).current_dir(root()).output();
    let output = output.map_err(|error| format!("cannot start git: {error}"))?;
    let tag = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok((output.status.success() && !tag.is_empty()).then_some(tag))
}

/// The packages of the workspace without `publish = false`, as `cargo metadata` prints them.
fn published() -> Result<Vec<Value>> {
    let output = cargo().args(["metadata", "--format-version", "1", "--no-deps"]).output();
    let output = output.map_err(|error| format!("cannot start cargo: {error}"))?;
    let mut metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("`cargo metadata` is not JSON: {error}"))?;
    let Value::Array(mut packages) = metadata["packages"].take() else {
        return Err("`cargo metadata` names no packages".to_owned());
    };
    packages.retain(|package| package["publish"].is_null());
    Ok(packages)
}
