//! Recordings of real programs break no rule, and each mutation of one is found, with the right rule.

use insight_model::{Checker, RuleFinding};

const STORY: &str = include_str!("../../conformance/recordings/barbara.ndjson");
const DEADLOCK: &str = include_str!("../../conformance/recordings/deadlock.ndjson");
const LOCK_ORDER: &str = include_str!("../../conformance/recordings/lock_order.ndjson");

fn check(lines: &[String]) -> Vec<RuleFinding> {
    let mut checker = Checker::default();
    let mut findings: Vec<RuleFinding> = lines.iter().flat_map(|line| checker.line(line)).collect();
    findings.extend(checker.end());
    findings
}

fn lines(recording: &str) -> Vec<String> {
    recording.lines().map(str::to_owned).collect()
}

/// Gives the lines their numbers anew: what was done to them is not found by that.
fn renumber(lines: &mut [String]) {
    for (number, line) in lines.iter_mut().enumerate() {
        let rest = line.split_once(',').map_or("", |(_, rest)| rest).to_owned();
        *line = format!("{{\"seq\":{},{rest}", number + 1);
    }
}

/// The last line of this type.
fn last(lines: &[String], type_name: &str) -> usize {
    let tag = format!("\"type\":\"{type_name}\"");
    lines.iter().rposition(|line| line.contains(&tag)).unwrap_or_else(|| panic!("no {type_name}"))
}

fn first(lines: &[String], type_name: &str) -> usize {
    let tag = format!("\"type\":\"{type_name}\"");
    lines.iter().position(|line| line.contains(&tag)).unwrap_or_else(|| panic!("no {type_name}"))
}

/// The number of a field of a line.
fn number(line: &str, field: &str) -> u64 {
    let (_, rest) = line.split_once(&format!("\"{field}\":")).unwrap_or_else(|| panic!("no {field} in {line}"));
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

fn set(line: &mut String, field: &str, value: u64) {
    let before = number(line, field);
    *line = line.replacen(&format!("\"{field}\":{before}"), &format!("\"{field}\":{value}"), 1);
}

#[test]
fn recordings_break_no_rule() {
    for recording in [STORY, DEADLOCK, LOCK_ORDER] {
        assert_eq!(check(&lines(recording)), []);
    }
}

#[test]
fn a_recording_that_is_cut_off_breaks_no_rule() {
    let whole = lines(LOCK_ORDER);
    for end in 1..whole.len() {
        assert_eq!(check(&whole[..end]), [], "cut off after line {end}");
    }
}

/// What is done to the lines of a recording.
type Mutate = fn(&mut Vec<String>);

#[test]
fn each_mutation_is_found() {
    let duplicate: Mutate = |lines| {
        let at = last(lines, "task.completed");
        lines.insert(at + 1, lines[at].clone());
        renumber(lines);
    };
    let mutations: Vec<(&str, &str, Mutate)> = vec![
        ("stream.seq.plus-one", STORY, |lines| drop(lines.remove(20))),
        ("header.first", STORY, |lines| {
            lines.remove(0);
            renumber(lines);
        }),
        ("header.once", STORY, |lines| {
            lines.push(lines[0].clone());
            renumber(lines);
        }),
        ("file.opening", DEADLOCK, |lines| {
            let begin = first(lines, "snapshot.begin");
            let end = first(lines, "snapshot.end");
            lines.drain(begin..=end);
            renumber(lines);
        }),
        ("framing.message", STORY, |lines| lines[30] = "hello".to_owned()),
        ("malformed.known-type", STORY, |lines| {
            let at = last(lines, "task.completed");
            lines[at] = lines[at].replace("\"outcome\"", "\"outcomes\"");
        }),
        ("task.completed.once", STORY, duplicate),
        ("task.completed.last", STORY, |lines| {
            let (end, stats) = (last(lines, "task.completed"), last(lines, "task.stats"));
            let ended = number(&lines[end], "id");
            let mut late = lines[stats].clone();
            set(&mut late, "id", ended);
            lines.push(late);
            renumber(lines);
        }),
        ("id.never-reused", STORY, |lines| {
            let (end, spawn) = (last(lines, "task.completed"), last(lines, "task.spawned"));
            let ended = number(&lines[end], "id");
            let mut again = lines[spawn].clone();
            set(&mut again, "id", ended);
            lines.push(again);
            renumber(lines);
        }),
        ("heartbeat.forward", STORY, |lines| {
            let at = last(lines, "stream.heartbeat");
            set(&mut lines[at], "at_ns", 5);
        }),
        ("task.stats.monotone", STORY, |lines| {
            let at = last(lines, "task.stats");
            set(&mut lines[at], "polls", 0);
        }),
        ("task.stats.once-a-sample", STORY, |lines| {
            let at = last(lines, "task.stats");
            lines.insert(at, lines[at].clone());
            renumber(lines);
        }),
        ("edge.closed.once", STORY, |lines| {
            let at = last(lines, "edge.closed");
            lines.insert(at, lines[at].clone());
            renumber(lines);
        }),
        ("gap.left-out-whole", STORY, |lines| {
            // The opening of an edge that is closed later.
            let closed = number(&lines[last(lines, "edge.closed")], "id");
            let opened = |line: &String| {
                ["edge.wait", "edge.party", "edge.hold"].iter().any(|tag| line.contains(tag))
                    && number(line, "id") == closed
            };
            let at = lines.iter().position(opened).unwrap();
            lines.remove(at);
            renumber(lines);
        }),
        ("edge.opened.ends-known", STORY, |lines| {
            let at = last(lines, "edge.wait");
            set(&mut lines[at], "resource", 4_000_000);
        }),
        ("edge.opened.once", LOCK_ORDER, |lines| {
            let at = last(lines, "edge.wait");
            lines.insert(at, lines[at].clone());
            renumber(lines);
        }),
        ("edge.hold.before-release", LOCK_ORDER, |lines| {
            let at = last(lines, "edge.hold");
            let mut second = lines[at].clone();
            set(&mut second, "id", 5_000_000);
            lines.insert(at + 1, second);
            renumber(lines);
        }),
        ("edge.closed.not-before-since", STORY, |lines| {
            // Of a wait or a hold: for parties there is no such rule.
            let waits: Vec<u64> =
                lines.iter().filter(|line| line.contains("edge.wait")).map(|line| number(line, "id")).collect();
            let closes = |line: &String| line.contains("edge.closed") && waits.contains(&number(line, "id"));
            let at = lines.iter().rposition(closes).unwrap();
            set(&mut lines[at], "at_ns", 1);
        }),
        ("define.before-use", STORY, |lines| {
            let at = last(lines, "define.location");
            lines.remove(at);
            renumber(lines);
        }),
        ("define.once", STORY, |lines| {
            let at = last(lines, "define.string");
            let other = lines[at].replace("\"text\":\"", "\"text\":\"another ");
            lines.push(other);
            renumber(lines);
        }),
        ("resource.dropped.once", STORY, |lines| {
            let at = last(lines, "resource.dropped");
            lines.insert(at, lines[at].clone());
            renumber(lines);
        }),
        ("problem.cleared.once", DEADLOCK, |lines| {
            lines.push(r#"{"seq":0,"type":"problem.cleared","id":77,"at_ns":9}"#.to_owned());
            renumber(lines);
        }),
        ("problem.new-id", DEADLOCK, |lines| {
            let raised = lines[last(lines, "problem.raised")].clone();
            lines.push(r#"{"seq":0,"type":"problem.cleared","id":1,"at_ns":9}"#.to_owned());
            lines.push(raised);
            renumber(lines);
        }),
        ("resource.dropped.no-edge-closed", LOCK_ORDER, |lines| {
            let hold = lines[last(lines, "edge.hold")].clone();
            let (edge, resource) = (number(&hold, "id"), number(&hold, "resource"));
            lines.push(format!(r#"{{"seq":0,"type":"resource.dropped","id":{resource},"at_ns":9}}"#));
            lines.push(format!(r#"{{"seq":0,"type":"edge.closed","id":{edge},"at_ns":9}}"#));
            renumber(lines);
        }),
        ("snapshot.self-contained", DEADLOCK, |lines| {
            let snapshot = [
                r#"{"seq":0,"type":"snapshot.begin","at_ns":9,"tasks":1,"resources":0,"edges":0,"problems":0}"#,
                r#"{"seq":0,"type":"task.spawned","id":2,"kind":"task","name":1,"at_ns":9}"#,
                r#"{"seq":0,"type":"snapshot.end","at_ns":9}"#,
            ];
            lines.extend(snapshot.map(str::to_owned));
            renumber(lines);
        }),
        ("extension.listed", DEADLOCK, |lines| {
            lines.push(r#"{"seq":0,"type":"com.example.flush","at_ns":9}"#.to_owned());
            renumber(lines);
        }),
        ("problem.raised.once", DEADLOCK, |lines| {
            let at = last(lines, "problem.raised");
            lines.insert(at, lines[at].clone());
            renumber(lines);
        }),
        ("problem.proven.nothing-unknown", DEADLOCK, |lines| {
            let raised = last(lines, "problem.raised");
            for line in &mut lines[..raised] {
                *line = line.replace("\"foreign_wakers\":0", "\"foreign_wakers\":1");
            }
        }),
        ("problem.suspected.named", DEADLOCK, |lines| {
            let at = last(lines, "problem.raised");
            lines[at] = lines[at].replace("\"tier\":\"proven\"", "\"tier\":\"suspected\"");
        }),
        ("problem.proven.certain", DEADLOCK, |lines| {
            lines.iter_mut().for_each(|line| {
                if line.contains("edge.party") && line.contains("receiver") {
                    *line = line.replace(",\"exclusive\":true", "");
                }
            });
        }),
        ("snapshot.counts", STORY, |lines| {
            let at = first(lines, "snapshot.begin");
            let tasks = number(&lines[at], "tasks");
            set(&mut lines[at], "tasks", tasks + 1);
        }),
        ("snapshot.end.same-time", STORY, |lines| {
            let at = first(lines, "snapshot.end");
            set(&mut lines[at], "at_ns", 3);
        }),
        ("version.digits", STORY, |lines| lines[0] = lines[0].replace("\"1.0\"", "\"one\"")),
    ];
    for (rule, recording, mutate) in mutations {
        let mut lines = lines(recording);
        mutate(&mut lines);
        let found: Vec<&str> = check(&lines).iter().map(|finding| finding.rule).collect();
        assert_eq!(found.first(), Some(&rule), "of {found:?}");
    }
}

#[test]
fn each_rule_that_requirements_say_it_checks_is_checked() {
    let sources = [
        include_str!("../src/lifecycle/edges.rs"),
        include_str!("../src/lifecycle/problems.rs"),
        include_str!("../src/lifecycle/snapshot.rs"),
        include_str!("../src/lifecycle/stream.rs"),
        include_str!("../src/lifecycle/tasks.rs"),
        include_str!("../src/lifecycle.rs"),
        // The decoder names the rules of single lines.
        include_str!("../../insight-protocol/src/codec.rs"),
    ];
    let requirements = include_str!("../../conformance/requirements.toml");
    let rules: Vec<&str> =
        requirements.split("\"lifecycle:").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(rules.len() > 50);
    for rule in rules {
        assert!(sources.iter().any(|source| source.contains(&format!("\"{rule}\""))), "nothing checks r[{rule}]");
    }
}

#[test]
fn any_line_may_be_lost_or_broken_without_a_panic() {
    for recording in [STORY, DEADLOCK, LOCK_ORDER] {
        let whole = lines(recording);
        for at in 0..whole.len() {
            let mut without = whole.clone();
            without.remove(at);
            assert!(at + 1 == whole.len() || !check(&without).is_empty(), "line {} is missed", at + 1);
            let mut broken = whole.clone();
            broken[at] = whole[at].chars().take(whole[at].chars().count() / 2).collect();
            assert!(!check(&broken).is_empty(), "line {} is half a line", at + 1);
        }
    }
}

#[test]
fn memory_is_of_what_is_alive() {
    let mut checker = Checker::default();
    let mut seq = 0;
    let mut send = |checker: &mut Checker, body: String| {
        seq += 1;
        let findings = checker.line(&format!("{{\"seq\":{seq},{body}"));
        assert_eq!(findings, []);
    };
    send(&mut checker, lines(DEADLOCK)[0].split_once(',').unwrap().1.to_owned());
    let empty = r#""type":"snapshot.begin","at_ns":1,"tasks":0,"resources":0,"edges":0,"problems":0}"#;
    send(&mut checker, empty.to_owned());
    send(&mut checker, r#""type":"snapshot.end","at_ns":1}"#.to_owned());
    for id in 1..=20_000 {
        send(&mut checker, format!(r#""type":"task.spawned","id":{id},"kind":"task","at_ns":{id}}}"#));
        if id > 100 {
            let ended = id - 100;
            send(&mut checker, format!(r#""type":"task.completed","id":{ended},"outcome":"returned","at_ns":{id}}}"#));
        }
        assert!(checker.alive() <= 101);
    }
}
