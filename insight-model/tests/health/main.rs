//! Programs that are not well, and programs that look like them and are: what is found, and when.

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
