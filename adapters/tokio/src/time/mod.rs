//! tokio's `time`, with timers observed.

pub use real::time::*;

mod budget;
mod interval;
mod sleep;
mod timeout;

pub use interval::{Interval, interval, interval_at};
pub use sleep::{Sleep, sleep, sleep_until};
#[cfg(feature = "sync")]
pub(crate) use timeout::timeout_called_at;
pub use timeout::{Timeout, timeout, timeout_at};
