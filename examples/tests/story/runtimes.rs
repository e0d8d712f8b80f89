//! The same programs on tokio, smol and async-std have the same tasks, resources, lines and problems.

use crate::barbara::Hang;
use crate::consolation::plain;
use crate::files::root;
use crate::http::get;
use crate::program::{BARBARA, DEADLOCK, LOCK_ORDER, Program};
use crate::screen::{ENTER, Screen};
use crate::stream::{self, Stream};
use insight_protocol::{FrameKind, Operation, TaskTrace, TraceOutcome};
use serde_json::Value;
use std::fs;

/// A program on each runtime. The first one is on tokio.
struct OnAll {
    source: &'static str,
    programs: [(Runtime, &'static str); 3],
}

#[derive(Clone, Copy)]
struct Runtime {
    /// The name of the executor.
    name: &'static str,
    /// The prefix of each program's name.
    prefix: &'static str,
    /// The folder with the programs' sources.
    folder: &'static str,
    /// Source texts that differ, each with the text in the tokio program.
    words: &'static [(&'static str, &'static str)],
}

const TOKIO: Runtime = Runtime { name: "tokio", prefix: "", folder: "examples/", words: &[JOINED[0], JOINED[1]] };
/// When a tokio task has panicked, its handle returns an error. On the other runtimes the handle panics.
const JOINED: [(&str, &str); 2] =
    [(".await.expect(\"the crawler does not panic\")", ".await"), (".await.expect(\"no panic\")", ".await")];
const SMOL: Runtime = Runtime {
    name: "smol",
    prefix: "smol_",
    folder: "examples/smol/",
    words: &[("smol::spawn", "tokio::spawn"), (".await.ok()", ".await"), ("channel::bounded", "mpsc::channel")],
};
const ASYNC_STD: Runtime = Runtime {
    name: "async-std",
    prefix: "async_std_",
    folder: "examples/async-std/",
    words: &[("task::spawn", "tokio::spawn"), (".await.ok()", ".await"), ("channel::bounded", "mpsc::channel")],
};

const BARBARAS: OnAll = OnAll {
    source: "barbara.rs",
    programs: [
        (TOKIO, BARBARA),
        (SMOL, env!("CARGO_BIN_EXE_smol_barbara")),
        (ASYNC_STD, env!("CARGO_BIN_EXE_async_std_barbara")),
    ],
};
const DEADLOCKS: OnAll = OnAll {
    source: "deadlock.rs",
    programs: [
        (TOKIO, DEADLOCK),
        (SMOL, env!("CARGO_BIN_EXE_smol_deadlock")),
        (ASYNC_STD, env!("CARGO_BIN_EXE_async_std_deadlock")),
    ],
};
const LOCK_ORDERS: OnAll = OnAll {
    source: "lock_order.rs",
    programs: [
        (TOKIO, LOCK_ORDER),
        (SMOL, env!("CARGO_BIN_EXE_smol_lock_order")),
        (ASYNC_STD, env!("CARGO_BIN_EXE_async_std_lock_order")),
    ],
};
const TWO_RUNTIMES: &str = env!("CARGO_BIN_EXE_two_runtimes");

impl OnAll {
    /// Checks that `inspect` returns the same text for the program on each runtime, after the texts are rewritten for
    /// tokio and their lines are sorted: the order of the lines depends on threads.
    fn check(&self, inspect: impl Fn(&'static str) -> String) {
        let [tokio, others @ ..] = &self.programs;
        let sorted = |(runtime, binary): &(Runtime, &'static str)| {
            let text = runtime.in_words_of_tokio(&inspect(binary), self.source);
            // Only tokio counts its tasks, so the line about the coverage differs. And only the other channels can be closed by any end.
            let differs = |line: &&str| line.starts_with("observed: ") || *line == "any task with an end can close it";
            let mut lines: Vec<&str> = text.lines().filter(|line| !differs(line)).collect();
            lines.sort_unstable();
            lines.join("\n")
        };
        let expect = sorted(tokio);
        println!("{expect}");
        for other in others {
            assert_eq!(sorted(other), expect, "{} and tokio", other.0.name);
        }
    }
}

impl Runtime {
    /// The text with all differences between the runtimes replaced: each location by the source text of its line, and the
    /// runtime's names by tokio's. Times, columns and IDs of resources are left out.
    fn in_words_of_tokio(&self, text: &str, source: &str) -> String {
        let path = format!("{}{source}", self.folder);
        let lines = fs::read_to_string(root().join(&path)).unwrap();
        let lines: Vec<&str> = lines.lines().collect();
        let mut text = text.to_owned();
        // The last lines are replaced first, because the number 12 begins with the number 1.
        for (number, line) in (1..).zip(&lines).collect::<Vec<(usize, _)>>().into_iter().rev() {
            text = text.replace(&format!("{path}:{number}"), &format!("<{}>", line.trim()));
        }
        for (own, tokio) in self.words {
            text = text.replace(own, tokio);
        }
        let program = source.trim_end_matches(".rs");
        text = text.replace(&format!("{}{program}", self.prefix), program);
        text.lines().map(without_numbers).collect::<Vec<_>>().join("\n")
    }
}

/// A line with single spaces, without the columns of locations, and with `#` in place of each time and of each ID of a
/// resource: a resource gets its ID at its first use, and two tasks may race for it.
fn without_numbers(line: &str) -> String {
    const UNITS: [&str; 6] = ["ns", "us", "µs", "ms", "s", "min"];
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let end = word.trim_end_matches(|c: char| ",:;.)".contains(c)).len();
        let (bare, punctuation) = word.split_at(end);
        let after_number = words.last().is_some_and(|last| last == "#" || is_number(last)) && UNITS.contains(&bare);
        let is_of_day =
            bare.len() == 8 && bare.split(':').filter(|part| part.len() == 2 && is_number(part)).count() == 3;
        let time = is_of_day || UNITS.iter().any(|unit| bare.strip_suffix(unit).is_some_and(is_number));
        let is_resource = words.last().is_some_and(|last| last == "resource") && is_number(bare);
        match bare.rsplit_once(">:") {
            _ if after_number => *words.last_mut().expect("the last word is a number") = format!("#{punctuation}"),
            _ if is_resource || time || (bare.contains('.') && is_number(bare)) => {
                words.push(format!("#{punctuation}"))
            }
            Some((place, column)) if is_number(column) => words.push(format!("{place}>{punctuation}")),
            _ => words.push(word.to_owned()),
        }
    }
    words.join(" ")
}

/// The output of `--once` from the tasks on. Only the first four columns of a task's row stay: the number of polls
/// differs, because a task that comes last to a barrier is polled one time less.
fn once(insight: &str) -> String {
    let (text, _) = plain(&[insight, "--once"]);
    let lines = text.lines().skip_while(|line| !line.contains(" STATE ")).skip(1);
    let lines = lines.filter(|line| !line.contains("http://")).map(|line| {
        let words: Vec<&str> = line.trim_start_matches([' ', '!', '?']).split_whitespace().collect();
        let is_row = words.first().is_some_and(|id| id.parse::<u64>().is_ok());
        if is_row { words[..4].join(" ") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn has_problem(insight: &str) {
    Stream::attach(insight).until("the problem", |received| (!received.model.problems.is_empty()).then_some(()));
}

/// These values of each entry in a list of the document or of `/v1/problems`.
fn facts(value: &Value, names: &[&str]) -> String {
    let entries = value.as_array().expect("a list").iter();
    let entry = |entry: &Value| {
        let facts = names.iter().map(|name| match entry.pointer(name) {
            Some(fact) => format!("{name}: {}", fact.as_str().map_or(fact.to_string(), str::to_owned)),
            None => format!("{name}: none"),
        });
        facts.collect::<Vec<_>>().join("; ")
    };
    let mut lines: Vec<String> = entries.map(entry).collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn problem(insight: &str) -> String {
    has_problem(insight);
    let problems: Value = serde_json::from_str(&get(&format!("http://{insight}/v1/problems"))).unwrap();
    let problems = problems["problems"].as_array().expect("a list");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    let problem = &problems[0];
    let place = |at: &Value| format!("{}:{}", at["file"].as_str().unwrap_or("?"), at["line"]);
    let places = |name: &str| {
        let places = problem[name].as_array().expect("a list").iter().map(|entry| place(&entry["location"]));
        let mut places: Vec<String> = places.collect();
        places.sort_unstable();
        places.join(" ")
    };
    let explanation: Vec<&str> = problem["explanation"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    [
        format!("{} {} {} {}", problem["kind"], problem["tier"], problem["title"], problem["advice"]),
        explanation.join("\n"),
        facts(&problem["tasks"], &["/id", "/name"]),
        facts(&problem["resources"], &["/kind", "/name"]),
        facts(&problem["edges"], &["/kind", "/reason", "/task"]),
        problem["unknowns"].to_string(),
        problem["unless"].to_string(),
        places("tasks"),
        places("resources"),
    ]
    .join("\n")
}

#[test]
fn a_deadlock_looks_the_same_as_text_as_problem_and_on_the_screen() {
    DEADLOCKS.check(|binary| {
        let program = Program::start(binary);
        let insight = program.insight();
        let problem = problem(&insight);
        let once = once(&insight);
        for wanted in ["suspected", "crawl", "`prototype_channel`"] {
            assert!(once.contains(wanted) && problem.contains(wanted.trim_matches('`')), "{once}\n{problem}");
        }
        let mut screen = Screen::open(&insight, 140, 40);
        screen.shows(&["suspected deadlock, P for more", "crawl"]);
        screen.press(ENTER);
        let page = screen.until("the task's page", |frame| {
            let shown = frame.text().contains("WAITS FOR") && frame.text().contains("TIMES");
            shown.then(|| frame.rows())
        });
        [once, problem, above_times(&page)].join("\n")
    });
}

/// The rows of a page from its title to the section with the times and the runtime's own facts.
fn above_times(page: &[String]) -> String {
    let rows = page.iter().skip_while(|row| !row.trim_start().starts_with("task "));
    rows.take_while(|row| !row.contains("TIMES")).map(|row| row.trim().to_owned()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_lock_order_deadlock_looks_the_same_as_text_and_as_problem() {
    LOCK_ORDERS.check(|binary| {
        let program = Program::start(binary);
        let insight = program.insight();
        [problem(&insight), once(&insight)].join("\n")
    });
}

#[test]
fn a_timeout_is_not_a_deadlock_on_any_runtime() {
    LOCK_ORDERS.check(|binary| {
        let program = Program::run(crate::program::command(binary).arg("--timeout"));
        let stream = Stream::attach(&program.insight()).complete();
        program.line_after("lock_order: done");
        stream.wait_until_covered(stream.read(|received| received.model.now_ns) + 1_500_000_000);
        stream.read(|received| {
            assert_eq!(received.raised(), [], "{binary}");
            assert_eq!(stream::task(&received.model, "deposit"), None);
        });
        String::new()
    });
}

#[test]
fn a_hang_looks_the_same_as_text_as_json_and_on_the_screen() {
    BARBARAS.check(|binary| {
        let hang = Hang::of(Program::start(binary));
        assert_eq!(get(&format!("http://{}/orders", hang.service)), "total 16\n");
        let stream = Stream::attach(&hang.insight);
        stream.until("the hang to last longer than a wait must to be judged", |received| {
            let wait = stream::wait(&received.model, "write_orders", &Operation::Send)?;
            let reader = stream::wait(&received.model, "read_orders", &Operation::Recv)?;
            (received.model.told_ns >= wait.since_ns.max(reader.since_ns) + 1_500_000_000).then_some(())
        });
        let (json, status) = plain(&[&hang.insight, "--once", "--json"]);
        assert_eq!(status, Some(0), "nothing is proven");
        let document: Value = serde_json::from_str(&json).unwrap();
        let mut result = String::new();
        for function in ["write_orders", "read_orders"] {
            let tasks = document["tasks"].as_array().expect("a list");
            let named = |task: &&Value| task["name"].as_str().is_some_and(|name| name.ends_with(function));
            let task = tasks.iter().find(named).expect("it hangs");
            result += &facts(
                &Value::Array(vec![task.clone()]),
                &[
                    "/name",
                    "/kind",
                    "/state",
                    "/location/source/text",
                    "/waits/0/operation",
                    "/waits/0/reason",
                    "/waits/0/resource_kind",
                    "/waits/0/resource_name",
                    "/waits/0/location/source/text",
                    "/waits/0/freed_by/unknown_what",
                    "/parties/0/role",
                    "/parties/0/exclusive",
                ],
            );
            result.push('\n');
        }
        let channels = document["resources"].as_array().expect("a list").iter();
        let channels = channels.filter(|resource| resource["kind"] == "channel").cloned().collect();
        result += &facts(&Value::Array(channels), &["/name", "/capacity", "/length", "/senders", "/receivers"]);
        result += &document["problems"].to_string();
        let (text, _) = plain(&[&hang.insight, "--once"]);
        result += text.lines().last().unwrap_or_default();

        // Only the two tasks of the hang are compared: on tokio the task that waits for them is axum's.
        let mut screen = Screen::open(&hang.insight, 140, 40);
        crate::barbara::shows_writer_first(&screen);
        screen.press(ENTER);
        let page = screen.until("the cause", |frame| {
            let text = frame.text();
            let shown = text.contains("waiting on channel capacity") && text.contains("TIMES");
            shown.then(|| frame.rows())
        });
        let waits = page.iter().skip_while(|row| !row.contains("WAITS FOR"));
        let waits = waits.take_while(|row| !row.contains("TIMES") && !row.contains("NEEDED"));
        result += "\n";
        // The channel's number differs, because on some runtimes connections are tasks, too.
        let row = |row: &String| match row.split_once("channel ") {
            Some((before, after)) => format!("{before}channel {}", after.trim_start_matches(char::is_numeric)),
            None => row.clone(),
        };
        result += &waits.map(row).collect::<Vec<_>>().join("\n");
        hang.end();
        result
    });
}

/// A trace shows the await that the task is at and the frames around it. No frame of a runtime comes before them.
#[test]
fn a_trace_begins_with_the_programs_frames_on_each_runtime() {
    for (runtime, binary) in BARBARAS.programs {
        let hang = Hang::of(Program::start(binary));
        let stream = Stream::attach(&hang.insight);
        let tasks = stream.until("the hang", |received| {
            stream::wait(&received.model, "write_orders", &Operation::Send)?;
            stream::wait(&received.model, "read_orders", &Operation::Recv)?;
            Some(["write_orders", "read_orders"].map(|function| (function, stream::task(&received.model, function))))
        });
        let awaits = ["chan.send(value).await", "warm_cache.recv().await"];
        for ((function, id), text) in tasks.into_iter().zip(awaits) {
            let id = id.expect("it waits").to_string();
            let (json, status) = plain(&[&hang.insight, "--trace", &id, "--json"]);
            assert_eq!(status, Some(0), "{json}");
            let trace: TaskTrace = serde_json::from_str(&json).unwrap();
            assert_eq!((&trace.outcome, trace.leaves.len()), (&TraceOutcome::Captured, 1), "{trace:#?}");
            let own = trace.leaves[0].own_frame().expect("one is the program's");
            assert!(own.function.as_deref().is_some_and(|name| name.ends_with(function)), "{own:#?}");
            assert_eq!(own.kind, FrameKind::Own);
            let (shown, _) = plain(&[&hang.insight, "--trace", &id]);
            let lines: Vec<&str> = shown.lines().map(str::trim).collect();
            let first = lines.iter().position(|line| line.ends_with(function)).expect("its function");
            assert!(first <= 2, "{}:\n{shown}", runtime.name);
            assert!(lines[first + 1].contains(&format!("{}barbara.rs:", runtime.folder)), "{shown}");
            assert!(lines[first + 2].contains(text), "{shown}");
        }
        hang.end();
    }
}

#[test]
fn two_runtimes_are_in_one_snapshot() {
    let program = Program::start(TWO_RUNTIMES);
    let insight = program.insight();
    has_problem(&insight);
    let (text, status) = plain(&[&insight, "--once"]);
    assert_eq!(status, Some(3), "{text}");
    let row = |executor: &str, name: &str| {
        let is_it = |line: &str| line.contains(&format!(" {executor} ")) && line.contains(&format!(" {name} "));
        assert!(text.lines().any(is_it), "{name} of {executor} in\n{text}");
    };
    row("tokio", "main");
    row("tokio", "import");
    row("smol", "sort");
    for wanted in ["tokio 1.", "smol 2.", "suspected ", "2 tasks wait for each other over 1 channel and 1 mutex"] {
        assert!(text.contains(wanted), "{wanted} in\n{text}");
    }
    let mut screen = Screen::open(&insight, 140, 40);
    screen.shows(&["EXECUTOR", "suspected channel full, P for more", "sort", "import"]);
    screen.until("each task with its runtime", |frame| {
        let rows = frame.rows();
        let row = |words: [&str; 2]| rows.iter().any(|row| words.iter().all(|word| row.contains(word)));
        (row([" tokio ", " import "]) && row([" smol ", " sort "])).then_some(())
    });
    screen.press(ENTER);
    screen.shows(&["SPAWNED"]);
    screen.quit();
}
