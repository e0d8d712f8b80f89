//! The vectors of "Who can end a wait" in SPEC.md, for the authors of clients. r[can-end.vectors]

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

macro_rules! vectors {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("../vectors/can-end-wait/", $name, ".json")))),*]
    };
}

/// The name and the JSON text of each case, by name.
pub static VECTORS: &[(&str, &str)] = vectors![
    "barrier-complete",
    "barrier-missing",
    "barrier-unknown",
    "blocking-slot",
    "broadcast-recv",
    "broadcast-send",
    "channel-closed-by-any",
    "channel-closed-not-reserved",
    "channel-closed-of-both",
    "channel-closed-of-nobody",
    "channel-closed-of-receiver",
    "channel-closed-of-sender",
    "channel-closed-outside",
    "channel-recv",
    "channel-recv-count-late",
    "channel-recv-ended-sender",
    "channel-recv-no-counts",
    "channel-recv-no-sender-left",
    "channel-recv-not-queued",
    "channel-recv-only-weak",
    "channel-recv-outside",
    "channel-recv-own-sender",
    "channel-recv-reserved",
    "channel-recv-shared",
    "channel-recv-shared-hides-none",
    "channel-recv-unused",
    "channel-recv-weak",
    "channel-recv-weak-unknown",
    "channel-rendezvous",
    "channel-reserve-too-much",
    "channel-send",
    "channel-send-outside",
    "channel-send-reserved",
    "extension-kind",
    "extension-operation",
    "extension-operation-needs-much",
    "foreign",
    "gap",
    "gap-of-edge-added-later",
    "gap-of-edge-closed",
    "gap-of-edge-updated",
    "gap-of-edge-wait",
    "gap-of-parties",
    "gap-of-resource-dropped",
    "gap-of-resource-updated",
    "gap-of-statistics",
    "gap-of-task-completed",
    "gap-standing",
    "gap-then-snapshot",
    "gap-without-kinds",
    "grant-taken-back",
    "granted-itself",
    "granted-timer",
    "io",
    "join-circle",
    "join-ended",
    "join-one",
    "join-set",
    "join-unobserved",
    "mutex-barging",
    "mutex-ended-holder",
    "mutex-fifo-ahead",
    "mutex-fifo-equal-time",
    "mutex-fifo-granted",
    "mutex-fifo-granted-transferable",
    "mutex-fifo-other-operation",
    "mutex-fifo-own-operation-ahead",
    "mutex-fifo-time-not-id",
    "mutex-holder",
    "mutex-no-hand-off",
    "mutex-own",
    "mutex-released",
    "mutex-state-completed",
    "mutex-transferable",
    "mutex-unknown-hand-off",
    "mutex-unknown-hand-off-granted",
    "mutex-unknown-holder",
    "mutex-waiter-ended",
    "notify",
    "once-cell-init",
    "once-cell-init-unknown",
    "once-cell-wait",
    "once-cell-wait-init",
    "oneshot-closed",
    "oneshot-recv",
    "operation-of-another-kind",
    "order-of-others",
    "other-resources",
    "rwlock-barging-granted-reader",
    "rwlock-granted-writer",
    "rwlock-no-length",
    "rwlock-nobody",
    "rwlock-read-behind-writer",
    "rwlock-read-close-writer",
    "rwlock-read-earlier-writer",
    "rwlock-read-granted-writer",
    "rwlock-read-late-writer",
    "rwlock-read-no-shared-hold",
    "rwlock-read-not-behind-reader",
    "rwlock-read-writer",
    "rwlock-unknown-readers",
    "rwlock-upgrade",
    "rwlock-write-behind-reader",
    "rwlock-write-readers",
    "rwlock-writer-first",
    "rwlock-writer-first-write",
    "rwlock-writer-first-written",
    "semaphore-added",
    "semaphore-as-signal",
    "semaphore-barging-granted",
    "semaphore-behind-a-large-need",
    "semaphore-ended-holder",
    "semaphore-granted",
    "semaphore-holders",
    "semaphore-no-length",
    "semaphore-too-much",
    "semaphore-two-holds",
    "semaphore-unknown-holder",
    "snapshot-ended-holder",
    "timer",
    "watch-changed",
    "watch-closed",
];

/// A client's answer to one case, as one line of JSON.
#[derive(Deserialize)]
struct Answer {
    name: String,
    answer: Value,
}

/// The value of a case.
fn case((name, text): &(&str, &str)) -> Value {
    let mut case: Value = serde_json::from_str(text).expect("a test reads each vector");
    case["name"] = (*name).into();
    case
}

/// The name and the title of each case.
pub fn titles() -> impl Iterator<Item = (&'static str, String)> {
    VECTORS.iter().map(|vector| (vector.0, case(vector)["title"].as_str().unwrap_or_default().to_owned()))
}

/// The questions to a client: a line of JSON for each case, with its `name`, and without its `answer`.
pub fn questions() -> impl Iterator<Item = String> {
    VECTORS.iter().map(|vector| {
        let mut case = case(vector);
        if let Some(fields) = case.as_object_mut() {
            fields.remove("answer");
        }
        case.to_string()
    })
}

/// Compares the answers of a client, one line of JSON for each case, with the expected ones. Returns a text for each case
/// that is wrong or missing.
pub fn wrong_answers(answers: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut given: BTreeMap<String, Value> = BTreeMap::new();
    for (index, line) in answers.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str::<Answer>(line) {
            Ok(Answer { name, answer }) => {
                if given.insert(name.clone(), answer).is_some() {
                    wrong.push(format!("line {}: a second answer to {name}", index + 1));
                }
            }
            Err(error) => wrong.push(format!("line {}: not an answer: {error}", index + 1)),
        }
    }
    for vector in VECTORS {
        let (case, name) = (case(vector), vector.0);
        let (title, expect) = (case["title"].as_str().unwrap_or_default(), &case["answer"]);
        match given.remove(name) {
            Some(answer) if answer == *expect => {}
            Some(answer) => {
                wrong.push(format!("{name}: {title}\n  expected: {expect}\n  answered: {answer}"));
            }
            None => wrong.push(format!("{name}: {title}\n  no answer")),
        }
    }
    wrong.extend(given.into_keys().map(|name| format!("{name}: there is no such case")));
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Sink, Summary, check, rule};
    use std::collections::BTreeSet;
    use std::path::Path;

    struct Findings(Vec<String>);

    impl Sink for Findings {
        fn finding(&mut self, finding: &crate::Finding) -> std::io::Result<()> {
            self.0.push(format!("line {}: {}: {}", finding.line, finding.rule.id, finding.actual));
            Ok(())
        }

        fn end(&mut self, _: &Summary) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_list_has_each_file_of_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/can-end-wait");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(files, VECTORS.iter().map(|(name, _)| (*name).to_owned()).collect());
    }

    #[test]
    fn the_messages_of_each_vector_break_no_rule() {
        for vector in VECTORS {
            let messages: Vec<String> =
                case(vector)["messages"].as_array().unwrap().iter().map(|message| format!("{message}\n")).collect();
            let mut findings = Findings(Vec::new());
            check(messages.concat().as_bytes(), Options::default(), &mut findings).unwrap();
            assert!(findings.0.is_empty(), "{}: {:?}", vector.0, findings.0);
        }
    }

    #[test]
    fn each_rule_of_the_algorithm_has_a_vector() {
        let mut tested: BTreeSet<String> = BTreeSet::new();
        for vector in VECTORS {
            for id in case(vector)["rules"].as_array().unwrap() {
                let id = id.as_str().unwrap();
                assert!(rule(id).is_some(), "{}: SPEC.md has no rule {id}", vector.0);
                tested.insert(id.to_owned());
            }
        }
        let about_screens = ["can-end.shown", "can-end.vectors"];
        for rule in crate::rules().iter().filter(|rule| rule.id.starts_with("can-end.")) {
            assert!(tested.contains(rule.id) || about_screens.contains(&rule.id), "{} has no vector", rule.id);
        }
    }

    #[test]
    fn expected_answers_are_right_and_all_others_wrong() {
        let answer = |vector: &(&str, &str)| {
            let case = case(vector);
            serde_json::json!({ "name": case["name"], "answer": case["answer"] }).to_string()
        };
        let answers: Vec<String> = VECTORS.iter().map(answer).collect();
        assert_eq!(wrong_answers(&answers.join("\n")), Vec::<String>::new());
        assert_eq!(wrong_answers("").len(), VECTORS.len());
        let other = answers.join("\n").replacen("\"holder\"", "\"ahead\"", 1);
        assert_eq!(wrong_answers(&other).len(), 1);
        let more = format!("{}\n{}\nno JSON\n{{\"name\":\"none\",\"answer\":{{}}}}", answers.join("\n"), answers[0]);
        assert_eq!(wrong_answers(&more).len(), 3);
    }

    #[test]
    fn questions_have_no_answers() {
        let questions: Vec<Value> = questions().map(|line| serde_json::from_str(&line).unwrap()).collect();
        assert_eq!(questions.len(), VECTORS.len());
        assert!(questions.iter().all(|it| it["answer"].is_null() && it["wait"].is_u64() && it["name"].is_string()));
        assert!(titles().all(|(_, title)| !title.is_empty()));
    }
}
