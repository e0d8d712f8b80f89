//! A stream: neither the checker nor the fold panics on any, each finding is of a rule and of its line, and what a
//! producer that keeps the rules sends is not found fault with, nor what is made of it.
//!
//! The first byte says what the others are: 0 a stream that keeps the rules, 1 messages with ids that collide; anything
//! else is the first byte of a text.

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

/// Whatever it is: no panic, and findings of this line.
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

/// Of a stream without a fault: the checker finds none, nor in the diagnosis that is made of it, nor in the snapshot,
/// which folds to the same model.
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
            // What was lost is made up for, after the problems are those of now: a snapshot tells of what stands.
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
}
