//! `cargo xtask archive`: the sources that `cargo insight` compiles into programs, as one file in its package.
//!
//! The archive is a separate workspace: the crates without their tests, a manifest, and this workspace's lock file. It is
//! not compressed, so that git keeps only the difference between two versions.

use crate::process::{Result, read, root};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use tar::{Builder, Header};

/// The path of the archive.
const ARCHIVE: &str = "cargo-insight/sources.tar";

/// The crates that are built once, before the program. Facades must not implement traits of other crates for their types:
/// the program's own copy of such a crate is another crate.
const BUILT: [(&str, &str); 5] = [
    ("insight-protocol", "insight-protocol"),
    ("insight-table", "insight-table"),
    ("insight-model", "insight-model"),
    ("insight-probe", "adapters/probe"),
    ("wish4-async-insight", "reference-server"),
];

/// The facades, which are compiled over the program's own runtimes.
const FACADES: [&str; 10] = [
    "adapters/sync",
    "adapters/futures-channel",
    "adapters/event-listener",
    "adapters/flume",
    "adapters/want",
    "adapters/tokio",
    "adapters/task",
    "adapters/executor",
    "adapters/smol",
    "adapters/async-std",
];

/// Writes the archive.
pub fn write() -> Result {
    let path = root().join(ARCHIVE);
    fs::write(&path, archive()?).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Compares the archive with the present sources.
pub fn check() -> Result {
    let path = root().join(ARCHIVE);
    let there = fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    match there == archive()? {
        true => Ok(()),
        false => Err(format!("{ARCHIVE} does not have the present sources: run `cargo xtask archive`")),
    }
}

fn archive() -> Result<Vec<u8>> {
    let mut files: Vec<(PathBuf, Vec<u8>)> = vec![
        ("Cargo.toml".into(), manifest()?.into_bytes()),
        ("bundle/Cargo.toml".into(), bundle().into_bytes()),
        ("bundle/src/lib.rs".into(), b"//! insight's own crates, so that one build has them all.\n".to_vec()),
    ];
    let mut needed = BTreeSet::new();
    for (_, folder) in BUILT {
        let text = without_tests(&read(&Path::new(folder).join("Cargo.toml"))?);
        needed.extend(dependencies(&text));
        files.push((Path::new(folder).join("Cargo.toml"), text.into_bytes()));
    }
    files.push(("Cargo.lock".into(), lock(&read(Path::new("Cargo.lock"))?, &needed).into_bytes()));
    let folders = BUILT.iter().map(|(_, folder)| *folder).chain(FACADES);
    for folder in folders {
        add(&Path::new(folder).join("src"), &mut files)?;
    }
    add(Path::new("reference-server/docs"), &mut files)?;
    files.sort();
    let mut builder = Builder::new(Vec::new());
    for (path, text) in &files {
        let mut header = Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        let failed = |error| format!("cannot archive {}: {error}", path.display());
        builder.append_data(&mut header, path, text.as_slice()).map_err(failed)?;
    }
    builder.into_inner().map_err(|error| format!("cannot make the archive: {error}"))
}

/// Adds the files below a folder of the repository.
fn add(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) -> Result {
    let failed = |error| format!("cannot read {}: {error}", folder.display());
    for entry in fs::read_dir(root().join(folder)).map_err(failed)? {
        let path = folder.join(entry.map_err(failed)?.file_name());
        if root().join(&path).is_dir() {
            add(&path, files)?;
        } else {
            files.push((path.clone(), fs::read(root().join(&path)).map_err(failed)?));
        }
    }
    Ok(())
}

/// The manifest of the archive's workspace: the keys that its crates inherit, and a profile.
fn manifest() -> Result<String> {
    let own = read(Path::new("Cargo.toml"))?;
    let section = |name: &str| {
        let text = own.split_once(&format!("\n[{name}]\n")).map_or("", |(_, rest)| rest);
        text.split("\n[").next().unwrap_or_default().trim_end().to_owned()
    };
    let mut text =
        String::from("# Made by `cargo xtask archive`.\n\n[workspace]\nresolver = \"2\"\nmembers = [\"bundle\"]\n");
    for name in ["workspace.package", "workspace.lints.rust", "workspace.lints.clippy"] {
        let _ = write!(text, "\n[{name}]\n{}\n", section(name));
    }
    text.push_str("\n[workspace.dependencies]\n");
    let dependencies = section("workspace.dependencies");
    let is_there = |line: &&str| {
        let path = line.split_once("path = \"").and_then(|(_, rest)| rest.split('"').next());
        path.is_none_or(|path| BUILT.iter().any(|(_, folder)| *folder == path))
    };
    for line in dependencies.lines().filter(is_there) {
        let _ = writeln!(text, "{line}");
    }
    // No other profile has this number of codegen units. Cargo's file names contain a hash of the profile, and these files
    // are in the same folder as the program's. The user's configuration may change the profile `release` of all workspaces.
    text.push_str(
        "\n[profile.insight]\ninherits = \"release\"\nopt-level = 3\ndebug = \"line-tables-only\"\nstrip = \"none\"\n\
         debug-assertions = false\noverflow-checks = false\nlto = false\npanic = \"unwind\"\nincremental = false\n\
         codegen-units = 13\nrpath = false\n\n\
         [profile.insight.build-override]\nopt-level = 0\ncodegen-units = 13\ndebug = false\n",
    );
    Ok(text)
}

fn bundle() -> String {
    let mut text = String::from(
        "[package]\nname = \"insight-bundle\"\nversion = \"0.0.0\"\nedition = \"2021\"\npublish = false\n\n[dependencies]\n",
    );
    for (name, folder) in BUILT {
        let _ = writeln!(text, "{name} = {{ path = \"../{folder}\" }}");
    }
    text
}

/// Removes the sections of tests and benchmarks from a manifest.
fn without_tests(manifest: &str) -> String {
    let mut keep = true;
    let mut text = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            keep = !line.contains("dev-dependencies") && !line.starts_with("[[");
        }
        if keep {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// The lock file with only the packages that these dependencies need. Cargo adds the archive's own packages again.
fn lock(text: &str, dependencies: &BTreeSet<String>) -> String {
    let mut packages = text.split("\n[[package]]\n");
    let head = packages.next().unwrap_or_default().to_owned();
    let packages: Vec<&str> = packages.filter(|package| package.contains("\nsource = ")).collect();
    let field = |package: &str, name: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    // A dependency is a name, or a name and a version if there are several.
    let mut needed: BTreeSet<usize> = BTreeSet::new();
    let mut next: Vec<String> = dependencies.iter().cloned().collect();
    while let Some(dependency) = next.pop() {
        for (index, package) in packages.iter().enumerate() {
            let name = field(package, "name");
            if (dependency == name || dependency == format!("{name} {}", field(package, "version")))
                && needed.insert(index)
            {
                let words = package.lines().filter_map(|line| line.strip_prefix(" \"")?.strip_suffix("\","));
                next.extend(words.map(str::to_owned));
            }
        }
    }
    let needed = needed.iter().map(|index| format!("\n[[package]]\n{}", packages[*index]));
    std::iter::once(head).chain(needed).collect()
}

/// The names in the dependency sections of a manifest.
fn dependencies(manifest: &str) -> impl Iterator<Item = String> {
    let sections = manifest
        .split("\n[")
        .filter(|section| section.lines().next().is_some_and(|head| head.ends_with("dependencies]")));
    let names = sections.flat_map(|section| section.lines().skip(1)).filter(|line| !line.starts_with('#'));
    names.filter_map(|line| Some(line.split_once('=')?.0.trim().trim_end_matches(".workspace").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_have_no_tests() {
        let text = "[package]\nname = \"a\"\n\n[dependencies]\nb = \"1\"\n\n[dev-dependencies]\nc = \"1\"\n\n[[bench]]\nname = \"d\"\n\n\
                    [target.'cfg(loom)'.dev-dependencies]\nloom = \"1\"\n\n[lints]\nworkspace = true\n";
        assert_eq!(
            without_tests(text),
            "[package]\nname = \"a\"\n\n[dependencies]\nb = \"1\"\n\n[lints]\nworkspace = true\n"
        );
    }

    #[test]
    fn lock_file_keeps_the_needed_packages() {
        let package = |name: &str, version: &str, rest: &str| {
            format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{rest}")
        };
        let source = "source = \"registry\"\n";
        let (a, b) = (
            package("a", "1.0.0", &format!("{source}dependencies = [\n \"b 2.0.0\",\n]\n")),
            package("b", "2.0.0", source),
        );
        let text = ["version = 4\n", &a, &package("b", "1.0.0", source), &b, &package("own", "0.1.0", "")].concat();
        let manifest =
            "[package]\nname = \"own\"\n\n[dependencies]\n# Why.\na.workspace = true\nown = { path = \"..\" }\n";
        let needed: BTreeSet<String> = dependencies(manifest).collect();
        assert_eq!(lock(&text, &needed), ["version = 4\n", &a, &b].concat());
    }
}
