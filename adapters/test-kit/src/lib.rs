//! For the tests of insight's adapters.
//!
//! A process has one recorder, so the tests of a program take turns: [`bench()`] lends its [`Bench`] to one test at a time. The
//! bench folds every message into a model, looks for problems, and holds each message to the rules of SPEC.md.
//!
//! [`Tasks`] is an executor that runs when a test asks for it. [`traits!`] lists the auto traits of a type.

#![forbid(unsafe_code)]

mod bench;
mod by_hand;
mod journal;
mod newest;
mod source;
mod tasks;
#[doc(hidden)]
pub mod traits;

pub use bench::{Bench, NEVER, SETTLE, bench, bench_with, summary, waits};
pub use by_hand::by_hand;
pub use journal::{check_journal, journal};
pub use newest::{newest, newest_of};
pub use source::{line_marked, line_with};
pub use tasks::{EXECUTOR, Tasks};

use std::time::{Duration, Instant};

/// Time after which a condition of a test counts as failed.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Asks until `value` is there.
///
/// # Panics
///
/// Panics after [`DEADLINE`], with `otherwise`.
pub fn until<T>(otherwise: &str, mut value: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = value() {
            return value;
        }
        assert!(Instant::now() < deadline, "{otherwise} after {DEADLINE:?}");
        std::thread::yield_now();
    }
}
