//! The looks of every view.

use super::story::{S, deadlock, no_hang, story};
use super::{Screen, snapshot_of};
use crate::app::{Action, App};
use crate::args::Address;
use crate::snapshot::{Link, Snapshot};
use crate::theme::Theme;
use insight_protocol::*;
use ratatui::style::Color;
use std::time::Duration;

/// The screen after some keys.
fn check(name: &str, (width, height): (u16, u16), keys: &str, more: impl FnOnce(&mut super::Story)) {
    let mut screen = Screen::new(&story(more), width, height);
    let text = screen.press(keys).text();
    insta::with_settings!({ description => keys, omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

fn nothing(_: &mut super::Story) {}

fn proven(story: &mut super::Story) {
    story.push(deadlock(1, Tier::Proven));
}

#[test]
fn the_way_from_the_list_to_the_reader() {
    check("list", (120, 16), "", nothing);
    check("task", (100, 30), "Enter", nothing);
    check("resource", (100, 20), "Enter Enter", nothing);
    check("reader", (100, 30), "Enter Enter Enter", nothing);
    check("reader_of_an_empty_channel", (100, 20), "Enter Enter Enter Enter", nothing);
}

#[test]
fn other_code_that_can_end_a_wait_is_shown() {
    let mut screen = Screen::new(&story(nothing), 100, 30);
    let way = "any task with an end can close it";
    assert!(!screen.press("Enter Enter").text().contains(way));
    let channels: Vec<ResourceId> = screen.snapshot.model.resources.keys().collect();
    for id in channels {
        screen.snapshot.model.resources.get_mut(&id).unwrap().closed_by_any = true;
    }
    assert!(screen.press("Esc Enter").text().contains(way), "{}", screen.text());
}

#[test]
fn a_task_that_ended_since_the_list_was_sorted_leaves_no_gap() {
    let mut screen = Screen::new(&story(nothing), 120, 16);
    let (second, third) = (screen.line(5), screen.line(6));
    assert!(second.starts_with("   2 "), "{second}");
    screen.snapshot.model.tasks.remove(&TaskId(2));
    assert_eq!(screen.line(5), third, "it moves up");
}

#[test]
fn lists_at_other_sizes() {
    check("list_80", (80, 14), "", nothing);
    check("list_200", (200, 14), "", nothing);
    check("list_by_name_reversed", (120, 12), "l l l r", nothing);
}

#[test]
fn each_view_has_its_own_help() {
    check("help_list", (100, 76), "?", nothing);
    check("help_task", (100, 40), "Enter ?", nothing);
    check("help_resource", (100, 40), "Enter Enter ?", nothing);
    check("help_stuck_channel", (100, 40), "Enter ?", proven);
    check("help_problems", (100, 40), "P ?", proven);
    check("help_scrolled", (60, 12), "? PgDn j", nothing);
}

#[test]
fn problems() {
    check("problem", (100, 28), "P", proven);
    check("problem_small", (40, 10), "P j", proven);
    check("problems", (100, 48), "P", |story| {
        proven(story);
        story.push(deadlock(2, Tier::Suspected));
    });
}

#[test]
fn ended_tasks() {
    let message = "assertion `left == right` failed: no user \"7\" in the table of the users that may import, since it was \
                   never \u{1b}[31mloaded\n  left: 6\n right: 7\n";
    let with = |story: &mut super::Story| story.ended(Some(message));
    check("ended", (100, 16), "E", with);
    check("ended_small", (40, 14), "e j", with);
    check("ended_panicked", (100, 16), "e j j Enter", with);
    check("ended_returned", (100, 12), "e G Enter", with);
    check("ended_without_message", (100, 14), "E j j Enter", |story| story.ended(None));
    check("help_ended", (100, 30), "E ?", with);
    // Its parent lives.
    let mut screen = Screen::new(&story(with), 100, 16);
    assert!(screen.press("E j j Enter Enter").line(0).ends_with("› task 1 (main)"), "{}", screen.text());
    // The key opens nothing without an ended task.
    let mut screen = Screen::new(&story(nothing), 100, 16);
    assert!(screen.press("E").text().contains("No task has ended."));
}

#[test]
fn page_of_a_task_stays_when_it_ends() {
    let mut screen = Screen::new(&story(nothing), 100, 30);
    screen.press("Enter");
    for edge in [1, 2, 6] {
        screen.snapshot.model.apply(&EdgeClosed::new(EdgeId(edge), 17 * S).into());
    }
    let end = with!(TaskCompleted::new(TaskId(3), Outcome::Panicked, 18 * S), panic = Some("no room".into()));
    screen.snapshot.model.apply(&end.into());
    screen.snapshot.model.apply(&StreamHeartbeat::new(20 * S).into());
    screen.refresh();
    assert_eq!(screen.line(1), " task 3  post_prototype  task  panicked 2.0 s ago after 16.0 s");
    assert!(screen.text().contains("PANIC\n   no room"), "{}", screen.text());
}

#[test]
fn a_small_terminal() {
    check("small_list", (40, 10), "", proven);
    check("small_task", (40, 10), "Enter", proven);
    check("small_resource", (40, 10), "Enter Enter", proven);
    check("small_help", (40, 10), "Enter ?", proven);
}

#[test]
fn no_size_is_too_small() {
    for keys in ["", "Enter", "Enter Enter", "P", "?", "Enter Enter ? PgDn", "G k PgUp PgDn g", "P G PgUp j k PgDn"] {
        for (width, height) in (0..14).flat_map(|width| (0..14).map(move |height| (width, height))) {
            Screen::new(&story(proven), width, height).press(keys);
        }
    }
    assert_eq!(Screen::new(&story(proven), 1, 1).text(), "…\n");
    assert_eq!(Screen::new(&story(proven), 9, 1).text(), " deadloc…\n");
}

#[test]
fn a_library_task_a_wait_without_a_place_and_two_waits_at_once() {
    check("partial_task", (100, 24), "Enter", |story| {
        let name = Some(story.string("hyper connection"));
        story.push(with!(TaskSpawned::default(), id = TaskId(6), name, partial = true, at_ns = 2 * S));
        story.wait(20, (6, 1), Operation::Send, "waiting on channel capacity", None);
        story.wait(21, (6, 4), Operation::Lock, "waiting on a lock", None);
        // It then has the longest wait.
        story.push(EdgeClosed::new(EdgeId(1), 15 * S));
    });
    check("unobserved_wait", (100, 20), "G k Enter", nothing);
}

#[test]
fn a_timer_whose_time_is_over_can_no_longer_unblock_its_task() {
    let overdue = |story: &mut crate::tests::story::Story| {
        story.push(ResourceCreated::new(ResourceId(9), ResourceKind::Timer, 2 * S));
        let name = Some(story.string("ticker"));
        story.push(with!(TaskSpawned::default(), id = TaskId(6), name, at_ns = 2 * S));
        story.wait(20, (6, 9), Operation::Sleep, "sleeping", None);
        story.push(with!(EdgeUpdated::default(), id = EdgeId(20), polls = Some(1), granted_ns = Some(13 * S)));
    };
    check("overdue_task", (100, 24), "G k k Enter", overdue);
    check("overdue_timer", (100, 24), "G k k Enter Enter", overdue);
}

#[test]
fn waiters() {
    check("waiters", (100, 30), "Enter", |story| {
        let name = Some(story.string("session"));
        story.push(with!(TaskSpawned::default(), id = TaskId(6), name, at_ns = 2 * S));
        let updates = [
            with!(EdgeUpdated::default(), polls = Some(1), polled = Some(false), granted_ns = Some(13 * S)),
            with!(EdgeUpdated::default(), polls = Some(1), polled = Some(false)),
            with!(EdgeUpdated::default(), polls = Some(4), polled = Some(true)),
            // Nothing is known about this wait, so nothing is shown.
            with!(EdgeUpdated::default(), polls = Some(4)),
        ];
        for (id, update) in (20..).zip(updates) {
            story.wait(id, (6, 4), Operation::Lock, "waiting for the lock", None);
            story.push(with!(update, id = EdgeId(id), at_ns = 15 * S));
        }
        // It then has the longest wait.
        story.push(EdgeClosed::new(EdgeId(1), 15 * S));
    });
}

#[test]
fn a_resource_without_waits() {
    check("idle_channel", (100, 18), "Enter Enter", |story| {
        story.push(EdgeClosed::new(EdgeId(1), 15 * S));
        story.push(EdgeClosed::new(EdgeId(5), 15 * S));
        // Then the reader is on top, with its wait for `warm_up`.
        story.push(EdgeClosed::new(EdgeId(4), 15 * S));
        story.party(30, (1, 1), PartyRole::Sender);
    });
}

#[test]
fn hostile_text_is_harmless() {
    check("hostile", (100, 12), "", |story| {
        let place = story.found(3, "\x1b]0;owned\x07 let x\t= 1; // \u{202e}");
        story.task(9, "a\x1b[2Jb\n\u{9b}31mc 名前", Some(place), None);
        story.channel(9, "q\r\x08\x1b[H", place, 1, 1);
        story.wait(40, (9, 9), Operation::Other("\x1b[5m".into()), "\x1b[31mred", Some(place));
        story.push(EdgeClosed::new(EdgeId(1), 15 * S));
    });
}

#[test]
fn a_wide_name_fits_every_width() {
    let lines: Vec<String> = include_str!("wide_name.ndjson").lines().map(str::to_owned).collect();
    for width in 0..120 {
        let mut screen = Screen::of(snapshot_of(&lines), Theme::new(true), width, 8);
        screen.press("Enter").text();
    }
}

#[test]
fn the_reason_is_on_dark_red_and_without_colours_nothing_is_coloured() {
    let snapshot = || snapshot_of(&story(proven).lines());
    let mut screen = Screen::of(snapshot(), Theme::new(true), 80, 24);
    let buffer = screen.press("Enter").draw();
    let text: String =
        buffer.content.iter().filter(|cell| cell.bg == Color::Indexed(52)).map(|cell| cell.symbol()).collect();
    assert_eq!(text, "waiting on channel capacity");

    let mut screen = Screen::of(snapshot(), Theme::new(false), 80, 24);
    for keys in ["", "Enter", "Enter", "P", "?"] {
        let buffer = screen.press(keys).draw();
        assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset), "after {keys}");
    }
}

#[test]
fn the_banner_is_the_first_line_of_every_view() {
    let check = |tiers: &[Tier], expect: &str| {
        let mut screen = Screen::new(
            &story(|story| (1..).zip(tiers).for_each(|(id, tier)| story.push(deadlock(id, *tier)))),
            120,
            20,
        );
        for keys in ["", "?", "Esc", "Enter", "Enter", "P", "?"] {
            let line = format!("{expect}: examples/src/bin/deadlock.rs:61:9");
            assert_eq!(screen.press(keys).line(0).trim(), line, "after {keys}");
        }
    };
    use Tier::*;
    check(&[Proven], "deadlock cycle detected, P for more");
    check(&[Suspected], "suspected deadlock, P for more");
    check(&[Suspected, Suspected], "2 hangs: suspected deadlock, P for more");
    check(&[Proven, Proven], "2 hangs: deadlock cycle detected, P for more");
    check(&[Suspected, Proven], "2 hangs (1 of them suspected): deadlock cycle detected, P for more");
}

#[test]
fn only_hangs_have_a_banner() {
    let check = |severities: &[Severity], banner: Option<&str>, counts: &str| {
        let problems = |story: &mut super::Story| {
            for (id, severity) in (1..).zip(severities) {
                story.push(match severity {
                    Severity::Hang => deadlock(id, Tier::Proven),
                    _ => no_hang(id, *severity),
                });
            }
        };
        let mut screen = Screen::new(&story(problems), 120, 20);
        let first = screen.line(0);
        assert_eq!(first.trim().split_once(": examples/").map(|(banner, _)| banner), banner);
        let text = screen.text();
        assert!(text.lines().any(|line| line.starts_with(counts)), "{text}");
    };
    use Severity::*;
    check(&[], None, " 5 tasks");
    check(&[Degraded], None, " 1 degraded: P · 5 tasks");
    check(&[Notice, Notice], None, " 2 notices: P · 5 tasks");
    check(&[Notice, Hang, Degraded], Some("deadlock cycle detected, P for more"), " 1 degraded, 1 notice: P · 5 tasks");
}

#[test]
fn the_worst_problem_comes_first() {
    let mut screen = Screen::new(
        &story(|story| {
            story.push(no_hang(1, Severity::Notice));
            story.push(no_hang(2, Severity::Degraded));
            story.push(deadlock(3, Tier::Suspected));
        }),
        100,
        80,
    );
    let text = screen.press("P").text();
    let kinds: Vec<&str> =
        text.lines().filter_map(|line| line.trim().split_once(", open for")).map(|it| it.0).collect();
    assert_eq!(kinds, ["hang: suspected deadlock", "degraded: proven lock_held_long", "notice: proven lock_held_long"]);
}

#[test]
fn the_status_line_shows_the_connection_and_the_losses() {
    let check = |change: &dyn Fn(&mut Screen), expect: &str| {
        let mut screen = Screen::new(&story(nothing), 180, 12);
        change(&mut screen);
        assert_eq!(screen.line(10).trim(), expect);
    };
    check(&|_| {}, "● connected to 127.0.0.1:8080");
    check(
        &|screen| screen.now += Duration::from_millis(2_900),
        "◐ 2 s behind: 127.0.0.1:8080 is connected and sends nothing",
    );
    let gone = |screen: &mut Screen| {
        screen.snapshot.link = Link::Gone { since: screen.now, why: "connection refused".into() };
        screen.now += Duration::from_millis(3_100);
    };
    check(&gone, "○ program gone for 3 s: last snapshot kept, reconnecting to 127.0.0.1:8080 (connection refused)");
    check(
        &|screen| {
            screen.snapshot.model = Default::default();
            gone(screen);
        },
        "○ no snapshot from 127.0.0.1:8080: connection refused; trying again",
    );
    check(
        &|screen| screen.snapshot.link = Link::NotInsight { sent: "\"404 Not Found\"".into() },
        "○ 127.0.0.1:8080 answers, but does not speak insight (last snapshot kept): it sent \"404 Not Found\"",
    );
    check(
        &|screen| {
            screen.snapshot.losses.bad_lines = 3;
            screen.snapshot.losses.last_bad_line = "not UTF-8".into();
            screen.snapshot.losses.unknown_messages = 1;
            screen.snapshot.losses.missing_messages = 2;
            let (kinds, reason) = (vec![], "the program outran".into());
            screen.snapshot.model.apply(&with!(Gap::default(), count = 1_200, kinds, reason).into());
        },
        "● connected to 127.0.0.1:8080 · 3 lines not understood (not UTF-8) · 1 message of an unknown type · \
         2 messages missing · 1,200 facts lost by the program (the program outran)",
    );
    check(
        &|screen| {
            let reason = "no room".to_owned();
            screen.snapshot.model.apply(&with!(Gap::default(), count = 9, reason, tasks = Some(7)).into());
        },
        "● connected to 127.0.0.1:8080 · at least 7 tasks not shown · 9 facts lost by the program (no room)",
    );
    check(
        &|screen| screen.snapshot.link = Link::OtherVersion { protocol: "2.0".into() },
        "○ 127.0.0.1:8080 speaks insight 2.0, this consolation 1.0 (last snapshot kept)",
    );
    let reading = |screen: &mut Screen| {
        screen.snapshot.link = Link::Reading { since: screen.now };
        screen.now += Duration::from_millis(1_900);
    };
    check(&reading, "◐ last snapshot kept, waiting for a new one from 127.0.0.1:8080 for 1 s");
    check(
        &|screen| {
            reading(screen);
            screen.now += Duration::from_millis(1_000);
        },
        "◐ last snapshot kept, waiting for a new one from 127.0.0.1:8080 for 2 s: nothing comes",
    );
}

#[test]
fn without_a_snapshot_the_screen_has_advice() {
    let check_at = |name: &str, address: Address, link: Link| {
        let mut screen = Screen::of(Snapshot { link, ..Snapshot::default() }, Theme::new(true), 80, 12);
        screen.app = App::new(address, Theme::new(true));
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, screen.press("Enter k G r l").text());
        });
    };
    let check = |name: &str, link: Link| check_at(name, super::address("8080"), link);
    let since = std::time::Instant::now();
    check("nothing_there", Link::Gone { since, why: "connection refused".into() });
    let gone = Link::Gone { since, why: "connection refused".into() };
    check_at("nothing_announced", Address::assumed(), gone);
    check("not_insight", Link::NotInsight { sent: "\"<!doctype html>\"".into() });
}

#[test]
fn d_writes_the_problem_under_the_cursor() {
    let written = |keys: &str, tiers: &[Tier]| {
        let problems =
            |story: &mut super::Story| (1..).zip(tiers).for_each(|(id, tier)| story.push(deadlock(id, *tier)));
        let mut screen = Screen::new(&story(problems), 100, 60);
        match &screen.press(keys).last_action {
            Action::WriteDot(problem) => problem.id.0,
            _ => 0,
        }
    };
    use Tier::*;
    assert_eq!(written("D", &[]), 0);
    assert_eq!(written("D", &[Suspected, Proven]), 2, "the proven one is the first");
    assert_eq!(written("Enter Enter d", &[Suspected, Proven]), 2);
    assert_eq!(written("P G D", &[Suspected, Proven]), 1, "the last entry is of the suspected one");
    assert_eq!(Screen::new(&story(nothing), 80, 12).press("q").last_action, Action::Quit);
}
