//! A program that does not run where it was built, or whose source was edited since.

use crate::files::{Folder, line, place, root};
use crate::program::{DEADLOCK, Program, command};
use crate::screen::{ENTER, Screen};
use crate::stream::{self, Stream, snapshot};
use insight_protocol::{Operation, SourceLine, SourceStatus};
use std::fs;
use std::process::Command;

const FILE: &str = "examples/deadlock.rs";
const SEND: &str = "queue.send(page * 3 + link).await";

/// What the snapshot has of the source line at which the task stands; file and line are right in any case.
fn source_of_the_await(program: &Program) -> SourceLine {
    let insight = program.insight();
    let is_there = Stream::attach(&insight);
    is_there.until("the wait", |seen| stream::wait(&seen.model, "crawl", &Operation::Send).map(|_| ()));
    let model = snapshot(&insight);
    let wait = stream::wait(&model, "crawl", &Operation::Send).expect("it waits for ever");
    let location = wait.location.as_ref().expect("an await in this program has a place");
    assert_eq!((location.place.file.as_str(), location.place.line), (FILE, line(FILE, SEND)));
    location.source.clone().expect("the server has looked for it")
}

fn opens_with(program: &Program, wanted: &[&str]) {
    let mut screen = Screen::open(&program.insight(), 120, 40);
    screen.shows(&["crawl"]);
    screen.press(ENTER);
    screen.shows(wanted);
    screen.quit();
}

#[test]
fn found() {
    let program = Program::start(DEADLOCK);
    let source = source_of_the_await(&program);
    assert_eq!(source.status, SourceStatus::Found);
    assert!(source.text.is_some_and(|text| text.contains(SEND)));
}

#[test]
fn gone() {
    let folder = Folder::new();
    let elsewhere = folder.path().join("deadlock");
    // By a process of its own: a file that this one has open to write cannot be run, and a process that another test
    // starts meanwhile would have it open, too.
    let copied = Command::new("cp").arg(DEADLOCK).arg(&elsewhere).status().unwrap();
    assert!(copied.success());
    let program = Program::run(command(&elsewhere).env_remove("INSIGHT_SOURCE").current_dir(folder.path()));
    assert_eq!(source_of_the_await(&program), SourceLine::new(SourceStatus::Missing));
    let at = place(FILE, SEND);
    opens_with(&program, &[&format!("at {at}:"), "(source not found where the program runs)"]);
}

#[test]
fn changed() {
    let folder = Folder::new();
    let copy = folder.path().join(FILE);
    fs::create_dir_all(copy.parent().expect("it is in a folder")).unwrap();
    // Read and written, not copied: its time is that of now, later than the program's.
    fs::write(&copy, fs::read(root().join(FILE)).unwrap()).unwrap();
    let program = Program::run(command(DEADLOCK).env("INSIGHT_SOURCE", folder.path()));
    let source = source_of_the_await(&program);
    assert_eq!(source.status, SourceStatus::Changed);
    assert!(source.text.is_some_and(|text| text.contains(SEND)));
    let at = place(FILE, SEND);
    opens_with(&program, &[&format!("at {at}:"), "(source changed since build)", SEND]);
}
