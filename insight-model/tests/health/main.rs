//! Programs with measured problems, healthy programs that look similar, and the problems that are found in them over
//! time.

mod program;

mod recordings;

mod blocking_pool_exhausted;
mod large_future;
mod lock_held_long;
mod never_yields;
mod runtime_blocked;
mod spins;
mod task_leak;
mod waker_storm;
mod worker_blocked;
