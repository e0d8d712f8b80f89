//! The diagnosis against every schedule.
//!
//! Random small programs run until tasks are parked. Then we find the stuck tasks in two ways: we try every schedule,
//! and we send the world as messages to the diagnosis. Both must agree on each task. If some schedule lets a task make
//! progress, it is not proven stuck. If the messages describe everything, every task that no schedule lets make
//! progress is proven stuck.
//!
//! `INSIGHT_PROGRAMS` is the number of programs, and `INSIGHT_SEED` the seed of the first one.

mod explore;
mod program;
mod random;
mod shrink;
mod step;
mod stream;
mod table;
mod verdict;
mod world;

use program::Program;
use random::Random;
use std::collections::BTreeMap;
use std::thread;
use table::Table;
use verdict::{Disagreement, Verdict};

const PROGRAMS: u64 = 12_000;
/// One of this many programs is also explored with the steps by which tasks begin to wait.
const ONE_IN: u64 = 250;

/// Minimum numbers of tasks in 12,000 programs, for each kind of wait: tasks that can make progress, and stuck tasks.
const LEAST: [(&str, usize, usize); 15] = [
    ("a reader behind a writer", 30, 200),
    ("behind a grant that is not claimed", 40, 300),
    ("channel", 200, 700),
    ("free permits, and a queue", 15, 100),
    ("join", 200, 1_500),
    ("mutex", 150, 900),
    ("mutex, barging", 100, 400),
    ("oneshot", 70, 400),
    ("rwlock", 250, 1_500),
    ("semaphore", 180, 900),
    ("semaphore, barging", 75, 300),
    ("several waits", 350, 1_100),
    ("timer", 900, 0),
    ("unbounded channel", 150, 500),
    ("watch", 130, 600),
];

/// The number of programs and the first program for each kind of disagreement and the waits of its tasks.
type Wrong = BTreeMap<(Disagreement, String), (usize, u64)>;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |it| it.parse().unwrap_or_else(|_| panic!("{name} is no number: {it}")))
}

fn try_programs(seeds: impl Iterator<Item = u64>) -> (Table, Wrong) {
    let (mut table, mut wrong) = (Table::default(), Wrong::new());
    for seed in seeds {
        let program = Program::random(&mut Random::new(seed));
        let Some(verdict) = Verdict::of(&program) else {
            table.discarded += 1;
            continue;
        };
        table.add(&verdict);
        for disagreement in [Disagreement::Unsound, Disagreement::Missed] {
            let tasks = verdict.wrong(disagreement);
            if tasks != 0 {
                wrong.entry((disagreement, verdict.waits(tasks))).or_insert((0, seed)).0 += 1;
            }
        }
    }
    (table, wrong)
}

fn explain(disagreement: Disagreement, waits: &str, times: usize, seed: u64) -> String {
    let wrong = |program: &Program| Verdict::of(program).is_some_and(|verdict| verdict.wrong(disagreement) != 0);
    let small = shrink::shrink(&Program::random(&mut Random::new(seed)), wrong);
    let verdict = Verdict::of(&small).expect("it has a disagreement");
    let names = |tasks: world::Tasks| {
        let tasks: Vec<String> = (0..8).filter(|it| tasks & 1 << it != 0).map(|it| (it + 1).to_string()).collect();
        if tasks.is_empty() { "none".to_owned() } else { tasks.join(", ") }
    };
    let messages = stream::messages(&verdict.world);
    let lines: Vec<String> = messages.iter().zip(1..).map(|(it, seq)| insight_protocol::encode(seq, it)).collect();
    format!(
        "{disagreement:?}, {waits}: {times} programs; the first is {seed}, which shrinks to\n{}  stuck: {}; diagnosed: {}\n{}\n",
        shrink::words(&small),
        names(verdict.stuck),
        names(verdict.diagnosed),
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
    let explained = worst.iter().take(most).map(|((kind, waits), (times, seed))| explain(*kind, waits, *times, *seed));
    let explained: Vec<String> = explained.collect();
    assert!(wrong.is_empty(), "{table}\n{} kinds of disagreement\n\n{}", wrong.len(), explained.join("\n"));
    assert!(table.discarded as u64 * 100 <= programs, "{table}\ntoo many programs have too many states");
    for (name, free, stuck) in LEAST {
        let row = table.rows.get(name).copied().unwrap_or_default();
        let least = |of: usize| of as u64 * programs / PROGRAMS;
        let enough = row.sound.1 as u64 >= least(free) && row.complete.1 as u64 >= least(stuck);
        assert!(enough, "{table}\nnot enough tasks of {name} for a meaningful result");
    }
}

/// A step by which a task begins to wait unblocks no other task. So the stuck tasks are the same without these steps.
/// We check this for programs with few states.
#[test]
fn a_begun_wait_unblocks_no_task() {
    let (mut tried, mut stuck) = (0, 0);
    for seed in (0..number("INSIGHT_PROGRAMS", PROGRAMS)).step_by(ONE_IN as usize) {
        let world = Program::random(&mut Random::new(seed)).run();
        let few = explore::stuck(&world, false, verdict::MOST_STATES);
        let all = explore::stuck(&world, true, 4_000);
        if let (Some(few), Some(all)) = (few, all) {
            assert_eq!(few, all, "program {seed}");
            tried += 1;
            stuck += usize::from(all != 0);
        }
    }
    println!("{tried} programs, {stuck} with a stuck task");
    assert!(tried > 20 && stuck > 10, "{tried} programs, {stuck} with a stuck task");
}
