//! The expected findings of each program: `expected.json`, and the marked lines in its source.

use super::{FOLDER, RUNTIMES};
use crate::process::{Result, read, root};
use insight_protocol::Problem;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

/// Marks a line of a program's source in which a task waits for ever. On a line of its own, it marks the next line. With more
/// words after it, it is an ordinary comment.
const MARK: &str = "// waits here";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It hangs or is unhealthy, and must be reported.
    Hang,
    /// It waits for long, until code that no tool can see ends the wait. It must be reported as suspected, with that way out.
    Waits,
    /// Nothing may be reported.
    Healthy,
    /// It hangs, but the observed facts cannot show it. Nothing may be reported.
    Unclaimed,
}

/// The expected findings of one program.
pub struct Expectation {
    pub program: String,
    pub runtime: String,
    pub verdict: Verdict,
    problems: BTreeSet<Expected>,
    /// Words that the unknowns and the ways out of its problems must have.
    pub unknowns: Vec<String>,
}

/// The compared parts of a problem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    kind: String,
    tier: String,
    tasks: Vec<String>,
    resources: Vec<String>,
    /// The lines of the waits among its edges.
    lines: BTreeSet<u32>,
}

impl Expectation {
    /// The runtime and the name. Another runtime may have a program of the same name.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.runtime, self.program)
    }

    pub fn expected_in_words(&self) -> String {
        match self.verdict {
            Verdict::Healthy | Verdict::Unclaimed => "nothing".to_owned(),
            Verdict::Hang | Verdict::Waits => super::in_words(&self.problems),
        }
    }

    /// The kinds of its problems.
    #[cfg(test)]
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.problems.iter().map(|problem| problem.kind.as_str())
    }

    /// Whether exactly these problems are expected.
    pub fn is_met(&self, problems: &BTreeSet<Expected>) -> bool {
        self.problems == *problems
    }

    /// Whether finding its problems takes longer than finding a deadlock.
    pub fn is_slow(&self) -> bool {
        self.problems.iter().any(|problem| problem.lines.is_empty())
    }
}

impl Expected {
    /// The compared parts of a problem: names without the path of the program, and no ids.
    pub fn of(problem: &Problem, program: &str) -> Expected {
        let module = format!("{program}::");
        let short = |name: &Option<String>| {
            let name = name.as_deref().unwrap_or("(no name)");
            name.split_once(&module).map_or(name, |(_, name)| name).to_owned()
        };
        let mut tasks: Vec<String> = problem.tasks.iter().map(|task| short(&task.name)).collect();
        let mut resources: Vec<String> = problem.resources.iter().map(|resource| short(&resource.name)).collect();
        tasks.sort();
        resources.sort();
        let waits = problem.edges.iter().filter(|edge| edge.kind == "wait");
        let lines = waits.filter_map(|edge| Some(edge.location.as_ref()?.line)).collect();
        let kind = problem.kind.as_str().to_owned();
        Expected { kind, tier: problem.tier.as_str().to_owned(), tasks, resources, lines }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} {}", self.tier, self.kind)?;
        if !self.tasks.is_empty() {
            write!(f, " of {}", self.tasks.join(", "))?;
        }
        if !self.resources.is_empty() {
            write!(f, " through {}", self.resources.join(", "))?;
        }
        if !self.lines.is_empty() {
            let lines: Vec<String> = self.lines.iter().map(u32::to_string).collect();
            write!(f, " at {}", lines.join(", "))?;
        }
        Ok(())
    }
}

/// The corpus, in the order of its data. Fails if the data and the programs do not match.
pub fn expectations() -> Result<Vec<Expectation>> {
    let path = format!("{FOLDER}/expected.json");
    let text = read(Path::new(&path))?;
    let data: Vec<Value> = serde_json::from_str(&text).map_err(|error| format!("{path}: {error}"))?;
    let all: Vec<Expectation> =
        data.iter().map(expectation).collect::<Result<_>>().map_err(|error| format!("{path}: {error}"))?;
    let mut without: BTreeSet<String> = programs()?;
    for case in &all {
        let name = case.full_name();
        if !without.remove(&name) {
            return Err(format!("{path} has `{name}` twice, or there is no such program"));
        }
    }
    match without.pop_first() {
        None => Ok(all),
        Some(name) => Err(format!("{path} has no entry for `{name}`")),
    }
}

/// The names of all programs, by their files.
fn programs() -> Result<BTreeSet<String>> {
    let mut programs = BTreeSet::new();
    for (runtime, _) in RUNTIMES {
        let folder = root().join(FOLDER).join("programs").join(runtime);
        let files = std::fs::read_dir(&folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
        for file in files.filter_map(std::result::Result::ok) {
            let name = file.file_name().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(".rs").filter(|name| *name != "main") {
                programs.insert(format!("{runtime}/{name}"));
            }
        }
    }
    Ok(programs)
}

fn expectation(data: &Value) -> Result<Expectation> {
    let program = text(data, "program")?;
    let runtime = text(data, "runtime")?;
    let problems = data["problems"].as_array().map_or(&[][..], Vec::as_slice);
    let verdict = match (data["verdict"].as_str(), problems) {
        (Some("hang"), [_, ..]) => Verdict::Hang,
        (Some("waits"), [_, ..]) if problems.iter().all(|problem| problem["tier"] == "suspected") => Verdict::Waits,
        (Some("healthy"), []) => Verdict::Healthy,
        (Some("unclaimed"), []) => Verdict::Unclaimed,
        _ => {
            return Err(format!(
                "{program}: `verdict` is hang with problems, waits with suspected ones, or healthy or unclaimed without any"
            ));
        }
    };
    let source = read(Path::new(&format!("{FOLDER}/programs/{runtime}/{program}.rs")))?;
    let lines = marked(&source);
    if problems.len() != 1 && !lines.is_empty() {
        return Err(format!("{program}: lines are marked `{MARK}`, so it must have exactly one problem"));
    }
    let mut unknowns = Vec::new();
    let mut expected = BTreeSet::new();
    for problem in problems {
        let tier = text(problem, "tier")?;
        let named = texts(problem, "unknowns");
        if (tier == "suspected") == named.is_empty() {
            return Err(format!("{program}: a suspected problem must have `unknowns`, and a proven one must not"));
        }
        unknowns.extend(named);
        expected.insert(Expected {
            kind: text(problem, "kind")?,
            tier,
            tasks: texts(problem, "tasks"),
            resources: texts(problem, "resources"),
            lines: lines.clone(),
        });
    }
    Ok(Expectation { program, runtime, verdict, problems: expected, unknowns })
}

fn text(data: &Value, key: &str) -> Result<String> {
    data[key].as_str().map(str::to_owned).ok_or_else(|| format!("`{key}` is missing in {data}"))
}

fn texts(data: &Value, key: &str) -> Vec<String> {
    let texts = data[key].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut texts: Vec<String> = texts.map(str::to_owned).collect();
    texts.sort();
    texts
}

/// The numbers of the marked lines.
fn marked(source: &str) -> BTreeSet<u32> {
    let mut marked = BTreeSet::new();
    for (line, number) in source.lines().zip(1..) {
        match line.trim().strip_suffix(MARK) {
            Some("") => _ = marked.insert(number + 1),
            Some(_) => _ = marked.insert(number),
            None => {}
        }
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_is_for_its_line_or_the_next_one() {
        assert_eq!(marked("a\nb.await; // waits here\n  // waits here\nc.await\n// waits here, too\n"), [2, 4].into());
    }

    #[test]
    fn contradictory_data_is_an_error() {
        let check = |verdict: &str, problems: &str, expect: &str| {
            let data = format!(
                r#"{{"program":"lock_twice","runtime":"tokio","verdict":"{verdict}","problems":[{problems}]}}"#
            );
            let error = expectation(&serde_json::from_str(&data).unwrap()).err();
            assert_eq!(error.as_deref(), Some(expect), "{data}");
        };
        let problem = |tier: &str| format!(r#"{{"kind":"self_deadlock","tier":"{tier}"}}"#);
        check(
            "healthy",
            &problem("proven"),
            "lock_twice: `verdict` is hang with problems, waits with suspected ones, or healthy or unclaimed without any",
        );
        check(
            "hang",
            &problem("suspected"),
            "lock_twice: a suspected problem must have `unknowns`, and a proven one must not",
        );
        check("healthy", "", "lock_twice: lines are marked `// waits here`, so it must have exactly one problem");
    }
}
