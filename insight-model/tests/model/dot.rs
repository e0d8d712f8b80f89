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
