//! Many tasks that are spawned and end.

use crate::arguments::Arguments;
use crate::measure::resident;
use crate::runtime::{joined, run, spawn};
use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};

/// Lifetime of a task of the steady load, in milliseconds.
const LIVES_MS: usize = 100;
/// Number of live tasks in the storm.
const AT_A_TIME: u64 = 1000;

/// Spawns tasks at a steady rate. Each task lives for 100 ms. The client prints its figures when it ends.
pub fn steady(arguments: &Arguments) {
    let (rate, seconds) = (arguments.number("rate", 10_000), arguments.number("seconds", 5));
    let start = Instant::now();
    let spawned = run(async move {
        let mut ticks = interval(Duration::from_millis(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut waiting = VecDeque::new();
        let mut spawned = 0;
        while start.elapsed() < Duration::from_secs(seconds) {
            ticks.tick().await;
            let gate = Arc::new(Semaphore::new(0));
            for _ in 0..rate / 1000 {
                let gate = gate.clone();
                spawn(async move { drop(gate.acquire().await) });
                spawned += 1;
            }
            waiting.push_back(gate);
            if waiting.len() > LIVES_MS {
                // All tasks of the gate end: closing it wakes them.
                waiting.pop_front().expect("there is one").close();
            }
        }
        spawned
    });
    println!("measured spawned={spawned} spawned_per_s={:.0}", spawned as f64 / start.elapsed().as_secs_f64());
}

/// Spawns short tasks as fast as possible, and measures the largest memory of the program.
pub fn storm(arguments: &Arguments) {
    let count = arguments.number("tasks", 10_000_000);
    let (before, _) = resident();
    let start = Instant::now();
    run(async move {
        let mut tasks = Vec::with_capacity(AT_A_TIME as usize);
        for _ in 0..count / AT_A_TIME {
            for number in 0..AT_A_TIME {
                tasks.push(spawn(async move {
                    black_box(number);
                }));
            }
            for task in tasks.drain(..) {
                joined(task).await;
            }
        }
    });
    let each_ns = start.elapsed().as_nanos() as f64 / count as f64;
    let (after, most) = resident();
    println!("measured storm_before={before} storm_peak={most} storm_after={after} storm_ns={each_ns:.1}");
}
