//! Programs whose source is not where they run, or was changed after they were built.

use crate::files::{Folder, line, place, root};
use crate::program::{DEADLOCK, Program, command};
use crate::screen::{ENTER, Screen};
use crate::stream::{self, Stream, snapshot};
use insight_protocol::{Operation, SourceLine, SourceStatus};
use std::fs;
use std::process::Command;

const FILE: &str = "examples/deadlock.rs";
const SEND: &str = "queue.send(page * 3 + link).await";

/// The source line in the snapshot for the await that the task is at. Its file and line are right in every case.
fn source_of_the_await(program: &Program) -> SourceLine {
    let insight = program.insight();
    let stream = Stream::attach(&insight);
    stream.until("the wait", |received| stream::wait(&received.model, "crawl", &Operation::Send).map(|_| ()));
    let model = snapshot(&insight);
    let wait = stream::wait(&model, "crawl", &Operation::Send).expect("it waits for ever");
    let location = wait.location.as_ref().expect("an await in this program has a location");
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
fn the_source_line_of_an_unchanged_program_is_found() {
    let program = Program::start(DEADLOCK);
    let source = source_of_the_await(&program);
    assert_eq!(source.status, SourceStatus::Found);
    assert!(source.text.is_some_and(|text| text.contains(SEND)));
}

#[test]
fn the_source_line_is_missing_where_the_source_is_not() {
    let folder = Folder::new();
    let elsewhere = folder.path().join("deadlock");
    // `cp` copies the program: a file that this process has open for writing cannot be run, and a process that another
    // test starts meanwhile would keep it open, too.
    let copied = Command::new("cp").arg(DEADLOCK).arg(&elsewhere).status().unwrap();
    assert!(copied.success());
    let program = Program::run(command(&elsewhere).env_remove("INSIGHT_SOURCE").current_dir(folder.path()));
    assert_eq!(source_of_the_await(&program), SourceLine::new(SourceStatus::Missing));
    let at = place(FILE, SEND);
    opens_with(&program, &[&format!("at {at}:"), "(source not found where the program runs)"]);
}

#[test]
fn the_source_line_of_a_changed_file_is_marked() {
    let folder = Folder::new();
    let copy = folder.path().join(FILE);
    fs::create_dir_all(copy.parent().expect("it is in a folder")).unwrap();
    // The file is read and written, not copied, so that its time is later than the program's.
    fs::write(&copy, fs::read(root().join(FILE)).unwrap()).unwrap();
    let program = Program::run(command(DEADLOCK).env("INSIGHT_SOURCE", folder.path()));
    let source = source_of_the_await(&program);
    assert_eq!(source.status, SourceStatus::Changed);
    assert!(source.text.is_some_and(|text| text.contains(SEND)));
    let at = place(FILE, SEND);
    opens_with(&program, &[&format!("at {at}:"), "(source changed since build)", SEND]);
}
