//! consolation without a terminal.

use crate::barbara::{Hang, blocked};
use crate::consolation::plain;
use crate::program::{DEADLOCK, Program};
use crate::stream::{self, Stream};
use insight_protocol::Operation;
use serde_json::Value;

#[test]
fn the_exit_status_is_0_without_a_problem() {
    let hang = Hang::begin();
    let stream = Stream::attach(&hang.insight);
    stream.until("the hang", |received| stream::wait(&received.model, "write_orders", &Operation::Send).map(|_| ()));
    let (place, await_text) = blocked();
    // Without an option it does the same as with `--once`, because it has no terminal here.
    for arguments in [&[hang.insight.as_str(), "--once"][..], &[&hang.insight]] {
        let (text, status) = plain(arguments);
        for wanted in ["`prototype_channel`: waiting on channel capacity", &place, await_text] {
            assert!(text.contains(wanted), "{wanted} in\n{text}");
        }
        // This is the whole last line. A note is added only while a wait is too short to judge.
        let summary = text.lines().last().unwrap_or_default();
        let too_young = "no problem found, so far: ";
        let young = summary.starts_with(too_young) && summary.ends_with(" for less than a second, too short to judge");
        assert!(summary == "no problem found" || young, "{text}");
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
fn the_exit_status_is_3_with_a_problem() {
    let program = Program::start(DEADLOCK);
    let insight = program.insight();
    Stream::attach(&insight).until("the problem", |received| (!received.model.problems.is_empty()).then_some(()));
    for arguments in [&[insight.as_str(), "--once"][..], &[&insight]] {
        let (text, status) = plain(arguments);
        for wanted in [
            "deadlock cycle: ",
            "hang: suspected deadlock",
            "unless the receiver of channel",
            "deadlock::crawl",
            "`prototype_channel`",
        ] {
            assert!(text.contains(wanted), "{wanted} in\n{text}");
        }
        assert_eq!(status, Some(3), "{text}");
    }
    let (text, status) = plain(&[&insight, "--once", "--json"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["problems"].as_array().map(Vec::len), Some(1), "{text}");
    let problem = &document["problems"][0];
    assert_eq!((&problem["kind"], &problem["tier"]), (&"deadlock".into(), &"suspected".into()));
    assert_eq!(problem["tasks"][0]["name"], "deadlock::crawl");
    assert_eq!(problem["resources"][0]["name"], "prototype_channel");
    assert_eq!(status, Some(3));
}

#[test]
fn the_exit_status_is_1_without_a_program() {
    // No program listens on port 1, and the system gives it to no test.
    for arguments in [&["127.0.0.1:1", "--once"][..], &["127.0.0.1:1", "--json"], &["--port", "1"]] {
        let (text, status) = plain(arguments);
        assert!(text.starts_with("consolation: 127.0.0.1:1: connection refused\nStart a program"), "{text}");
        assert_eq!(status, Some(1), "{text}");
    }
}
