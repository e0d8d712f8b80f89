//! The observed part of the program, on the screen and as text.

use super::story::{coverage, header, story};
use super::{Screen, Story, address, snapshot_of};
use crate::snapshot::Snapshot;
use crate::views::Scene;
use crate::{document, once};
use insight_protocol::*;
use ratatui::style::Color;

fn flume() -> PackageCoverage {
    with!(PackageCoverage::new("flume", "0.11.1", false), reason = Some("only awaits show these waits".into()))
}

fn with_scene<T>(snapshot: &Snapshot, print: impl FnOnce(&Scene) -> T) -> T {
    once::with_scene(snapshot, &address("127.0.0.1:8080"), print)
}

#[test]
fn the_third_line_shows_the_coverage() {
    let check = |coverage: Option<StreamCoverage>, columns, alarms: bool, expect: &str| {
        let mut screen = Screen::new(&story(|_| ()), columns, 16);
        screen.snapshot.model.coverage = coverage;
        assert_eq!(screen.line(2).trim(), expect);
        let buffer = screen.draw();
        let warning = buffer[(1, 2)].fg == Color::Yellow;
        assert_eq!(warning, alarms, "{expect}");
        let text = with_scene(&screen.snapshot, once::text);
        assert!(columns < 120 || text.lines().nth(2) == Some(expect), "{text}");
    };
    let all = coverage(vec![("tokio", Some(0))], None);
    check(Some(all), 120, false, "observed: all 5 tasks of tokio 1.54 · dependencies: unknown");
    check(None, 120, false, "coverage: unknown");
    let some = coverage(vec![("tokio", Some(8))], Some(vec![flume()]));
    let words = "observed: 5 of 13 tasks of tokio 1.54 · not covered: flume 0.11.1 (only awaits show these waits)";
    check(Some(some.clone()), 120, true, words);
    check(
        Some(some.clone()),
        80,
        true,
        "observed: 5 of 13 tasks of tokio 1.54 · not covered: flume 0.11.1 (only awaits…",
    );
    // As JSON.
    let mut snapshot = snapshot_of(&story(|_| ()).lines());
    snapshot.model.coverage = Some(some);
    let json: serde_json::Value = serde_json::from_str(&with_scene(&snapshot, document::json)).unwrap();
    assert_eq!(json["coverage"]["text"], words);
    assert_eq!(json["coverage"]["said"]["executors"][0]["observed_tasks"], 5);
    assert_eq!(json["coverage"]["said"]["executors"][0]["unobserved_tasks"], 8);
}

#[test]
fn an_empty_list_shows_the_reason() {
    let check = |coverage: Option<StreamCoverage>, expect: &str| {
        let mut story = Story::default();
        story.push(header("empty"));
        story.push(with!(SnapshotBegin::default(), at_ns = 1));
        coverage.into_iter().for_each(|coverage| story.push(coverage));
        story.push(SnapshotEnd::new(1));
        let mut screen = Screen::new(&story, 100, 16);
        assert!(screen.text().contains(expect), "{}", screen.text());
        let text = with_scene(&screen.snapshot, once::text);
        assert!(text.contains(expect), "{text}");
    };
    check(Some(coverage(vec![("tokio", Some(12))], None)), "All live tasks are unobserved: tokio 1.54 has 12 of them.");
    check(Some(coverage(vec![], None)), "No task is observed: the program has used no runtime that insight observes.");
    check(None, "No task is observed. Whether there are others is unknown.");
    check(Some(coverage(vec![("tokio", Some(0))], None)), "No task is alive.");
}
