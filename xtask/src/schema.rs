//! `cargo xtask schema`: writes schema/v1 from the wire types of insight-protocol, with a manifest that fixes each file.

use crate::process::{Result, read, root};
use insight_protocol::examples::examples;
use insight_protocol::{encode, schema};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FOLDER: &str = "schema/v1";
const MANIFEST: &str = "manifest.json";

/// Writes the schemas, the generated examples, and the manifest.
pub fn write() -> Result {
    let released = released()?;
    for (name, text) in generated() {
        let path = Path::new(FOLDER).join(&name);
        if read(&path).ok().as_ref() == Some(&text) {
            continue;
        }
        if released {
            return Err(frozen(&name));
        }
        save(&path, &text)?;
    }
    let manifest = manifest(&files()?, released);
    if released && manifest != read(&Path::new(FOLDER).join(MANIFEST))? {
        return Err(frozen(MANIFEST));
    }
    save(&Path::new(FOLDER).join(MANIFEST), &manifest)
}

/// Compares schema/v1 with the types and with its manifest.
pub fn check() -> Result {
    let findings = findings()?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err("correct the schema that is named above".to_owned()),
        n => Err(format!("correct the {n} errors in schemas that are named above")),
    }
}

fn findings() -> Result<Vec<String>> {
    let files = files()?;
    let manifest: Value = serde_json::from_str(&read(&Path::new(FOLDER).join(MANIFEST))?)
        .map_err(|error| format!("{FOLDER}/{MANIFEST} is not JSON: {error}"))?;
    let mut findings = drift(&files, &manifest);
    for (name, text) in generated() {
        // `drift` reports a file that is not listed, or that was changed by hand.
        if files.get(&name).is_some_and(|file| *file != text) {
            findings.push(match released()? {
                true => frozen(&name),
                false => format!("{FOLDER}/{name} does not match the types: run `cargo xtask schema`"),
            });
        } else if !files.contains_key(&name) {
            findings.push(format!("{FOLDER}/{name} is missing: run `cargo xtask schema`"));
        }
    }
    Ok(findings)
}

/// The differences between the folder and its manifest.
fn drift(files: &BTreeMap<String, String>, manifest: &Value) -> Vec<String> {
    let listed = manifest["files"].as_object().cloned().unwrap_or_default();
    let advice = match manifest["released"].as_bool() {
        Some(false) => "run `cargo xtask schema`",
        _ => "restore it: the folder is released, and a change needs a new folder",
    };
    let mut findings = Vec::new();
    for (name, text) in files {
        match listed.get(name) {
            None => findings.push(format!("{FOLDER}/{name} is not in the manifest: {advice}")),
            Some(hash) if *hash != sha256(text) => {
                findings.push(format!("{FOLDER}/{name} differs from the manifest: {advice}"));
            }
            Some(_) => {}
        }
    }
    let gone = listed.keys().filter(|name| !files.contains_key(*name));
    findings.extend(gone.map(|name| format!("{FOLDER}/{name} is in the manifest and does not exist: {advice}")));
    findings
}

fn frozen(name: &str) -> String {
    format!("{FOLDER}/{name} is released, and the types have changed: give the next version its own folder")
}

/// The generated files, by their name in the folder.
fn generated() -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = [
        ("emit.schema.json", schema::emit()),
        ("accept.schema.json", schema::accept()),
        ("problems.schema.json", schema::problems()),
        ("trace.schema.json", schema::trace()),
        ("openapi.json", schema::openapi()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), pretty(&value)))
    .collect();
    for message in examples() {
        let file = files.entry(format!("examples/valid/{}.ndjson", message.type_name())).or_default();
        let seq = file.lines().count() as u64 + 1;
        file.push_str(&encode(seq, &message));
        file.push('\n');
    }
    files
}

fn manifest(files: &BTreeMap<String, String>, released: bool) -> String {
    let hashes: BTreeMap<&String, String> = files.iter().map(|(name, text)| (name, sha256(text))).collect();
    let protocol = insight_protocol::PROTOCOL_VERSION;
    let mut manifest = json!({ "protocol": protocol, "released": released, "hash": "sha256", "files": hashes });
    manifest.sort_all_objects();
    pretty(&manifest)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The hash of a text, in hexadecimal.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the folder is released. A folder without a manifest is not.
fn released() -> Result<bool> {
    let path = Path::new(FOLDER).join(MANIFEST);
    if !root().join(&path).exists() {
        return Ok(false);
    }
    let manifest: Value =
        serde_json::from_str(&read(&path)?).map_err(|error| format!("{} is not JSON: {error}", path.display()))?;
    manifest["released"].as_bool().ok_or_else(|| format!("{} has no `released`", path.display()))
}

/// The files of the folder without its manifest, by their name in it.
fn files() -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let path = root().join(FOLDER).join(&folder);
        let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
        for entry in std::fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = folder.join(entry.file_name());
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(name);
            } else if name != Path::new(MANIFEST) {
                let text = read(&Path::new(FOLDER).join(&name))?;
                files.insert(name.to_string_lossy().replace('\\', "/"), text);
            }
        }
    }
    Ok(files)
}

fn save(path: &Path, text: &str) -> Result {
    let failed = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
    let path = root().join(path);
    std::fs::create_dir_all(path.parent().expect("a file is in a folder")).map_err(failed)?;
    std::fs::write(path, text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_match_the_types_and_the_manifest() {
        assert_eq!(findings().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn changed_folder_is_reported() {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let original = BTreeMap::from([file("a.json", "{}"), file("b/c.json", "[]")]);
        let check = |files: &[(String, String)], released: bool, expect: &[&str]| {
            let manifest = serde_json::from_str(&manifest(&original, released)).unwrap();
            assert_eq!(drift(&files.iter().cloned().collect(), &manifest), expect);
        };
        check(&[file("a.json", "{}"), file("b/c.json", "[]")], true, &[]);
        check(
            &[file("a.json", "{ }"), file("d.json", "1")],
            false,
            &[
                "schema/v1/a.json differs from the manifest: run `cargo xtask schema`",
                "schema/v1/d.json is not in the manifest: run `cargo xtask schema`",
                "schema/v1/b/c.json is in the manifest and does not exist: run `cargo xtask schema`",
            ],
        );
        check(
            &[file("a.json", "{ }"), file("b/c.json", "[]")],
            true,
            &["schema/v1/a.json differs from the manifest: \
               restore it: the folder is released, and a change needs a new folder"],
        );
    }

    #[test]
    fn hash_is_sha_256() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
