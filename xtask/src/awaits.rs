//! `cargo xtask awaits`: plain programs under `cargo insight`. Each of their waits must have its own line and its function.
//!
//! The sources mark these lines: ``// `shop::order` awaits `deadpool::managed::Pool::get` in 8 tasks``. No client requests a
//! trace: insight captures the awaits while the check reads the stream.

use crate::process::{Result, read, root, target};
use crate::program::{Profile, Program, START, build, stream};
use insight_model::{Leaf, Lines, Model};
use insight_protocol::{Decoded, Message, decode};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The package of the programs. It has a Cargo.lock of its own.
const FOLDER: &str = "conformance/awaits";
const PROGRAMS: [&str; 2] = ["shop", "waits"];
/// Maximum time until all waits are named, on a machine that does nothing else.
const SOON: Duration = Duration::from_secs(3);
/// The same on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs each program until all of its waits are named.
pub fn run() -> Result {
    let insight = build("cargo-insight", "cargo-insight", Profile::Dev)?;
    let binaries = build_programs(&insight)?;
    let mut wrong = Vec::new();
    for (name, binary) in PROGRAMS.into_iter().zip(&binaries) {
        let source = format!("{FOLDER}/src/bin/{name}.rs");
        let marks = marks(&read(Path::new(&source))?, &format!("src/bin/{name}.rs"))?;
        match one(name, binary, &marks)? {
            Named::All(took) => {
                let late = if took > SOON { ", which is late" } else { "" };
                println!("xtask: {name}: {} waits are named after {:.1} s{late}", marks.len(), took.as_secs_f64());
            }
            Named::Without(missing) => wrong.extend(missing.into_iter().map(|it| format!("{name}: {it}"))),
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("{} waits are not named:\n  {}", wrong.len(), wrong.join("\n  "))),
    }
}

fn build_programs(insight: &Path) -> Result<Vec<PathBuf>> {
    let folder = target().join("awaits");
    let status = Command::new(insight)
        .args(["insight", "build", "--locked", "--bins"])
        .current_dir(root().join(FOLDER))
        .env("CARGO_TARGET_DIR", &folder)
        .stderr(Stdio::inherit())
        .status()
        .map_err(|error| format!("cannot start {}: {error}", insight.display()))?;
    if !status.success() {
        return Err(format!("`cargo insight build` in {FOLDER} ended with {status}"));
    }
    Ok(PROGRAMS.iter().map(|name| folder.join("insight/debug").join(name)).collect())
}

/// The result of one program.
enum Named {
    /// All waits are named after this time.
    All(Duration),
    /// A text for each missing wait.
    Without(Vec<String>),
}

/// Reads the stream of a program until all marked waits are named.
fn one(name: &'static str, binary: &Path, marks: &[Mark]) -> Result<Named> {
    let mut command = Command::new(binary);
    command.env("INSIGHT_LISTEN", "127.0.0.1:0").current_dir(root().join(FOLDER));
    let mut program = Program::spawn(name, command)?;
    let insight = program.listens("insight: listening on http://", START)?;
    let start = Instant::now();
    let mut model = Model::default();
    for line in stream(insight)? {
        let Ok(Decoded::Message { message, .. }) = decode(&line?) else { continue };
        model.apply(&message);
        if !matches!(message, Message::StreamHeartbeat(_) | Message::TaskAwaits(_) | Message::SnapshotEnd(_)) {
            continue;
        }
        let seen = waits(&model);
        if marks.iter().all(|mark| mark.is_met(&seen)) {
            return Ok(Named::All(start.elapsed()));
        }
        if start.elapsed() > PATIENCE {
            let missing = marks.iter().filter(|mark| !mark.is_met(&seen)).map(|mark| mark.missing(&seen));
            return Ok(Named::Without(missing.collect()));
        }
    }
    Err(format!("{name} ended: {}", program.last_words()))
}

/// A wait in the words of consolation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wait {
    line: String,
    function: String,
    awaited: Option<String>,
}

/// A line of a program in which tasks wait.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    wait: Wait,
    tasks: usize,
}

impl Mark {
    fn is_met(&self, waits: &[Wait]) -> bool {
        waits.iter().filter(|wait| **wait == self.wait).count() == self.tasks
    }

    fn missing(&self, waits: &[Wait]) -> String {
        let same = waits.iter().filter(|wait| **wait == self.wait).count();
        let others = waits.iter().filter(|wait| wait.line == self.wait.line || wait.function == self.wait.function);
        let others: Vec<String> = others.filter(|wait| **wait != self.wait).map(|wait| format!("{wait:?}")).collect();
        format!("{:?} has {same} tasks instead of {}; similar waits: {}", self.wait, self.tasks, others.join(", "))
    }
}

/// The marks in the source of a program.
fn marks(source: &str, file: &str) -> Result<Vec<Mark>> {
    let mut marks = Vec::new();
    for (number, line) in (1..).zip(source.lines()) {
        let Some((_, mark)) = line.split_once("// `") else { continue };
        let parsed = parse(mark, format!("{file}:{number}"));
        marks.push(parsed.ok_or(format!("{file}:{number}: `{mark}` is not a mark"))?);
    }
    Ok(marks)
}

/// The mark after its first backtick.
fn parse(mark: &str, line: String) -> Option<Mark> {
    let (function, rest) = mark.split_once('`')?;
    let (awaited, rest) = rest.strip_prefix(" awaits `")?.split_once('`')?;
    let tasks = match rest {
        "" => 1,
        _ => rest.strip_prefix(" in ")?.strip_suffix(" tasks")?.parse().ok()?,
    };
    Some(Mark { wait: Wait { line, function: function.to_owned(), awaited: Some(awaited.to_owned()) }, tasks })
}

/// The waits of all tasks.
fn waits(model: &Model) -> Vec<Wait> {
    let wait = |lines: Lines<'_>, leaf: Option<&Leaf>| Wait {
        line: lines.first.map_or_else(String::new, |first| format!("{}:{}", first.place.file, first.place.line)),
        function: lines.function.unwrap_or_default().to_owned(),
        awaited: leaf.and_then(|leaf| leaf.function.as_deref()).map(str::to_owned),
    };
    let edges = model.edges.values().filter(|edge| edge.body.kind() == "wait");
    let open = edges.map(|edge| wait(model.lines_of_wait(edge), model.await_of(edge)));
    let others = model.tasks.keys().flat_map(|id| model.other_awaits(id).map(move |leaf| (id, leaf)));
    open.chain(others.map(|(id, leaf)| wait(model.lines_of_await(id, leaf), Some(leaf)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_from_the_source() {
        let check = |source: &str, expect: std::result::Result<&str, &str>| {
            let marks = marks(source, "a.rs");
            let words = |mark: &Mark| {
                let Mark { wait: Wait { line, function, awaited }, tasks } = mark;
                format!("{line} {function} {} {tasks}", awaited.as_deref().unwrap_or("-"))
            };
            let actual = marks.map(|marks| marks.iter().map(words).collect::<Vec<_>>().join("; "));
            assert_eq!(actual.as_deref().map_err(String::as_str), expect);
        };
        check("// no mark\nget(); // `a::b` awaits `c::D::e` in 8 tasks\n", Ok("a.rs:2 a::b c::D::e 8"));
        check("x; // `a::b` awaits `c`\ny; // `<D as E>::f` awaits `D`", Ok("a.rs:1 a::b c 1; a.rs:2 <D as E>::f D 1"));
        check("x; // `a::b` sleeps", Err("a.rs:1: `a::b` sleeps` is not a mark"));
        check("x; // `a::b` awaits `c` in a tasks", Err("a.rs:1: `a::b` awaits `c` in a tasks` is not a mark"));
    }
}
