//! The diagnosis against every schedule.
//!
//! Random small programs run until tasks are parked. Then we find the stuck tasks in two ways: we try every schedule,
//! and we send the world as messages to the diagnosis. If some schedule lets a task make progress, it is not proven stuck. If the
//! messages describe all locks and joins, every task that they alone make stuck is proven. If the messages describe everything,
//! exactly the tasks that no schedule lets make progress are suspected.
//!
//! A third of the programs hands something over unobserved: a thing leaves the task that used it last, or code adds permits,
//! closes something or may cancel a task.
//!
//! `INSIGHT_PROGRAMS` is the number of programs, and `INSIGHT_SEED` the seed of the first one.

mod action;
mod effects;
mod explore;
mod facts;
mod feature;
mod handover;
mod known;
mod locks;
mod place;
mod possible;
mod program;
mod random;
mod shrink;
mod step;
mod stream;
mod table;
mod verdict;
mod world;

use explore::Steps;
use feature::Feature;
use program::Program;
use random::Random;
use std::collections::BTreeMap;
use std::thread;
use stream::Timers;
use table::Table;
use verdict::{Disagreement, Verdict};

const PROGRAMS: u64 = 12_000;

/// Minimum numbers of tasks in 12,000 programs, for each kind of wait: tasks that can make progress, stuck tasks in worlds that the
/// messages describe completely, and tasks that are stuck by locks and joins. A third of the programs hands something over, and
/// does not count here.
const LEAST: [(&str, usize, usize, usize); 15] = [
    ("a reader behind a writer", 30, 200, 200),
    ("behind a grant that is not claimed", 40, 250, 150),
    ("channel", 200, 400, 0),
    ("free permits, and a queue", 15, 80, 0),
    ("join", 180, 1_200, 1_200),
    ("mutex", 150, 700, 700),
    ("mutex, barging", 80, 200, 200),
    ("oneshot", 60, 350, 0),
    ("rwlock", 250, 1_200, 1_200),
    ("semaphore", 180, 800, 0),
    ("semaphore, barging", 75, 130, 0),
    ("several waits", 350, 900, 500),
    ("timer", 700, 0, 0),
    ("unbounded channel", 140, 450, 0),
    ("watch", 100, 450, 0),
];

/// Minimum number of stuck tasks in 12,000 captured programs with a foreign waker that only a capture shows to be outdated.
const LEAST_OUTDATED: usize = 25;

/// The number of programs and the first program for each kind of disagreement, of hand-over, of facts, and of waits of its
/// tasks.
type Wrong = BTreeMap<Kind, (usize, u64)>;
type Kind = (Disagreement, Feature, Timers, String);

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |it| it.parse().unwrap_or_else(|_| panic!("{name} is no number: {it}")))
}

fn try_programs(seeds: impl Iterator<Item = u64>) -> (Table, Wrong) {
    let (mut table, mut wrong) = (Table::default(), Wrong::new());
    for seed in seeds {
        let program = Program::random(&mut Random::new(seed));
        let Some(verdict) = Verdict::of(&program, Timers::Observed) else {
            table.discarded += 1;
            continue;
        };
        if program.feature != Feature::NONE {
            table.add_handover(&verdict, seed);
            note(&mut wrong, &verdict, seed);
            continue;
        }
        table.add(&verdict);
        note(&mut wrong, &verdict, seed);
        let verdict = verdict.with(Timers::Captured);
        table.add_captured(&verdict);
        note(&mut wrong, &verdict, seed);
    }
    (table, wrong)
}

fn note(wrong: &mut Wrong, verdict: &Verdict, seed: u64) {
    for disagreement in Disagreement::ALL {
        let tasks = verdict.wrong(disagreement);
        if tasks != 0 {
            let kind = (disagreement, verdict.feature, verdict.timers, verdict.waits(tasks));
            wrong.entry(kind).or_insert((0, seed)).0 += 1;
        }
    }
}

fn explain(kind: &Kind, times: usize, seed: u64) -> String {
    let (disagreement, feature, timers, waits) = kind;
    let (disagreement, timers) = (*disagreement, *timers);
    let wrong =
        |program: &Program| Verdict::of(program, timers).is_some_and(|verdict| verdict.wrong(disagreement) != 0);
    let small = shrink::shrink(&Program::random(&mut Random::new(seed)), wrong);
    let verdict = Verdict::of(&small, timers).expect("it has a disagreement");
    let names = |tasks: world::Tasks| {
        let tasks: Vec<String> = (0..8).filter(|it| tasks & 1 << it != 0).map(|it| (it + 1).to_string()).collect();
        if tasks.is_empty() { "none".to_owned() } else { tasks.join(", ") }
    };
    let messages = stream::messages(&verdict.world, timers, &facts::Found::default());
    let lines: Vec<String> = messages.iter().zip(1..).map(|(it, seq)| insight_protocol::encode(seq, it)).collect();
    format!(
        "{disagreement:?}, {feature}, {timers:?}, {waits}: {times} programs; the first is {seed}, which shrinks to\n{}  stuck: {}; by locks: {}; proven: {}; suspected: {}\n{}\n",
        shrink::words(&small),
        names(verdict.stuck),
        verdict.by_locks.map_or_else(|| "unknown".to_owned(), names),
        names(verdict.proven),
        names(verdict.suspected),
        lines.join("\n"),
    )
}

#[test]
fn diagnosed_tasks_are_those_that_no_schedule_lets_make_progress() {
    let (first, programs) = (number("INSIGHT_SEED", 0), number("INSIGHT_PROGRAMS", PROGRAMS));
    let threads = thread::available_parallelism().map_or(1, |it| it.get().min(8));
    let (mut table, mut wrong) = (Table::default(), Wrong::new());
    let parts = thread::scope(|scope| {
        let seeds = |part: usize| (first..first + programs).skip(part).step_by(threads);
        let running: Vec<_> = (0..threads).map(|part| scope.spawn(move || try_programs(seeds(part)))).collect();
        running.into_iter().map(|it| it.join().expect("a program made the test panic")).collect::<Vec<_>>()
    });
    for (part, part_wrong) in parts {
        table.merge(part);
        for (kind, (times, seed)) in part_wrong {
            let all = wrong.entry(kind).or_insert((0, seed));
            *all = (all.0 + times, all.1.min(seed));
        }
    }
    println!("{table}");
    let mut worst: Vec<_> = wrong.iter().collect();
    worst.sort_by_key(|(kind, (times, _))| (kind.0, std::cmp::Reverse(*times)));
    let most = number("INSIGHT_EXPLAIN", 6) as usize;
    let explained = worst.iter().take(most).map(|(kind, (times, seed))| explain(kind, *times, *seed));
    let explained: Vec<String> = explained.collect();
    assert!(wrong.is_empty(), "{table}\n{} kinds of disagreement\n\n{}", wrong.len(), explained.join("\n"));
    assert!(table.discarded as u64 * 100 <= programs, "{table}\ntoo many programs have too many states");
    let outdated = table.outdated as u64;
    assert!(outdated >= LEAST_OUTDATED as u64 * programs / PROGRAMS, "{table}\nnot enough outdated wakers");
    for (name, free, stuck, by_locks) in LEAST {
        let row = table.rows.get(name).copied().unwrap_or_default();
        let least = |of: usize| of as u64 * programs / PROGRAMS;
        let of = [(row.sound.1, free), (row.complete.1, stuck), (row.proven.1, by_locks)];
        let enough = of.iter().all(|(tasks, least_of)| *tasks as u64 >= least(*least_of));
        assert!(enough, "{table}\nnot enough tasks of {name} for a meaningful result");
    }
}

/// Whether more steps unblock no more tasks, for programs with few states.
fn check_steps(more: Steps, one_in: u64, least: usize) {
    let (mut tried, mut stuck) = (0, 0);
    for seed in (0..number("INSIGHT_PROGRAMS", PROGRAMS)).step_by(one_in as usize) {
        let program = Program::random(&mut Random::new(seed));
        if more == Steps::Handovers && program.feature == Feature::NONE {
            continue;
        }
        let world = program.run();
        let few = explore::stuck(&world, Steps::Enough, verdict::MOST_STATES);
        let all = explore::stuck(&world, more, 4_000);
        if let (Some(few), Some(all)) = (few, all) {
            assert_eq!(few, all, "program {seed}");
            tried += 1;
            stuck += usize::from(all != 0);
        }
    }
    println!("{tried} programs, {stuck} with a stuck task");
    assert!(tried > 2 * least && stuck > least, "{tried} programs, {stuck} with a stuck task");
}

/// A step by which a task begins to wait unblocks no other task. So the stuck tasks are the same without these steps.
#[test]
fn a_begun_wait_unblocks_no_task() {
    check_steps(Steps::Waits, 250, 10);
}

/// A task that gives a thing away could use it instead. So the stuck tasks are the same without these steps.
#[test]
fn a_hand_over_unblocks_no_task() {
    check_steps(Steps::Handovers, 40, 30);
}
