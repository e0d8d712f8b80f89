//! Runs many programs at once in this process, and judges them.

use crate::marks::{Kind, Marks, now_ns};
use crate::outcome::{Found, Outcome};
use crate::program::{Program, TURNS, is_late};
use crate::stream::{Claimed, Listener};
use crate::turns::{begin, until_still};
use insight_protocol::Problem;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

/// Starts programs on a runtime, from the main thread. It may stay in `block_on`, as the `main` of a program does.
pub type Start = fn(Vec<(&'static Program, &'static Marks)>);

/// insight's settle time here.
const SETTLE: Duration = Duration::from_millis(200);
const INTERVAL: Duration = Duration::from_millis(50);
/// Time before a late turn, in the clock of the stream: enough for insight to claim a hang.
const LATE: Duration = Duration::from_millis(1_000);
/// The same before the judgement. Some hangs are claimed only after a capture of awaits, and there are few captures a second. On a
/// busy machine a proven hang is held back for up to 5 s while its guards and join handles are sought.
const END: Duration = Duration::from_millis(6_000);

/// Runs the programs from the main thread, and passes the results in their order, with the faults of the stream, to `report`. The
/// tasks of stuck programs are left: `report` exits the process.
///
/// # Errors
///
/// If insight does not start.
pub fn run(
    programs: Vec<Program>,
    start: Start,
    report: impl FnOnce(Vec<Outcome>, Vec<String>) + Send + 'static,
) -> Result<Infallible, String> {
    let started_ns = now_ns();
    insight::search::search_without_limit();
    let insight = insight::builder().listen("127.0.0.1:0").settle(SETTLE).interval(INTERVAL);
    let insight = insight.start().map_err(|error| format!("insight does not start: {error}"))?;
    let address = insight.address().ok_or("insight does not listen")?;
    let listener = Listener::start(address).map_err(|error| format!("no stream: {error}"))?;
    let programs: Vec<(&'static Program, &'static Marks)> = programs
        .into_iter()
        .enumerate()
        .map(|(at, program)| {
            let marks: &'static Marks = Box::leak(Box::new(Marks::new(at, program.bodies.len())));
            let program: &'static Program = Box::leak(Box::new(program));
            (program, marks)
        })
        .collect();
    let started = programs.clone();
    std::thread::spawn(move || {
        let (outcomes, faults) = judge(&programs, &listener, started_ns);
        report(outcomes, faults);
    });
    start(started);
    loop {
        std::thread::park();
    }
}

/// Leads the programs through their turns, and returns the results.
fn judge(
    programs: &[(&'static Program, &'static Marks)],
    listener: &Listener,
    started_ns: u64,
) -> (Vec<Outcome>, Vec<String>) {
    for turn in 1..=TURNS {
        until_still();
        if is_late(turn) {
            listener.await_samples(started_ns, LATE);
        }
        begin(turn);
    }
    until_still();
    listener.await_samples(started_ns, END);
    let seen = listener.seen();
    let mut outcomes: Vec<Outcome> = programs.iter().map(|(program, marks)| outcome(program, marks)).collect();
    let mut faults: Vec<String> = seen.broken.clone();
    if seen.ended {
        faults.push("the stream ended".to_owned());
    }
    let mut judge = |claimed: &Claimed, add: fn(&mut Outcome, Found)| {
        let tasks = tasks(&claimed.problem);
        if tasks.is_empty() {
            faults.push(format!("a hang without a task of a program: {}", claimed.problem.title));
        }
        let refuted: BTreeSet<usize> = tasks
            .into_iter()
            .filter(|(program, body)| {
                programs.get(*program).is_some_and(|(_, marks)| marks.last_step_ns(*body) > claimed.read_ns)
            })
            .map(|(program, _)| program)
            .collect();
        refuted.into_iter().for_each(|program| add(&mut outcomes[program], Found::of(&claimed.problem)));
    };
    seen.proofs.iter().for_each(|it| judge(it, |outcome, found| outcome.false_proofs.push(found)));
    seen.suspicions.iter().for_each(|it| judge(it, |outcome, found| outcome.false_suspicions.push(found)));
    for problem in seen.open.values() {
        for program in tasks(problem).into_iter().map(|(program, _)| program).collect::<BTreeSet<usize>>() {
            if let Some(outcome) = outcomes.get_mut(program) {
                outcome.open.push(Found::of(problem));
            }
        }
    }
    (outcomes, faults)
}

fn outcome(program: &Program, marks: &Marks) -> Outcome {
    let left = marks.left();
    let at: Vec<(usize, usize)> = left.iter().map(|(body, _, step)| (*body, *step)).collect();
    let words = left.iter().map(|(body, kind, step)| {
        let step = program.bodies[*body].steps.get(*step).map_or("at its end".to_owned(), ToString::to_string);
        format!("{} {body}: {step}", if *kind == Kind::Task { "task" } else { "thread" })
    });
    Outcome {
        finished: left.is_empty(),
        left: words.collect(),
        plain: program.is_plain(&at),
        task_left: left.iter().any(|(_, kind, _)| *kind == Kind::Task),
        ..Outcome::default()
    }
}

/// The programs' tasks of a problem, by their names: program and body.
fn tasks(problem: &Problem) -> Vec<(usize, usize)> {
    let names = problem.tasks.iter().filter_map(|task| task.name.as_deref());
    let numbers = names.filter_map(|name| {
        let (program, body) = name.strip_prefix('p')?.split_once('.')?;
        Some((program.parse().ok()?, body.parse().ok()?))
    });
    numbers.collect()
}
