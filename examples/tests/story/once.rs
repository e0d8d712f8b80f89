//! consolation without a terminal.

use crate::barbara::{Hang, blocked};
use crate::consolation::plain;
use crate::program::{DEADLOCK, Program};
use crate::stream::{self, Stream};
use insight_protocol::Operation;
use serde_json::Value;

#[test]
fn no_problem_is_0() {
    let hang = Hang::begin();
    let stream = Stream::attach(&hang.insight);
    stream.until("the hang", |seen| stream::wait(&seen.model, "write_orders", &Operation::Send).map(|_| ()));
    let (place, await_text) = blocked();
    // With nothing said it does the same: it has no terminal here.
    for arguments in [&[hang.insight.as_str(), "--once"][..], &[&hang.insight]] {
        let (text, status) = plain(arguments);
        for wanted in ["`prototype_channel`: waiting on channel capacity", &place, await_text] {
            assert!(text.contains(wanted), "{wanted} in\n{text}");
        }
        // The last line, and whole: with a note only while a wait is too young to be judged.
        let verdict = text.lines().last().unwrap_or_default();
        let too_young = "no problem found, so far: ";
        let young = verdict.starts_with(too_young) && verdict.ends_with(" for less than a second, too short to judge");
        assert!(verdict == "no problem found" || young, "{text}");
        assert_eq!(status, Some(0), "{text}");
    }
    let (text, status) = plain(&[&hang.insight, "--once", "--json"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["tasks"][0]["name"], "barbara::write_orders");
    assert_eq!(document["tasks"][0]["waits"][0]["resource_name"], "prototype_channel");
    assert_eq!(document["problems"], Value::Array(Vec::new()));
    assert_eq!(status, Some(0));
}

#[test]
fn a_problem_is_3() {
    let program = Program::start(DEADLOCK);
    let insight = program.insight();
    Stream::attach(&insight).until("the problem", |seen| (!seen.model.problems.is_empty()).then_some(()));
    for arguments in [&[insight.as_str(), "--once"][..], &[&insight]] {
        let (text, status) = plain(arguments);
        for wanted in ["deadlock cycle: ", "hang: proven deadlock", "deadlock::crawl", "`prototype_channel`"] {
            assert!(text.contains(wanted), "{wanted} in\n{text}");
        }
        assert_eq!(status, Some(3), "{text}");
    }
    let (text, status) = plain(&[&insight, "--once", "--json"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["problems"].as_array().map(Vec::len), Some(1), "{text}");
    let problem = &document["problems"][0];
    assert_eq!((&problem["kind"], &problem["tier"]), (&"deadlock".into(), &"proven".into()));
    assert_eq!(problem["tasks"][0]["name"], "deadlock::crawl");
    assert_eq!(problem["resources"][0]["name"], "prototype_channel");
    assert_eq!(status, Some(3));
}

#[test]
fn nobody_there_is_1() {
    // Nobody listens on port 1, which no test can be given.
    for arguments in [&["127.0.0.1:1", "--once"][..], &["127.0.0.1:1", "--json"], &["--port", "1"]] {
        let (text, status) = plain(arguments);
        assert!(text.starts_with("consolation: 127.0.0.1:1: connection refused\nStart a program"), "{text}");
        assert_eq!(status, Some(1), "{text}");
    }
}
