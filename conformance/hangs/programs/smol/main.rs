//! The programs for smol. The first argument names the program to run.

mod ab_ba_mutexes;
mod borrowed_guard_in_a_message;
mod channel_cycle;
mod executor_never_run;
mod last_sender_kept;
mod lock_across_join;
mod runtime_blocked;
mod semaphore_twice;
mod sockets_of_async_io;
mod unblock_waits_for_thread;
mod upgrade_and_reader;
mod upgrade_while_reading;
mod worker_pool;
mod writer_between_readers;

insight_hangs::programs! {
    ab_ba_mutexes
    borrowed_guard_in_a_message
    channel_cycle
    executor_never_run
    last_sender_kept
    lock_across_join
    runtime_blocked
    semaphore_twice
    sockets_of_async_io
    unblock_waits_for_thread
    upgrade_and_reader
    upgrade_while_reading
    worker_pool
    writer_between_readers
}
