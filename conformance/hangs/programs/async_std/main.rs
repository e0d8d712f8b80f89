//! The programs for async-std. The first argument names the program to run.

mod ab_ba_mutexes;
mod condvar_by_timer;
mod condvar_in_outer_lock;
mod detached_workers;
mod lock_across_join;
mod lock_twice;
mod read_behind_writer;
mod send_to_itself;
mod timeout_on_lock;

insight_hangs::programs! {
    ab_ba_mutexes
    condvar_by_timer
    condvar_in_outer_lock
    detached_workers
    lock_across_join
    lock_twice
    read_behind_writer
    send_to_itself
    timeout_on_lock
}
