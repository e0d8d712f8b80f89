//! `cargo xtask english`: counts patterns of speech that make our text hard to read.
//!
//! The texts are the comments and string literals of each crate, and the prose of each document. Code, in a string or between
//! backquotes, is not prose. A text may have each pattern once per 1,000 words, and once if it is shorter. A text that was
//! above this limit is in `english/above.txt` with its count, and that count may only fall.

mod prose;

use crate::process::{Result, cargo, root};
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A pattern, its regular expression for one sentence, and the advice in an error.
struct Pattern {
    name: &'static str,
    expression: &'static str,
    /// Whether a question may have it.
    in_questions: bool,
    advice: &'static str,
}

const PATTERNS: [Pattern; 6] = [
    Pattern {
        name: "what",
        expression: r"(?i)\bwhat(ever)?\b",
        in_questions: true,
        advice: "give the thing a noun: \"observed facts\", not \"what is seen\"",
    },
    Pattern {
        name: "who",
        expression: r"(?i)\b(who|whom|whoever|somebody|anybody|nobody)\b",
        in_questions: true,
        advice: "\"who\" is for people: \"the waiting task\", not \"who waits\"",
    },
    Pattern {
        name: "told",
        expression: r"(?i)\b(told|tells?|said)\b",
        in_questions: false,
        advice: "a program sends, reports, prints or names",
    },
    Pattern {
        name: "inverted",
        expression: r"^(Of|For (how|which|what)|By (what|which)|Since (when|what)|So many|From when|With what|In what|To what)\b",
        in_questions: true,
        advice: "begin with the subject",
    },
    Pattern {
        name: "pointer",
        expression: r"(?i)\b(of which|of whom|of whose|that one|those that|these that|by whom|that which)\b",
        in_questions: false,
        advice: "write two sentences, a possessive, or the noun again",
    },
    Pattern {
        name: "vocabulary",
        expression: r"(?i)\b(anew|mostly|in the mean|go(es)? on|went on|going on|can free|can be freed|pictures?|not known|(not|is|are|was|were|be) seen|nowhere|thereof|such a one)\b",
        in_questions: false,
        advice: "use the words of the project: another, usually, on average, make progress, can unblock, snapshot, unknown, observed",
    },
];

/// Counts of one text.
#[derive(Default)]
struct Counted {
    words: usize,
    /// For each pattern: where it is (`file:line`), and the sentence.
    found: [Vec<(String, String)>; PATTERNS.len()],
}

impl Counted {
    /// Maximum number of each pattern.
    fn limit(&self) -> usize {
        (self.words / 1000).max(1)
    }
}

/// Prints a table of all texts, or, for each text that is named, the sentences with a pattern.
pub fn run(names: &[&str]) -> Result {
    let texts = count()?;
    if names.is_empty() {
        print!("{}", table(&texts));
        return Ok(());
    }
    for name in names {
        let counted = texts.get(*name).ok_or(format!("no crate and no document has the name {name}"))?;
        for (pattern, found) in PATTERNS.iter().zip(&counted.found) {
            println!("{}: {} in {} words: {}", pattern.name, found.len(), counted.words, pattern.advice);
            for (place, sentence) in found {
                println!("  {place}: {sentence}");
            }
        }
    }
    Ok(())
}

/// Whether each text is within the limit, or has at most the count that `above.txt` allows.
pub fn check() -> Result {
    let mut errors = String::new();
    let above = above();
    for (name, counted) in &count()? {
        for (pattern, found) in PATTERNS.iter().zip(&counted.found) {
            let allowed = above.get(&(name.as_str(), pattern.name)).copied().unwrap_or(0).max(counted.limit());
            if found.len() > allowed {
                let (count, words) = (found.len(), counted.words);
                let _ = writeln!(
                    errors,
                    "  {name}: {count} of \"{}\" in {words} words, at most {allowed}: {}",
                    pattern.name, pattern.advice
                );
            }
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(format!("hard to read; `cargo xtask english NAME` lists the sentences:\n{errors}"))
}

/// Writes `above.txt` with the present counts.
pub fn write() -> Result {
    let mut text = String::new();
    for (name, counted) in &count()? {
        for (pattern, found) in PATTERNS.iter().zip(&counted.found) {
            if found.len() > counted.limit() {
                let _ = writeln!(text, "{name} {} {}", pattern.name, found.len());
            }
        }
    }
    let path = root().join("xtask/src/english/above.txt");
    std::fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// The counts of `above.txt`, by text and pattern. A line is `TEXT PATTERN COUNT`.
fn above() -> BTreeMap<(&'static str, &'static str), usize> {
    let entry = |line: &'static str| {
        let mut words = line.split(' ');
        Some(((words.next()?, words.next()?), words.next()?.parse().ok()?))
    };
    include_str!("english/above.txt").lines().filter_map(entry).collect()
}

/// All texts: the crates by their names, and the documents by their paths.
fn count() -> Result<BTreeMap<String, Counted>> {
    let patterns: Vec<Regex> =
        PATTERNS.iter().map(|pattern| Regex::new(pattern.expression).expect("a constant expression")).collect();
    let mut texts: BTreeMap<String, Counted> = BTreeMap::new();
    let folders = crates()?;
    for path in tracked()? {
        let owner =
            folders.iter().filter(|(folder, _)| path.starts_with(folder)).max_by_key(|(folder, _)| folder.len());
        let (name, paragraphs) = match Path::new(&path).extension().and_then(|it| it.to_str()) {
            Some("rs") => match owner {
                Some((_, name)) => (name.clone(), prose::of_rust(&source(&path)?)),
                None => continue,
            },
            Some("md") => (path.clone(), prose::of_markdown(&source(&path)?)),
            _ => continue,
        };
        let counted = texts.entry(name).or_default();
        for (line, paragraph) in paragraphs {
            for sentence in prose::sentences(&paragraph) {
                counted.words += sentence.split_whitespace().count();
                let question = sentence.ends_with('?');
                for ((pattern, regex), found) in PATTERNS.iter().zip(&patterns).zip(&mut counted.found) {
                    if question && pattern.in_questions {
                        continue;
                    }
                    let place = || (format!("{path}:{line}"), sentence.to_owned());
                    found.extend(regex.find_iter(sentence).map(|_| place()));
                }
            }
        }
    }
    texts.retain(|_, counted| counted.words > 0);
    Ok(texts)
}

fn source(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).map_err(|error| format!("cannot read {path}: {error}"))
}

/// The folder, with a `/` at its end, and the name of each crate.
fn crates() -> Result<Vec<(String, String)>> {
    let output = cargo().args(["metadata", "--format-version", "1", "--no-deps"]).output();
    let output = output.map_err(|error| format!("cannot start cargo: {error}"))?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("`cargo metadata` is not JSON: {error}"))?;
    let folder = |package: &Value| {
        let manifest = PathBuf::from(package["manifest_path"].as_str()?);
        let folder = manifest.parent()?.strip_prefix(root()).ok()?.to_str()?.to_owned();
        Some((folder + "/", package["name"].as_str()?.to_owned()))
    };
    let mut crates: Vec<_> = metadata["packages"].as_array().into_iter().flatten().filter_map(folder).collect();
    crates.push(("fuzz/".to_owned(), "insight-fuzz".to_owned()));
    Ok(crates)
}

/// The files that git tracks or would add.
fn tracked() -> Result<Vec<String>> {
    let mut command = std::process::Command::new("git");
    command.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let output = command.output().map_err(|error| format!("cannot start git: {error}"))?;
    let exists = |path: &&str| root().join(path).is_file();
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter(exists).map(str::to_owned).collect())
}

fn table(texts: &BTreeMap<String, Counted>) -> String {
    let width = texts.keys().map(String::len).max().unwrap_or(0);
    let mut text = format!("{:width$} {:>8}", "per 1,000 words", "words");
    for pattern in &PATTERNS {
        let _ = write!(text, " {:>10}", pattern.name);
    }
    text.push('\n');
    for (name, counted) in texts {
        let _ = write!(text, "{name:width$} {:>8}", counted.words);
        for found in &counted.found {
            let mark = if found.len() > counted.limit() { '*' } else { ' ' };
            #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 words")]
            let rate = found.len() as f64 * 1000.0 / counted.words as f64;
            let _ = write!(text, " {rate:>9.1}{mark}");
        }
        text.push('\n');
    }
    text
}
