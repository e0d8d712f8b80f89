//! Streams for the checker and the model. Neither panics on any stream, and each finding names a rule and the present line.
//! If the stream keeps the rules, the checker has no finding, neither in the stream nor in the problems and snapshots that
//! the model makes from it.
//!
//! The first byte is the kind of the rest: 0 for a stream that keeps the rules, 1 for messages with ids that collide.
//! Any other byte is the first byte of a text.

#![no_main]

use arbitrary::Unstructured;
use insight_fuzz::{RULES, tidy, wild};
use insight_model::{Checker, DEFAULT_SETTLE_NS, Model, RuleFinding, Watch, diagnose};
use insight_protocol::{Decoded, Message, decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match bytes {
    [0, rest @ ..] => keeps_the_rules(&tidy::stream(rest)),
    [1, rest @ ..] => {
        let Ok(lines) = wild::lines(&mut Unstructured::new(rest)) else { return };
        any(lines.iter().map(String::as_str));
    }
    text => any(String::from_utf8_lossy(text).lines()),
});

/// Checks any lines: no panic, and findings in the present line only.
fn any<'l>(lines: impl Iterator<Item = &'l str>) {
    let mut checker = Checker::default();
    let mut model = Model::default();
    let mut watch = Watch::new(0);
    let mut number = 0;
    for line in lines {
        number += 1;
        findings_of_line(&checker.line(line), number);
        assert!(checker.alive() as u64 <= number, "{} are alive after {number} lines", checker.alive());
        let Ok(Decoded::Message { message, .. }) = decode(line) else { continue };
        model.apply(&message);
        if let Message::StreamHeartbeat(_) = message {
            watch.check(&model, &mut Vec::new());
        }
    }
    findings_of_line(&checker.end(), number + 1);
    diagnose(&model, DEFAULT_SETTLE_NS);
    model.dot();
    model.snapshot();
    model.problems();
    for task in model.tasks.values() {
        task.times(model.now_ns);
        model.waits_of_task(task.id);
    }
}

fn findings_of_line(findings: &[RuleFinding], number: u64) {
    for finding in findings {
        assert!(RULES.contains(finding.rule), "SPEC.md has no rule {}", finding.rule);
        assert_eq!(finding.line, number, "{finding:?}");
    }
}

/// Checks a stream that keeps the rules. The checker has no finding in it, in its problems, or in its snapshot. The snapshot
/// folds to the same model.
fn keeps_the_rules(messages: &[Message]) {
    let mut checker = Checker::default();
    let mut model = Model::default();
    let mut watch = Watch::new(0);
    let mut seq = 0;
    let mut send = |checker: &mut Checker, message: &Message| {
        seq += 1;
        let line = encode(seq, message);
        assert_eq!(checker.line(&line), [], "{line}");
    };
    for message in messages {
        send(&mut checker, message);
        model.apply(message);
        let lost = matches!(message, Message::Gap(_));
        if lost || matches!(message, Message::StreamHeartbeat(_)) {
            let mut problems = Vec::new();
            watch.check(&model, &mut problems);
            for problem in &problems {
                send(&mut checker, problem);
                model.apply(problem);
            }
        }
        if lost {
            // The snapshot supplies the lost facts. It comes after the problems, since it must have the present ones.
            for message in model.snapshot().iter().chain([&tidy::reason()]) {
                send(&mut checker, message);
                model.apply(message);
            }
        }
    }
    assert_eq!(checker.end(), []);

    let mut checker = Checker::default();
    let mut same = Model::default();
    let snapshot = model.snapshot();
    for (seq, message) in (1..).zip(messages.iter().take(1).chain(&snapshot)) {
        let line = encode(seq, message);
        assert_eq!(checker.line(&line), [], "{line}");
        same.apply(message);
    }
    assert_eq!(checker.end(), []);
    assert_eq!(same.snapshot(), snapshot);
    assert_eq!((same.tasks, same.resources, same.edges), (model.tasks, model.resources, model.edges));
    assert_eq!(same.ended_tasks, model.ended_tasks);
}
