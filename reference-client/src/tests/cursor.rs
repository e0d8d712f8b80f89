//! The cursor, while the user presses keys and the program runs.

use super::story::{S, Story, deadlock, header, story};
use super::{Screen, feed, snapshot_of};
use crate::snapshot::Intake;
use insight_protocol::*;
use std::time::Duration;

/// The IDs of the list's rows. The ID under the cursor is in brackets.
fn rows(screen: &mut Screen) -> String {
    let buffer = screen.draw();
    let cursor = ratatui::style::Color::Indexed(24);
    let text = screen.text();
    let ids: Vec<String> = (4..)
        .zip(text.lines().skip(4))
        .map_while(|(y, line)| {
            let id: u64 = line.split_whitespace().find(|word| *word != "!" && *word != "?")?.parse().ok()?;
            let here = buffer[(0, y)].bg == cursor;
            Some(if here { format!("[{id}]") } else { id.to_string() })
        })
        .collect();
    ids.join(" ")
}

#[test]
fn tasks_that_want_attention_are_on_top() {
    let check = |more: &dyn Fn(&mut Story), expect: &str| {
        let mut screen = Screen::new(&story(more), 120, 20);
        screen.press("j k Home"); // the key list is not in the way
        assert_eq!(rows(&mut screen), expect);
    };
    // A send, a join, a receive, and the rest.
    check(&|_| {}, "[3] 2 4 1 5");
    // A lock waits longer than the send.
    check(
        &|story| {
            let reason = story.string("waiting on a lock");
            let (operation, since_ns) = (Operation::Lock, 3 * S);
            let (id, task, resource) = (EdgeId(50), TaskId(5), ResourceId(4));
            story.push(EdgeWait::new(id, task, resource, operation, reason, 1, since_ns));
        },
        "[5] 3 2 4 1",
    );
}

#[test]
fn tasks_of_problems_come_first() {
    let mut snapshot = snapshot_of(&story(|_| {}).lines());
    for (id, task, tier) in [(1, 1, Tier::Suspected), (2, 5, Tier::Proven)] {
        let mut raised = deadlock(id, tier);
        raised.problem.tasks[0].id = TaskId(task);
        snapshot.model.apply(&raised.into());
    }
    let mut screen = Screen::of(snapshot, crate::theme::Theme::new(true), 120, 20);
    let text = screen.text();
    let signs: Vec<&str> =
        text.lines().skip(5).take(3).map(|line| line.split("task").next().unwrap_or_default().trim()).collect();
    assert_eq!(signs, ["!  5", "?  1", "3"]);
}

#[test]
fn the_cursor_follows_the_top_until_it_is_moved_and_then_its_task() {
    let mut screen = Screen::new(&story(|_| {}), 120, 20);
    let overtake = |screen: &mut Screen, task: u64| {
        let reason = StringId(1);
        let (operation, since_ns) = (Operation::Lock, 3 * S - task);
        let (id, task, resource) = (EdgeId(60 + task), TaskId(task), ResourceId(4));
        let wait = EdgeWait::new(id, task, resource, operation, reason, 1, since_ns);
        screen.snapshot.model.apply(&wait.into());
        screen.refresh();
    };
    assert_eq!(rows(&mut screen), "[3] 2 4 1 5");
    overtake(&mut screen, 1);
    assert_eq!(rows(&mut screen), "[1] 3 2 4 5");
    screen.press("j");
    assert_eq!(rows(&mut screen), "1 [3] 2 4 5");
    overtake(&mut screen, 5);
    assert_eq!(rows(&mut screen), "5 1 [3] 2 4");
    // Its task ends: the cursor stays where it was.
    for id in [1, 2, 6] {
        screen.snapshot.model.apply(&EdgeClosed::new(EdgeId(id), 17 * S).into());
    }
    screen.snapshot.model.apply(&TaskCompleted::new(TaskId(3), Outcome::Returned, 17 * S).into());
    screen.refresh();
    assert_eq!(rows(&mut screen), "5 1 [2] 4");
    screen.press("g");
    assert_eq!(rows(&mut screen), "[5] 1 2 4");
    screen.press("G");
    assert_eq!(rows(&mut screen), "5 1 2 [4]");
    screen.press("PgUp");
    assert_eq!(rows(&mut screen), "[5] 1 2 4");
}

#[test]
fn every_column_sorts() {
    let mut screen = Screen::new(&story(|_| {}), 160, 20);
    let mut check = |keys: &str, sort: &str, expect: &str| {
        screen.press(keys);
        assert!(screen.line(1).ends_with(sort), "{}", screen.line(1));
        assert_eq!(rows(&mut screen).replace(['[', ']'], ""), expect, "{sort}");
    };
    check("l", "by ID", "1 2 3 4 5");
    check("r", "by ID, reversed", "5 4 3 2 1");
    check("l", "by KIND", "1 2 3 4 5");
    check("Right", "by NAME", "2 4 1 5 3");
    check("l", "by STATE", "1 2 3 4 5");
    check("l", "by RUN%", "5 1 2 3 4");
    check("l", "by SCHED%", "1 2 3 4 5");
    check("l", "by WAIT%", "1 2 3 4 5");
    check("l", "by POLLS", "5 2 3 4 1");
    check("l", "by FOR", "1 2 3 4 5");
    check("l", "by WAITS FOR", "3 4 2 1 5");
    check("l", "by LOCATION", "1 5 2 3 4");
    check("l", "by SPAWNED AT", "1 2 5 3 4");
    check("l", "by attention", "3 2 4 1 5");
    check("h h", "by LOCATION", "1 5 2 3 4");
}

#[test]
fn esc_goes_back_from_everywhere() {
    let mut screen = Screen::new(&story(|story| story.push(deadlock(1, Tier::Proven))), 100, 20);
    let list = screen.text();
    screen.press("Enter Enter Enter P ? Esc Backspace Esc Esc Esc");
    assert_eq!(screen.text(), list);
    screen.press("Esc");
    assert_eq!(screen.line(18).trim(), "This is the first view. q quits.");
}

#[test]
fn the_problem_view_leads_to_its_tasks_and_resources() {
    let mut screen = Screen::new(&story(|story| story.push(deadlock(1, Tier::Proven))), 100, 40);
    assert_eq!(screen.press("P j Enter").line(1).trim(), "barbara › problems › task 3 (post_prototype)");
    assert_eq!(screen.press("Esc j Enter").line(1).trim(), "barbara › problems › `prototype_channel`");
}

#[test]
fn in_a_small_window_the_cursor_passes_all_text_between_entries() {
    let mut screen = Screen::new(&story(|story| story.push(deadlock(1, Tier::Proven))), 40, 10);
    screen.press("P");
    let mut seen = screen.text();
    for _ in 0..60 {
        seen += &screen.press("j").text();
    }
    for text in ["room in", "Only task 3", "TASKS", "RESOURCES", "EDGES", "ADVICE", "8080/docs/deadlock"] {
        assert!(seen.contains(text), "{text} was never on the screen");
    }
    for _ in 0..60 {
        screen.press("k");
    }
    assert!(screen.text().contains("▸ deadlock cycle"));
}

#[test]
fn the_view_of_an_ended_task_says_so() {
    let mut screen = Screen::new(&story(|_| {}), 100, 20);
    screen.press("Enter");
    for id in [1, 2, 6] {
        screen.snapshot.model.apply(&EdgeClosed::new(EdgeId(id), 17 * S).into());
    }
    screen.snapshot.model.apply(&TaskCompleted::new(TaskId(3), Outcome::Returned, 17 * S).into());
    screen.refresh();
    assert_eq!(screen.line(0).trim(), "barbara › task 3 (post_prototype)");
    assert_eq!(screen.line(1).trim(), "task 3  post_prototype  task  returned 0 µs ago after 15.0 s");
    // Later it is not one of the last ended tasks.
    screen.snapshot.model.ended_tasks = Default::default();
    assert_eq!(screen.line(1).trim(), "This task has ended, and nothing is left of it.");
}

#[test]
fn a_new_run_begins_at_the_top_again() {
    let mut screen = Screen::new(&story(|_| {}), 100, 20);
    screen.press("j Enter");
    let mut second = story(|_| {});
    second.messages[0] = header("second run").into();
    screen.snapshot = snapshot_of(&second.lines());
    screen.refresh();
    assert_eq!(screen.line(18).trim(), "barbara was restarted (pid 4242): new snapshot");
    screen.now += Duration::from_secs(6);
    assert!(screen.line(18).contains("s behind"), "the message does not hide the state for long");
    assert_eq!(rows(&mut screen), "[3] 2 4 1 5");
}

#[test]
fn the_screen_never_shows_half_a_snapshot() {
    let story = story(|_| {});
    let lines = story.lines();
    let mut intake = Intake::default();
    let all: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut snapshot = feed(Default::default(), &mut intake, &all);
    assert_eq!(snapshot.model.tasks.len(), 5);
    // The snapshot comes again, numbered on, after a message that never came.
    for (seq, message) in (lines.len() as u64 + 2..).zip(&story.messages[1..]) {
        snapshot = feed(snapshot, &mut intake, &[&encode(seq, message)]);
        assert_eq!(snapshot.model.tasks.len(), 5, "after {}", message.type_name());
        assert!(snapshot.model.complete);
    }
    assert_eq!(snapshot.losses.missing_messages, 1);
    assert_eq!(snapshot.model.edges.len(), 7);
}
