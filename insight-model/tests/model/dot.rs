use crate::scenario::{SETTLE_NS, scenario};
use insight_model::{Model, Watch, dot_problem};
use insight_protocol::*;

/// A model with its problems, after one check of a [`Watch`].
fn watched(facts: &str) -> Model {
    let mut model = scenario(facts);
    let mut messages = Vec::new();
    Watch::new(SETTLE_NS).check(&model, &mut messages);
    messages.iter().for_each(|message| model.apply(message));
    model
}

const PUMP: &str = "channel queue 2/2 receivers=2\ntask pump\ntask ticker timer\npump receiver queue\npump sends queue";

#[test]
fn a_program_and_a_problem_are_drawn() {
    let model = watched(PUMP);
    insta::assert_snapshot!(model.dot(), @r##"
    digraph program {
      rankdir=LR; node [fontname="sans-serif"]; edge [fontname="sans-serif"];
      t1 [shape=box, label="task 1: idle\npump\nsrc/main.rs:2", style=filled, fillcolor="#ffd6d6"];
      t2 [shape=box, label="task 2: idle\nticker\nsrc/main.rs:3"];
      r1 [shape=ellipse, label="channel 1: 2 of 2\nqueue\nsrc/main.rs:1"];
      r1 -> t1 [label="receiver"];
      t1 -> r1 [color=red, fontcolor=red, label="waiting to send\nsrc/main.rs:5"];
    }
    "##);
    insta::assert_snapshot!(dot_problem(&model.problems[&ProblemId(1)]), @r##"
    digraph problem {
      rankdir=LR; node [fontname="sans-serif"]; edge [fontname="sans-serif"];
      labelloc=t; label="deadlock cycle: task 1 (pump) waits for itself through channel `queue` (suspected: 1 more receiver of channel `queue` that no task has used yet)";
      t1 [shape=box, label="task 1\npump\nsrc/main.rs:2"];
      r1 [shape=ellipse, label="channel 1\nqueue\nsrc/main.rs:1"];
      r1 -> t1 [label="receiver"];
      t1 -> r1 [color=red, fontcolor=red, label="waiting to send\nsrc/main.rs:5"];
      note1 [shape=note, label="1 more receiver of channel `queue` that no task has used yet"];
      note2 [shape=note, label="unless the receiver of channel `queue` was given to other code after second 0.0, when task 1 (pump) used it"];
    }
    "##);
}

#[test]
fn special_characters_in_names_are_escaped() {
    let mut model = watched(PUMP);
    let name = "a \"b\" \\N {c|d} <e> &lt; \n\r\t\0 ü";
    model.apply(&DefineString::new(StringId(99), name).into());
    model.apply(&with!(TaskSpawned::default(), id = TaskId(9), name = Some(StringId(99))).into());
    let dot = model.dot();
    let line = dot.lines().find(|line| line.contains("t9 ")).unwrap();
    assert_eq!(line, r#"  t9 [shape=box, label="task 9\na \"b\" \\N {c|d} <e> &amp;lt; \n    ü"];"#);
    // r[security.control-characters]
    let name = "a\u{1b}b\u{7f}c\u{9b}d\u{202e}e\u{200b}f\u{feff}g\u{e0041}h ❤\u{fe0f}";
    model.apply(&DefineString::new(StringId(98), name).into());
    model.apply(&with!(TaskSpawned::default(), id = TaskId(8), name = Some(StringId(98))).into());
    let dot = model.dot();
    assert!(dot.contains("na b c d\u{fffd}e\u{fffd}f\u{fffd}g\u{fffd}h ❤\u{fe0f}"), "{dot}");
    assert!(!dot.chars().any(|it| insight_model::is_hidden(it) && it != '\n'), "{dot}");
}

#[test]
fn of_more_than_500_tasks_only_those_with_edges_are_drawn() {
    let mut facts = PUMP.to_owned();
    (0..500).for_each(|task| facts += &format!("\ntask t{task}"));
    let dot = watched(&facts).dot();
    assert_eq!(dot.matches("shape=box").count(), 1);
    assert!(dot.contains(r#"note1 [shape=note, label="501 more tasks without an edge"];"#), "{dot}");
}

#[test]
fn a_graph_has_the_own_line_of_each_wait_and_the_library_below_it() {
    let library = "/h/registry/src/i/deadpool-0.12.1/src/lib.rs";
    let model = watched(&format!(
        "resource pool semaphore 1/1 at={library}:9\ntask order\ntask page timer\norder permit pool at={library}:30
        order acquires pool at={library}:30
        awaits order edge=2 fn=deadpool::Pool::get dep:deadpool::Pool::get@{library}:28 own:order@src/main.rs:9
        awaits page fn=tokio::net::TcpStream::read own:shop::page@src/main.rs:31"
    ));
    insta::assert_snapshot!(model.dot(), @r##"
    digraph program {
      rankdir=LR; node [fontname="sans-serif"]; edge [fontname="sans-serif"];
      t1 [shape=box, label="task 1: idle\norder\nsrc/main.rs:2", style=filled, fillcolor="#ffd6d6"];
      t2 [shape=box, label="task 2: idle\npage\nsrc/main.rs:3\nwaits for `tokio::net::TcpStream::read` (`shop::page` at src/main.rs:31)"];
      r1 [shape=ellipse, label="semaphore 1: 1 of 1\npool\ndeadpool-0.12.1/src/lib.rs:9"];
      r1 -> t1 [label="permit\ndeadpool-0.12.1/src/lib.rs:30"];
      t1 -> r1 [color=red, fontcolor=red, label="waiting to acquire\nsrc/main.rs:9\ninside deadpool::Pool::get\ndeadpool-0.12.1/src/lib.rs:30"];
    }
    "##);
    insta::assert_snapshot!(dot_problem(&model.problems[&ProblemId(1)]), @r##"
    digraph problem {
      rankdir=LR; node [fontname="sans-serif"]; edge [fontname="sans-serif"];
      labelloc=t; label="deadlock cycle: task 1 (order) waits for itself through deadpool's semaphore `pool`, unless other code adds permits to deadpool's semaphore `pool` or closes it";
      t1 [shape=box, label="task 1\norder\nsrc/main.rs:2"];
      r1 [shape=ellipse, label="semaphore 1\npool\ndeadpool-0.12.1/src/lib.rs:9"];
      r1 -> t1 [label="permit\ndeadpool-0.12.1/src/lib.rs:30"];
      t1 -> r1 [color=red, fontcolor=red, label="waiting to acquire\nsrc/main.rs:9\ninside deadpool::Pool::get\ndeadpool-0.12.1/src/lib.rs:30"];
      note1 [shape=note, label="unless other code adds permits to deadpool's semaphore `pool` or closes it"];
    }
    "##);
}
