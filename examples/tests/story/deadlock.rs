//! The crawler that waits for itself.

use crate::files::{Folder, place};
use crate::http::get;
use crate::program::{DEADLOCK, Program};
use crate::screen::{ENTER, ESC, Screen};
use crate::stream::Stream;
use insight_protocol::{ProblemKind, ResourceKind, Tier};
use serde_json::Value;
use std::process::{Command, Stdio};

const BANNER: &str = "suspected deadlock, P for more";

/// The await that the task is stuck at.
fn stuck() -> String {
    place("examples/deadlock.rs", "queue.send(page * 3 + link).await")
}

#[test]
fn the_deadlock_is_suspected_with_its_task_channel_await_and_way_out() {
    let program = Program::start(DEADLOCK);
    let stream = Stream::attach(&program.insight());
    stream.until("the problem", |received| {
        let (problem, at_ns) = received.raised().into_iter().next()?;
        let took_ms = (at_ns - problem.since_ns) / 1_000_000;
        println!("raised {took_ms} ms after the task stood still");
        assert!(took_ms <= 2000, "{took_ms} ms");
        assert_eq!((&problem.kind, problem.tier), (&ProblemKind::Deadlock, Tier::Suspected));
        let tasks: Vec<_> = problem.tasks.iter().map(|task| task.name.as_deref()).collect();
        assert_eq!(tasks, [Some("deadlock::crawl")]);
        let resources: Vec<_> = problem.resources.iter().map(|it| (&it.kind, it.name.as_deref())).collect();
        assert_eq!(resources, [(&ResourceKind::Channel, Some("prototype_channel"))]);
        let waits: Vec<_> = problem.edges.iter().filter(|edge| edge.kind == "wait").collect();
        assert_eq!(waits.len(), 1, "{waits:?}");
        let at = waits[0].location.as_ref().expect("an await in this program has a place").to_string();
        assert!(at.starts_with(&format!("{}:", stuck())), "{at}");
        assert!(problem.unknowns.is_empty(), "{:?}", problem.unknowns);
        let [way] = &problem.unless[..] else { panic!("{:?}", problem.unless) };
        let (begins, ends) = ("the receiver of channel `prototype_channel` was given to other code after ", "used it");
        assert!(way.starts_with(begins) && way.ends_with(ends), "{way}");
        Some(())
    });
    let problems: Value = serde_json::from_str(&get(&format!("http://{}/v1/problems", program.insight()))).unwrap();
    let problems = problems["problems"].as_array().expect("a list");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0]["tier"], "suspected");
    assert_eq!(problems[0]["tasks"].as_array().map(Vec::len), Some(1));
    assert_eq!(problems[0]["resources"].as_array().map(Vec::len), Some(1));
    assert_eq!(problems[0]["resources"][0]["name"], "prototype_channel");
    let docs = problems[0]["docs"].as_str().expect("a path");
    assert!(get(&format!("http://{}{docs}", program.insight())).contains("<html"));
    // The problem stays, and is not raised again.
    stream.wait_until_covered(stream.read(|received| received.model.told_ns) + 1_000_000_000);
    stream.read(|received| assert_eq!(received.raised().len(), 1));
}

#[test]
fn banner_problem_view_and_dot_file_show_the_deadlock() {
    let program = Program::start(DEADLOCK);
    let folder = Folder::new();
    let mut screen = Screen::open_in(folder.path(), &program.insight(), 120, 40);
    // The banner is the first row of every view, in black on amber, since the hang is suspected.
    let has_banner = |screen: &Screen, view: &[&str]| {
        screen.until(&format!("the banner over {view:?}"), |frame| {
            let (rows, text) = (frame.rows(), frame.text());
            let shown = rows[0].contains(BANNER) && view.iter().all(|wanted| text.contains(wanted));
            (shown && frame.background(BANNER) == Some(vt100::Color::Idx(214))).then_some(())
        });
    };
    has_banner(&screen, &["ID", "crawl"]);
    screen.press(ENTER);
    has_banner(&screen, &["waiting on channel capacity", &format!("at {}:", stuck())]);
    screen.press(ENTER);
    has_banner(&screen, &["channel `prototype_channel`", "CAN UNBLOCK IT"]);
    screen.press("?");
    has_banner(&screen, &["┌ Help "]);
    screen.press(ESC);
    screen.hides("┌ Help ");

    screen.press("P");
    has_banner(
        &screen,
        &[
            "suspected deadlock",
            "TASKS",
            "deadlock::crawl",
            "RESOURCES",
            "channel `prototype_channel`",
            "UNLESS",
            "ADVICE",
        ],
    );
    screen.shows(&[&stuck(), &format!("http://{}/docs/deadlock", program.insight())]);
    screen.press("D");
    screen.shows(&["wrote insight-deadlock-1.dot in "]);
    let file = folder.path().join("insight-deadlock-1.dot");
    let dot = std::fs::read_to_string(&file).unwrap();
    assert!(dot.starts_with("digraph") && dot.contains("prototype_channel"), "{dot}");
    assert_draws(&dot);
    assert_draws(&get(&format!("http://{}/v1/graph.dot", program.insight())));
    screen.quit();
}

/// Checks that Graphviz draws this graph without a message.
fn assert_draws(dot: &str) {
    let child =
        Command::new("dot").arg("-Tsvg").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        println!("graphviz's `dot` is not installed: nothing was drawn");
        return;
    };
    std::io::Write::write_all(&mut child.stdin.take().expect("it is piped"), dot.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && messages.is_empty(), "{messages}\n{dot}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("<svg"));
}
