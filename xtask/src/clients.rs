//! `cargo xtask clients`: runs the clients of docs/clients on programs that hang. They use only SPEC.md and schema/v1.

mod hard;
mod install;

use crate::demo::{BARBARA, DEADLOCK, Hung};
use crate::links;
use crate::process::{Result, read, root};
use insight_conformance::vectors;
use install::{Python, TypeScript};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Prints the state of the program at this address once.
type Once<'a> = &'a dyn Fn(SocketAddr) -> Result<String>;

const FOLDER: &str = "docs/clients";
const SCHEMA: &str = "schema/v1/accept.schema.json";
const README: &str = "docs/clients/README.md";
const TYPES: &str = "docs/clients/typescript/insight.ts";
const PYTHON_CLIENT: &str = "docs/clients/python/insight_client.py";
const PYTHON_CAN_END: &str = "docs/clients/python/can_end.py";
/// Each file of the Python client must have fewer lines: the documentation promises a small client.
const PYTHON_LINES: usize = 90;

/// Checks the clients, and their output on each program.
pub fn run() -> Result {
    let typescript = checked()?;
    let python = Python::install()?;
    for (client, once) in [("TypeScript", &(|at| typescript.once(at)) as Once), ("Python", &|at| python.once(at))] {
        hard::check(once).map_err(|error| format!("the {client} client: {error}"))?;
    }
    let questions = || vectors::questions().collect::<Vec<_>>().join("\n");
    for (client, answers) in [("TypeScript", typescript.vectors(questions())), ("Python", python.vectors(questions()))]
    {
        let of = |error: String| format!("the {client} client: {error}");
        let wrong = vectors::wrong_answers(&answers.map_err(of)?);
        if !wrong.is_empty() {
            return Err(of(format!("wrong answers to the vectors:\n{}", wrong.join("\n"))));
        }
    }
    for (story, facts) in [(BARBARA, barbara()?), (DEADLOCK, deadlock()?)] {
        let hung = Hung::start(story)?;
        for (client, text) in [("TypeScript", typescript.once(hung.insight)), ("Python", python.once(hung.insight))] {
            let of = |error: String| format!("the {client} client on {}: {error}", story.binary());
            let text = text.map_err(of)?;
            has_facts(&text, &facts).map_err(|error| of(format!("{error}but\n{text}")))?;
        }
    }
    Ok(())
}

/// Checks the clients without running them.
pub fn check() -> Result {
    checked().map(drop)
}

/// Writes the TypeScript types.
pub fn write() -> Result {
    let types = TypeScript::install()?.types()?;
    std::fs::write(root().join(TYPES), types).map_err(|error| format!("cannot write {TYPES}: {error}"))
}

fn checked() -> Result<TypeScript> {
    for path in [PYTHON_CLIENT, PYTHON_CAN_END] {
        few_lines(path, &read(Path::new(path))?)?;
    }
    readme()?;
    let typescript = TypeScript::install()?;
    if typescript.types()? != read(Path::new(TYPES))? {
        return Err(format!("{TYPES} does not match {SCHEMA}: run `cargo xtask clients --write`"));
    }
    typescript.compile()?;
    typescript.search()?;
    Ok(typescript)
}

/// Checks that the tutorial shows the present output of the clients, and that its links lead somewhere.
fn readme() -> Result {
    if let Some(finding) = links::findings(&[PathBuf::from(README)])?.first() {
        return Err(finding.clone());
    }
    let cases = vec![format!("0 wrong answers of {} cases\n", vectors::VECTORS.len())];
    let facts = [barbara()?, deadlock()?, cases].concat();
    has_facts(&read(Path::new(README))?, &facts).map_err(|error| format!("{README}: {error}"))
}

fn few_lines(path: &str, text: &str) -> Result {
    match text.lines().count() {
        few if few < PYTHON_LINES => Ok(()),
        many => Err(format!("{path} has {many} lines, and must have fewer than {PYTHON_LINES}")),
    }
}

/// The expected lines about the service whose endpoint does not answer: consecutive lines, without their ids.
fn barbara() -> Result<Vec<String>> {
    let send = place("examples/barbara.rs", "chan.send(value).await", "send")?;
    let recv = place("examples/barbara.rs", "warm_cache.recv().await", "recv")?;
    Ok(vec![
        format!(
            "task barbara::write_orders waits for channel prototype_channel\n  \
               waiting on channel capacity, at {send}\n  \
               could be freed by task barbara::read_orders (receiver)\n"
        ),
        // No task has used the sender yet, so any task may be its user.
        format!(
            "task barbara::read_orders waits for channel cache_is_warm\n  \
               waiting for a message, at {recv}\n  \
               could be freed by other code (1 sender)\n"
        ),
    ])
}

/// The expected lines about the crawler that waits for itself.
fn deadlock() -> Result<Vec<String>> {
    let send = place("examples/deadlock.rs", "queue.send(page * 3 + link).await", "send")?;
    Ok(vec![
        format!(
            "task deadlock::crawl waits for channel prototype_channel\n  \
               waiting on channel capacity, at {send}\n  \
               could be freed by task deadlock::crawl (receiver)\n"
        ),
        "problem hang, suspected deadlock: deadlock cycle: task (deadlock::crawl) waits for itself \
         through channel `prototype_channel`, unless the receiver of channel `prototype_channel` was given to other code after "
            .to_owned(),
    ])
}

/// `file:line:column` of `word` in the only line with `text`, as the compiler prints it.
fn place(file: &str, text: &str, word: &str) -> Result<String> {
    let source = read(Path::new(file))?;
    let mut lines = source.lines().enumerate().filter(|(_, line)| line.contains(text));
    let (Some((index, line)), None) = (lines.next(), lines.next()) else {
        return Err(format!("{file} has not exactly one line with `{text}`: correct xtask/src/clients.rs"));
    };
    // The search begins at `text`, since the line may have the same word before it.
    let start = line.find(text).expect("the line has the text");
    let column = line[start..].find(word).map(|offset| start + offset + 1);
    let column = column.ok_or_else(|| format!("`{text}` does not have `{word}`: correct xtask/src/clients.rs"))?;
    Ok(format!("{file}:{}:{column}", index + 1))
}

fn has_facts(output: &str, facts: &[String]) -> Result {
    // The awaits come a while after the wait.
    let lines = output.lines().filter(|line| !line.starts_with("  awaited at "));
    let bare = without_ids(&lines.collect::<Vec<_>>().join("\n"));
    match facts.iter().find(|fact| !bare.contains(fact.as_str())) {
        None => Ok(()),
        Some(fact) => Err(format!("it does not print\n{fact}")),
    }
}

/// Removes ids, since they depend on the order of events: `task 4 crawl` becomes `task crawl`, `problem 1:` becomes `problem`.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| !word.is_empty() && word.trim_end_matches(':').bytes().all(|byte| byte.is_ascii_digit());
    let mut bare = String::new();
    for line in text.lines() {
        let mut before = "";
        let indent = line.len() - line.trim_start().len();
        let mut words: Vec<&str> = Vec::new();
        for word in line[indent..].split(' ') {
            if !(is_id(word) && ["task", "channel", "join", "block_on", "problem"].contains(&before)) {
                words.push(word);
            }
            before = word;
        }
        bare.push_str(&format!("{}{}\n", &line[..indent], words.join(" ")));
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_client_is_small() {
        for path in [PYTHON_CLIENT, PYTHON_CAN_END] {
            few_lines(path, &read(Path::new(path)).unwrap()).unwrap();
        }
        assert_eq!(few_lines(PYTHON_CLIENT, &"\n".repeat(89)), Ok(()));
        assert_eq!(
            few_lines(PYTHON_CLIENT, &"\n".repeat(90)).unwrap_err(),
            "docs/clients/python/insight_client.py has 90 lines, and must have fewer than 90"
        );
    }

    #[test]
    fn tutorial_shows_the_present_output() {
        readme().unwrap();
    }

    #[test]
    fn missing_fact_is_an_error() {
        let output =
            "task 4 a::b waits for channel 12 c\n  waiting, at a.rs:1:2\nproblem 1: proven deadlock: task 4 (a)\n";
        let check =
            |fact: &str, expect: bool| assert_eq!(has_facts(output, &[fact.to_owned()]).is_ok(), expect, "{fact}");
        check("task a::b waits for channel c\n  waiting, at a.rs:1:2\n", true);
        check("task a::b waits for channel c\n  waiting, at a.rs:1:3\n", false);
        check("problem proven deadlock: task (a)\n", true);
        check("problem suspected deadlock: task (a)\n", false);
    }

    #[test]
    fn place_is_the_position_of_the_word() {
        assert_eq!(place("examples/deadlock.rs", "fn main()", "main").as_deref(), Ok("examples/deadlock.rs:6:10"));
        let twice = place("examples/deadlock.rs", "await", "await").unwrap_err();
        assert!(twice.starts_with("examples/deadlock.rs has not exactly one line with `await`"), "{twice}");
    }
}
