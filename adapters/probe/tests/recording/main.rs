//! Facts that the recorder takes of futures that are polled by hand. Every message is held to the rules.

mod captures;
mod names;
mod nested;
mod parts;
mod tasks;
mod trace;
mod waiters;

use insight_probe::RecorderConfig;
use insight_test_kit::{Bench, NEVER, bench_with};
use std::sync::MutexGuard;

/// The bench of this process. It finds no problems.
fn bench() -> MutexGuard<'static, Bench> {
    bench_with(|| Bench::start(RecorderConfig::default(), NEVER))
}
