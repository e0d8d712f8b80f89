//! Recordings of real programs break no rule, and each mutation of a recording breaks the expected rule.

mod mutations;
mod stream;

use crate::mutations::MUTATIONS;
use crate::stream::{DEADLOCK, LOCK_ORDER, MINI, OPERATIONS, POLLS, STORY, Stream, check};
use insight_model::Checker;
use insight_protocol::{Decoded, decode};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn recordings_break_no_rule() {
    for recording in [STORY, DEADLOCK, LOCK_ORDER, MINI, POLLS, OPERATIONS] {
        assert_eq!(check(&Stream::of(recording).lines), []);
    }
}

#[test]
fn a_recording_that_is_cut_off_breaks_no_rule() {
    let whole = Stream::of(LOCK_ORDER).lines;
    for end in 1..whole.len() {
        assert_eq!(check(&whole[..end]), [], "cut off after line {end}");
    }
}

#[test]
fn each_mutation_is_found() {
    for (rule, recording, mutate) in MUTATIONS {
        let mut stream = Stream::of(recording);
        mutate(&mut stream);
        // The checker should not find a mutation by wrong numbers.
        if *rule != "stream.seq.plus-one" {
            stream.renumber();
        }
        let found: Vec<&str> = check(&stream.lines).iter().map(|finding| finding.rule).collect();
        assert_eq!(found.first(), Some(rule), "of {found:?}");
    }
}

#[test]
fn operations_from_before_a_snapshot_are_no_finding() {
    let check = |tasks: u64, expect: &[&str]| {
        let mut stream = Stream::of(OPERATIONS);
        stream.set(stream.first("snapshot.begin"), "tasks", tasks);
        if tasks > 0 {
            stream.insert(stream.first("snapshot.end"), r#""type":"task.spawned","id":9,"kind":"task","at_ns":1"#);
        }
        for (id, event) in [(90, "granted"), (91, "claimed"), (92, "released")] {
            stream.push(&format!(r#""type":"task.operation","id":{id},"event":"{event}","thread":1,"at_ns":31"#));
        }
        stream.renumber();
        let found: Vec<&str> = check(&stream.lines).iter().map(|finding| finding.rule).collect();
        assert_eq!(found, expect);
    };
    check(1, &[]);
    check(0, &["operation.opened"; 3]);
}

#[test]
fn each_invalid_example_is_found() {
    for (rule, line) in invalid_examples() {
        let mut lines = Stream::of(MINI).lines;
        lines.push(line.clone());
        let found: Vec<String> = check(&lines).iter().map(|finding| finding.rule.to_owned()).collect();
        assert_eq!(found, [rule], "{line}");
    }
}

#[test]
fn each_rule_that_requirements_give_to_the_checker_has_a_mutation() {
    let requirements = include_str!("../../../conformance/requirements.toml");
    let checked: BTreeSet<&str> =
        requirements.split("\"lifecycle:").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let invalid = invalid_examples();
    let of_line = invalid.iter().map(|(rule, _)| rule.as_str());
    let mutated: BTreeSet<&str> = MUTATIONS.iter().map(|(rule, _, _)| *rule).chain(of_line).collect();
    assert_eq!(checked, mutated);
}

/// The rule and the line of each invalid example of the schema. One line alone can break these rules.
fn invalid_examples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/v1/examples/invalid");
    let examples = std::fs::read_dir(folder).unwrap().map(|file| {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let example: serde_json::Value = serde_json::from_str(&text).unwrap();
        let field = |name: &str| example[name].as_str().unwrap().to_owned();
        (field("rule"), field("line"))
    });
    examples.collect()
}

#[test]
fn null_means_the_same_as_an_absent_field() {
    let check = |with_null: &str| {
        let null = with_null.find(":null").unwrap();
        let start = with_null[..null].rfind(',').unwrap();
        let without = format!("{}{}", &with_null[..start], &with_null[null + ":null".len()..]);
        let decoded = decode(with_null);
        assert!(matches!(decoded, Ok(Decoded::Message { .. })), "{decoded:?}");
        assert_eq!(decoded, decode(&without), "{without}");
    };
    check(r#"{"seq":1,"type":"task.spawned","id":4,"kind":"task","parent":null,"at_ns":1}"#);
    check(r#"{"seq":1,"type":"edge.closed","id":4,"outcome":null,"at_ns":1}"#);
    check(r#"{"seq":1,"type":"define.location","id":4,"file":"a.rs","line":1,"column":1,"source":null}"#);
    // The field is sent as null, but it may be absent.
    let mini = Stream::of(MINI);
    check(&mini.lines[mini.first("problem.raised")]);
}

#[test]
fn any_line_may_be_lost_or_broken_without_a_panic() {
    for recording in [STORY, DEADLOCK, LOCK_ORDER, MINI] {
        let whole = Stream::of(recording).lines;
        for at in 0..whole.len() {
            let mut without = whole.clone();
            without.remove(at);
            assert!(
                at + 1 == whole.len() || !check(&without).is_empty(),
                "line {} is lost and nothing is found",
                at + 1
            );
            let mut broken = whole.clone();
            broken[at] = whole[at].chars().take(whole[at].chars().count() / 2).collect();
            assert!(!check(&broken).is_empty(), "line {} is half a line", at + 1);
        }
    }
}

#[test]
fn an_ended_task_breaks_no_rule_about_running_tasks() {
    let mut stream = Stream::of(MINI);
    stream.push(
        r#""type":"task.stats","id":2,"state":"scheduled","since_ns":23,"polls":2,"wakes":1,"self_wakes":0,"running_ns":1,"scheduled_ns":1,"idle_ns":1,"foreign_wakers":0,"at_ns":23"#,
    );
    let raised = r#""type":"problem.raised","problem":{"id":2,"kind":"forgotten_party","tier":"suspected","severity":"hang","title":"task 2 has the guard","tasks":[{"id":2,"name":null,"location":null}],"resources":[],"edges":[],"unknowns":["the holder"],"advice":"Wait.","docs":"/docs/forgotten-party","since_ns":9},"at_ns":24"#;
    let mut ended = Stream { lines: stream.lines.clone() };
    stream.push(raised);
    stream.renumber();
    let found: Vec<&str> = check(&stream.lines).iter().map(|finding| finding.rule).collect();
    assert_eq!(found, ["problem.raised.none-running"]);
    ended.push(r#""type":"task.completed","id":2,"outcome":"returned","at_ns":24"#);
    ended.push(raised);
    ended.renumber();
    assert_eq!(check(&ended.lines), []);
}

#[test]
fn the_checker_keeps_only_live_things() {
    let mut checker = Checker::default();
    let mut seq = 0;
    let mut send = |checker: &mut Checker, body: String| {
        seq += 1;
        let findings = checker.line(&format!("{{\"seq\":{seq},{body}"));
        assert_eq!(findings, []);
    };
    send(&mut checker, Stream::of(DEADLOCK).lines[0].split_once(',').unwrap().1.to_owned());
    let empty = r#""type":"snapshot.begin","at_ns":1,"tasks":0,"resources":0,"edges":0,"problems":0}"#;
    send(&mut checker, empty.to_owned());
    send(&mut checker, r#""type":"snapshot.end","at_ns":1}"#.to_owned());
    for id in 1..=20_000 {
        send(&mut checker, format!(r#""type":"task.spawned","id":{id},"kind":"task","at_ns":{id}}}"#));
        if id > 100 {
            let ended = id - 100;
            send(&mut checker, format!(r#""type":"task.completed","id":{ended},"outcome":"returned","at_ns":{id}}}"#));
        }
        assert!(checker.alive() <= 101);
    }
}
