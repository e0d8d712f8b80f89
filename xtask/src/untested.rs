//! Libraries and programs with `test = false` in Cargo.toml. Cargo then links no test binary for them, so they must not have
//! tests: nobody would run them.

use crate::process::{Result, cargo};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Checks that no source file of such a library or program has a test.
pub fn check() -> Result {
    let output = cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output();
    let output = output.map_err(|error| format!("cannot start cargo: {error}"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    for target in packages.flat_map(|package| package["targets"].as_array().into_iter().flatten()) {
        // Integration tests have `test` set.
        let (false, Some(source)) = (target["test"] == true, target["src_path"].as_str()) else { continue };
        if target["kind"][0] == "custom-build" {
            continue;
        }
        for file in files(Path::new(source))? {
            if has_test(&read(&file)?) {
                let name = target["name"].as_str().unwrap_or_default();
                return Err(format!(
                    "{}: remove `test = false` of {name} in Cargo.toml, which has a test",
                    file.display()
                ));
            }
        }
    }
    Ok(())
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
    let mut files = vec![first.to_owned()];
    let mut next = 0;
    while let Some(file) = files.get(next).cloned() {
        // The modules of `a.rs` are in `a`; those of `mod.rs`, and of the first file, are beside it.
        let folder = match next == 0 || file.ends_with("mod.rs") {
            true => file.with_file_name(""),
            false => file.with_extension(""),
        };
        for module in modules(&read(&file)?) {
            let places = match &module {
                Module::Named(name) => vec![folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")],
                Module::At(path) => vec![file.with_file_name(path)],
            };
            let found = places.into_iter().find(|place| place.is_file());
            files.push(found.ok_or_else(|| format!("{}: cannot find the file of {module:?}", file.display()))?);
        }
        next += 1;
    }
    Ok(files)
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
                modules.push(path.take().map_or_else(|| Module::Named(name.to_owned()), Module::At));
            }
            _ => path = line.strip_prefix("#[path = \"").and_then(|path| path.strip_suffix("\"]")).map(str::to_owned),
        }
    }
    modules
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found() {
        for test in ["#[test]\nfn a() {", "    #[tokio::test]", "#[cfg(test)]\nmod tests {", "#[cfg(all(test, unix))]"]
        {
            assert!(has_test(test), "{test}");
        }
        assert!(!has_test("#[derive(Debug)]\n// #[test]\n#[cfg(feature = \"test-util\")]\nlet text = \"[test]\";"));
    }

    #[test]
    fn modules_are_found() {
        let text =
            "mod a;\n    pub mod b;\n#[path = \"d.rs\"]\npub(crate) mod c;\nmod e {\n// a mod f;\nuse g::mod_h;\n";
        let [a, b] = ["a", "b"].map(|name| Module::Named(name.to_owned()));
        assert_eq!(modules(text), [a, b, Module::At("d.rs".to_owned())]);
    }
}
