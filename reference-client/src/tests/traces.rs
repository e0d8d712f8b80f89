//! Traces of tasks.

use super::story::{S, deadlock, story};
use super::{Screen, address};
use crate::app::Action;
use crate::args::Args;
use crate::connection::trace;
use crate::once::write_trace;
use crate::snapshot::Link;
use clap::Parser;
use insight_protocol::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Instant;

fn frame(kind: FrameKind, crate_name: &str, function: &str, at: Option<(&str, u32, &str)>) -> TraceFrame {
    let source = |text: &str| with!(SourceLine::new(SourceStatus::Found), text = Some(text.into()));
    with!(
        TraceFrame::new(kind),
        function = Some(function.into()),
        crate_name = Some(crate_name.into()),
        location = at.map(|(file, line, _)| SourceLocation::new(file, line, 9)),
        source = at.map(|(_, _, text)| source(text))
    )
}

/// A `select!` of a channel and a socket.
fn two_awaits() -> TaskTrace {
    use FrameKind::*;
    let tokio = |function: &str| frame(Runtime, "tokio", function, None);
    let main = |line, text| frame(Own, "barbara", "barbara::post", Some(("examples/barbara.rs", line, text)));
    let channel = with!(
        TraceLeaf::new(vec![
            tokio("tokio::sync::task::atomic_waker::AtomicWaker::do_register"),
            tokio("tokio::sync::mpsc::bounded::Receiver::recv"),
            main(70, "value = orders.recv() => value,"),
            frame(Runtime, "core", "<PollFn as Future>::poll", None),
            main(68, "select! {"),
        ]),
        function = Some("tokio::sync::mpsc::Receiver::recv".into()),
        own = Some(2)
    );
    let socket = with!(
        TraceLeaf::new(vec![
            tokio("tokio::runtime::io::registration::Registration::poll_ready"),
            frame(Dependency, "hyper", "<Connection as Future>::poll", None),
            frame(Runtime, "core", "<Pin as Future>::poll", None),
            main(71, "() = connection => return,"),
            frame(Runtime, "core", "<PollFn as Future>::poll", None),
            frame(Dependency, "futures-util", "<Either as Future>::poll", None),
            main(68, "select! {"),
        ]),
        function = Some("hyper::Connection".into()),
        own = Some(3),
        cut = true
    );
    let reason = "the task waits at 2 awaits at once";
    let trace = TaskTrace::without_leaves(TaskId(3), TraceOutcome::Captured, reason, 76 * S);
    with!(trace, leaves = vec![channel, socket], more = 3)
}

fn one_await(task: u64) -> TaskTrace {
    let mut trace = two_awaits();
    trace.leaves.truncate(1);
    with!(trace, task = TaskId(task), reason = "the task waits at one await".into(), more = 0)
}

/// The screen after the trace key, with its answer.
fn check(name: &str, answer: Option<Result<TaskTrace, &str>>, more: impl FnOnce(&mut super::Story)) {
    let mut screen = Screen::new(&story(more), 100, 34);
    screen.press("t");
    let Action::Trace(tasks) = &screen.last_action else { panic!("{:?}", screen.last_action) };
    let task = tasks[0];
    if let Some(answer) = answer {
        screen.app.traced(task, answer.map_err(str::to_owned));
    }
    let text = screen.text();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

fn nothing(_: &mut super::Story) {}

#[test]
fn t_shows_the_trace_of_a_task() {
    check("trace", Some(Ok(two_awaits())), nothing);
    check("trace_waiting", None, nothing);
    check("trace_refused", Some(Err("this program does not trace tasks: it sent \"404 no such path\"")), nothing);
    let running = TaskTrace::without_leaves(TaskId(1), TraceOutcome::Running, "the task is running", 70 * S);
    check("trace_running", Some(Ok(running)), nothing);
}

#[test]
fn a_wait_without_a_line_gets_the_line_of_the_trace() {
    check("trace_of_a_join", Some(Ok(one_await(6))), |story| {
        let name = Some(story.string("waits for its end"));
        story.push(with!(TaskSpawned::default(), id = TaskId(6), name, at_ns = 2 * S));
        story.wait(20, (6, 1), Operation::Send, "waiting for the task's end", None);
        // It then has the longest wait.
        story.push(EdgeClosed::new(EdgeId(1), 15 * S));
    });
}

#[test]
fn the_problem_view_traces_its_tasks() {
    let mut screen = Screen::new(&story(|story| story.push(deadlock(1, Tier::Proven))), 100, 40);
    let tasks: Vec<TaskId> = deadlock(1, Tier::Proven).problem.tasks.iter().map(|task| task.id).collect();
    assert_eq!(screen.press("P").last_action, Action::Trace(tasks.clone()));
    assert_eq!(screen.press("t").last_action, Action::None, "the answers are on their way");
    screen.app.traced(tasks[0], Ok(one_await(tasks[0].0)));
    let text = screen.text();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("trace_of_a_problem", text);
    });
    assert_eq!(screen.press("Esc P").last_action, Action::None, "known answers are not asked for again");
    assert_eq!(screen.press("t").last_action, Action::Trace(vec![tasks[0]]), "except by the trace key");
}

#[test]
fn a_trace_that_is_impossible_has_a_reason() {
    let mut screen = Screen::new(&story(nothing), 100, 20);
    assert_eq!(screen.press("Enter Enter t").last_action, Action::None);
    assert_eq!(screen.line(18).trim(), "Cannot trace: there is no task here.");
    screen.snapshot.link = Link::Gone { since: Instant::now(), why: "connection refused".into() };
    assert_eq!(screen.press("Esc t").last_action, Action::None);
    assert_eq!(screen.line(18).trim(), "Cannot trace: the program is not connected.");
    // An answer that comes after a restart of the program is of another task.
    let mut screen = Screen::new(&story(nothing), 100, 20);
    screen.app.traced(TaskId(1), Ok(one_await(1)));
    assert!(!screen.press("Enter").text().contains("TRACE"));
}

#[test]
fn a_trace_as_text() {
    let mut text = Vec::new();
    write_trace(&two_awaits(), usize::MAX, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("once_trace", text);
    });
    let id = |text: &str| Args::try_parse_from(["consolation", "--trace", text]).ok().and_then(|args| args.trace);
    assert_eq!(id("7"), Some(TaskId(7)));
    assert_eq!((id("0"), id("x"), id("9007199254740992")), (None, None, None));
}

#[test]
fn replies_of_programs() {
    let check = |reply: &str, expect: Result<TaskTrace, &str>| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let program = address(&listener.local_addr().unwrap().to_string());
        let actual = std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(reply.as_bytes());
            });
            trace(&program, TaskId(7))
        });
        assert_eq!(actual, expect.map_err(str::to_owned));
    };
    let reply = |status: &str, body: &str| format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    check(&reply("200 OK", &serde_json::to_string(&two_awaits()).unwrap()), Ok(two_awaits()));
    check(&reply("200 OK", "{}"), Err("the trace was not understood: missing field `task` at line 1 column 2"));
    check(&reply("404 Not Found", "there is no task 7\n"), Err("there is no task 7"));
    check(
        &reply("404 Not Found", "no such path\n"),
        Err("this program does not trace tasks: it sent \"404 no such path\""),
    );
    check(
        &reply("503 Service Unavailable", "8 tasks are\n"),
        Err("the program refuses: 503 Service Unavailable 8 tasks are"),
    );
}
