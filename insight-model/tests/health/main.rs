//! Programs with measured problems, healthy programs that look similar, and the problems that are found in them over
//! time.

mod program;
#[allow(dead_code, reason = "the other tests use more of it")]
#[path = "../model/scenario.rs"]
mod scenario;

mod recordings;

mod blocking_pool_exhausted;
mod large_future;
mod lock_held_long;
mod never_yields;
mod released_by_capture;
mod runtime_blocked;
mod spins;
mod task_leak;
mod waker_storm;
mod worker_blocked;
