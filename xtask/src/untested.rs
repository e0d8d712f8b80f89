//! Libraries and programs with `test = false` in Cargo.toml. Cargo then links no test binary for them, so they must not have
//! tests: nobody would run them.

use crate::process::{Result, cargo};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn libraries_and_programs_that_are_not_tested_have_no_tests() {
    assert_eq!(tests(), Ok(Vec::new()), "remove `test = false` from Cargo.toml");
}

/// The source files with tests that nobody runs, each with its library or program.
fn tests() -> Result<Vec<String>> {
    let output = cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output();
    let output = output.map_err(|error| format!("cannot start cargo: {error}"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut found = Vec::new();
    for target in packages.flat_map(|package| package["targets"].as_array().into_iter().flatten()) {
        if target["test"] == true || target["kind"][0] == "custom-build" {
            continue;
        }
        for file in files(Path::new(target["src_path"].as_str().unwrap_or_default()))? {
            if has_test(&read(&file)?) {
                found.push(format!("{} of {}", file.display(), target["name"]));
            }
        }
    }
    Ok(found)
}

/// Whether a line is `#[test]`, a runtime's test, or a `cfg` of tests.
fn has_test(text: &str) -> bool {
    let is_test = |line: &str| {
        let attribute = line.strip_prefix("#[").unwrap_or_default();
        let mut words = attribute.split(|c: char| !(c.is_alphanumeric() || "_-".contains(c)));
        attribute.contains("test]") || (attribute.starts_with("cfg(") && words.any(|word| word == "test"))
    };
    text.lines().any(|line| is_test(line.trim_start()))
}

/// The files of a library or program: its first file, and the files of its modules.
fn files(first: &Path) -> Result<Vec<PathBuf>> {
    // Each file has the folder of its modules with it.
    let mut files = vec![(first.to_owned(), first.with_file_name(""))];
    let mut next = 0;
    while let Some((file, folder)) = files.get(next).cloned() {
        for module in modules(&read(&file)?) {
            let (places, folder) = match &module {
                Module::Named(name) => {
                    let own = folder.join(name);
                    (vec![folder.join(format!("{name}.rs")), own.join("mod.rs")], own)
                }
                Module::At(path) => {
                    let place = file.with_file_name(path);
                    let beside = place.with_file_name("");
                    (vec![place], beside)
                }
            };
            let found = places.into_iter().find(|place| place.is_file());
            let found = found.ok_or_else(|| format!("{}: cannot find the file of {module:?}", file.display()))?;
            files.push((found, folder));
        }
        next += 1;
    }
    Ok(files.into_iter().map(|(file, _)| file).collect())
}

/// A module that has a file of its own.
#[derive(Debug, PartialEq, Eq)]
enum Module {
    Named(String),
    /// The value of its attribute `path`.
    At(String),
}

fn modules(text: &str) -> Vec<Module> {
    let mut modules = Vec::new();
    let mut path = None;
    for line in text.lines().map(str::trim) {
        let module = line.strip_suffix(';').and_then(|line| line.rsplit_once("mod "));
        match module {
            Some((before, name)) if before.is_empty() || before.starts_with("pub") => {
                let named = || Module::Named(name.trim_start_matches("r#").to_owned());
                modules.push(path.take().map_or_else(named, Module::At));
            }
            _ => path = line.strip_prefix("#[path = \"").and_then(|path| path.strip_suffix("\"]")).map(str::to_owned),
        }
    }
    modules
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

#[test]
fn tests_are_found() {
    for test in ["#[test]\nfn a() {", "    #[tokio::test]", "#[cfg(test)]\nmod tests {", "#[cfg(all(test, unix))]"] {
        assert!(has_test(test), "{test}");
    }
    assert!(!has_test("#[derive(Debug)]\n// #[test]\n#[cfg(feature = \"test-util\")]\nlet text = \"[test]\";"));
}

#[test]
fn modules_are_found() {
    let text = "mod a;\n    pub mod r#b;\n#[path = \"d.rs\"]\npub(crate) mod c;\nmod e {\n// a mod f;\nuse g::mod_h;\n";
    let [a, b] = ["a", "b"].map(|name| Module::Named(name.to_owned()));
    assert_eq!(modules(text), [a, b, Module::At("d.rs".to_owned())]);
}
