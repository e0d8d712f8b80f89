//! `--once` and the graph file.

use super::address;
use super::snapshot_of;
use super::story::{deadlock, story};
use crate::views::Scene;
use crate::{document, dot_file, once};
use insight_protocol::{TaskId, Tier};
use std::fs;
use std::io::{self, Write};

fn check(name: &str, output: fn(&Scene) -> String, more: impl FnOnce(&mut super::Story)) {
    let snapshot = snapshot_of(&story(more).lines());
    let text = once::with_scene(&snapshot, &address("127.0.0.1:8080"), output);
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn text_and_json_have_the_facts_of_the_screens() {
    check("once_text", once::text, |_| {});
    check("once_text_problem", once::text, |story| story.push(deadlock(1, Tier::Suspected)));
    check("once_json", document::json, |story| {
        story.ended(Some("no user 7"));
        story.push(deadlock(1, Tier::Proven));
    });
    check("once_text_ended", once::text, |story| story.ended(Some("no user 7")));
}

fn text(width: usize, more: impl FnOnce(&mut super::Story)) -> String {
    let snapshot = snapshot_of(&story(more).lines());
    let mut text = Vec::new();
    let write = |scene: &Scene| once::write(scene, "at home", width, &mut text);
    once::with_scene(&snapshot, &address("127.0.0.1:8080"), write).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn text_for_a_pipe_is_whole_and_text_for_a_terminal_fits_it() {
    let long = "x".repeat(300);
    let more = |story: &mut super::Story| {
        story.task(6, &long, None, None);
        story.push(deadlock(1, Tier::Suspected));
    };
    let whole = text(usize::MAX, more);
    assert!(whole.contains(&format!(" {long} ")) && !whole.contains('…'), "{whole}");
    // The head is not cut.
    for line in text(80, more).lines().skip(4) {
        assert!(crate::text::width(line) <= 80, "{line}");
    }
}

#[test]
fn missing_message_of_a_panic_has_a_hint() {
    const HINT: &str = "With INSIGHT_PANICS=message the program also sends the message of a panic.";
    for (panic, expect) in [(None, 1), (Some("no user 7"), 0)] {
        assert_eq!(text(usize::MAX, |story| story.ended(panic)).matches(HINT).count(), expect, "{panic:?}");
        let snapshot = snapshot_of(&story(|story| story.ended(panic)).lines());
        for (task, expect) in [(11, expect), (10, 0)] {
            let mut text = Vec::new();
            once::write_end(&snapshot, TaskId(task), usize::MAX, &mut text).unwrap();
            assert_eq!(String::from_utf8(text).unwrap().matches(HINT).count(), expect, "{task} {panic:?}");
        }
    }
}

/// For `--trace` of a task that has ended.
#[test]
fn end_of_a_task_is_one_sentence() {
    let snapshot = snapshot_of(&story(|story| story.ended(Some("no user\n7"))).lines());
    let check = |task: u64, expect: &str| {
        let mut text = Vec::new();
        once::write_end(&snapshot, TaskId(task), usize::MAX, &mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), expect);
    };
    let place = "spawned at examples/src/bin/barbara.rs:30:9\n";
    check(11, &format!("task 11 (shop::import) panicked 3.0 s ago: no user 7; {place}"));
    check(1_200, &format!("task 1200 (shop::import) was cancelled 250 ms ago; {place}"));
    check(10, &format!("task 10 (shop::import) returned 13.0 s ago; {place}"));
    check(12, "task 12 was last observed 2.0 s ago\n");
    check(3, "");
}

#[test]
fn text_names_no_keys() {
    let text = text(usize::MAX, |story| story.push(deadlock(1, Tier::Suspected)));
    for hint in ["P for more", ": P", "D writes", "Esc", "▸"] {
        assert!(!text.contains(hint), "{hint} in\n{text}");
    }
}

/// Takes some bytes, and then fails.
struct Closing(usize);

impl Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn text_stops_at_the_first_error_of_its_output() {
    let problems = |story: &mut super::Story| story.push(deadlock(1, Tier::Suspected));
    let length = text(usize::MAX, problems).len();
    let snapshot = snapshot_of(&story(problems).lines());
    for room in (0..length).step_by(97) {
        let write = |scene: &Scene| once::write(scene, "at home", usize::MAX, &mut Closing(room));
        let outcome = once::with_scene(&snapshot, &address("127.0.0.1:8080"), write);
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::BrokenPipe, "after {room} bytes");
    }
}

#[test]
fn another_file_of_the_same_name_stays_as_it_is() {
    let folder = std::env::temp_dir().join(format!("consolation-test-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let problem = deadlock(7, Tier::Proven).problem;
    let name = || dot_file::write(&folder, &problem).map(|path| path.file_name().unwrap().to_owned());
    assert_eq!(name().unwrap(), "insight-deadlock-7.dot");
    assert_eq!(name().unwrap(), "insight-deadlock-7.dot", "the same file is there");
    fs::write(folder.join("insight-deadlock-7.dot"), "mine").unwrap();
    assert_eq!(name().unwrap(), "insight-deadlock-7-2.dot");
    assert_eq!(fs::read_to_string(folder.join("insight-deadlock-7.dot")).unwrap(), "mine");
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(name().unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_link_in_the_place_of_the_file_is_not_opened() {
    let folder = std::env::temp_dir().join(format!("consolation-odd-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let odd = |number: u32| {
        folder.join(format!("insight-deadlock-7{}.dot", if number > 1 { format!("-{number}") } else { String::new() }))
    };
    assert!(std::process::Command::new("mkfifo").arg(odd(1)).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", odd(2)).unwrap();
    fs::create_dir(odd(3)).unwrap();
    let written = dot_file::write(&folder, &deadlock(7, Tier::Proven).problem).unwrap();
    assert_eq!(written, odd(4));
    fs::remove_dir_all(&folder).unwrap();
}
