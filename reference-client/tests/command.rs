//! The binary: its exit status and its messages.

#[path = "../src/tests/story.rs"]
mod story;

use insight_protocol::Tier;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

/// Runs the binary against a server that gives one answer.
fn run(answer: &str, options: &[&str]) -> Output {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while request.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            stream.write_all(answer.as_bytes()).unwrap();
        });
        command(&[&["--port", &port], options].concat())
    })
}

fn command(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_consolation")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn snapshot(problem: Option<Tier>) -> String {
    let story = story::story(|story| problem.into_iter().for_each(|tier| story.push(story::deadlock(1, tier))));
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}\n", story.lines().join("\n"))
}

#[test]
fn the_exit_status_says_whether_a_problem_was_found() {
    let check = |answer: &str, options: &[&str], status: i32, expect: &str| {
        let output = run(answer, options);
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(expect), "{text}");
        assert_eq!(output.status.code(), Some(status), "{text}");
    };
    check(&snapshot(None), &["--once"], 0, "waits for `prototype_channel`: waiting on channel capacity (send)");
    check(&snapshot(None), &[], 0, "no problem found");
    check(&snapshot(Some(Tier::Proven)), &["--once"], 3, "deadlock cycle: task 3 (post_prototype) waits for itself");
    check(&snapshot(Some(Tier::Suspected)), &["--once", "--json"], 3, "\"tier\": \"suspected\"");
    check("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\nno", &["--once"], 1, "does not speak insight");
    check("SSH-2.0-OpenSSH_9.6\r\n", &["--once"], 1, "does not speak insight: it said something that is not HTTP");
}

#[test]
fn a_wrong_command_line_is_status_2() {
    for arguments in [&["--port", "0"][..], &["a/b"], &["--what"], &["localhost:1", "--port", "2"]] {
        assert_eq!(command(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn the_json_is_json() {
    let output = run(&snapshot(None), &["--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["tasks"][0]["waits"][0]["resource_name"], "prototype_channel");
    assert_eq!(document["tasks"][0]["waits"][0]["freed_by"]["tasks"][0], 4);
}

#[test]
fn a_recording_has_a_last_picture() {
    let recordings = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/recordings");
    let check = |name: &str, status: i32, expect: &str| {
        let output = command(&["--recording", &format!("{recordings}/{name}")]);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(status), "{text}");
        assert!(text.contains(expect), "{text}");
    };
    check("barbara.ndjson", 0, "as recorded in ");
    check("deadlock.ndjson", 3, "problem 1: deadlock cycle");
    check("no_such", 1, "no such file or directory");
    check("../README.md", 1, "it said");
}
