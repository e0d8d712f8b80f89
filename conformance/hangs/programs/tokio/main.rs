//! The programs for tokio. The first argument names the program to run.

mod ab_ba_mutexes;
mod actors_idle;
mod barrier_without_one;
mod block_on_of_another;
mod blocking_pool_exhausted;
mod blocks_for_a_second;
mod both_wait_to_receive;
mod boxed_future_given_away;
mod busy_blocking_pool;
mod channel_cycle;
mod circle_left_by_socket;
mod closure_waits_for_thread;
mod collections_of_futures;
mod connection_in_a_circle;
mod constant_tasks;
mod fast_producer;
mod fed_from_thread;
mod first_waker_kept;
mod full_and_reader_wants_lock;
mod futurelock_polled_once;
mod futurelock_select;
mod futurelock_semaphore;
mod futurelock_send;
mod graceful_shutdown;
mod guard_across_join;
mod guard_forgotten;
mod guard_in_a_long_poll;
mod idle_server;
mod idle_subscribers;
mod join_cycle;
mod join_many;
mod large_future;
mod last_sender_kept;
mod lock_across_join;
mod lock_across_join_set;
mod lock_held_long;
mod lock_nobody_wants;
mod lock_twice;
mod lost_beside_a_timer;
mod never_yields;
mod notified_by_timer;
mod notified_too_early;
mod once_cell_reentered;
mod one_waker_slot;
mod opposite_order_in_turns;
mod owned_guard_in_a_message;
mod owned_guards;
mod panics_at_its_event;
mod permit_added_by_thread;
mod permits_leaked;
mod permits_twice;
mod polls_counted;
mod rate_limiter;
mod read_behind_writer;
mod reader_across_slow_await;
mod receiver_given_to_thread;
mod receiver_in_a_cell;
mod receiver_in_a_shared_place;
mod recursive_read;
mod request_response_full;
mod runtime_ended_by_main;
mod second_permit_free;
mod select_loop_on_send;
mod select_with_timer;
mod select_without_a_way_out;
mod send_to_itself;
mod sender_given_to_thread;
mod sender_handed_to_thread;
mod slow_init;
mod slow_reader;
mod spins;
mod spins_by_yielding;
mod stale_waker_of_a_read;
mod task_leak;
mod thread_and_task;
mod three_mutexes;
mod try_lock_with_back_off;
mod two_semaphores;
mod two_upgrades;
mod wait_abandoned;
mod waits_for_ever;
mod wake_forgotten;
mod waker_dropped;
mod waker_storm;
mod worker_blocked;
mod workers_blocked_in_turn;
mod write_after_read;
mod yields_after_each_part;
mod yields_often;

insight_hangs::programs! {
    ab_ba_mutexes
    actors_idle
    barrier_without_one
    block_on_of_another
    blocking_pool_exhausted
    blocks_for_a_second
    both_wait_to_receive
    boxed_future_given_away
    busy_blocking_pool
    channel_cycle
    circle_left_by_socket
    closure_waits_for_thread
    collections_of_futures
    connection_in_a_circle
    constant_tasks
    fast_producer
    fed_from_thread
    first_waker_kept
    full_and_reader_wants_lock
    futurelock_polled_once
    futurelock_select
    futurelock_semaphore
    futurelock_send
    graceful_shutdown
    guard_across_join
    guard_forgotten
    guard_in_a_long_poll
    idle_server
    idle_subscribers
    join_cycle
    join_many
    large_future
    last_sender_kept
    lock_across_join
    lock_across_join_set
    lock_held_long
    lock_nobody_wants
    lock_twice
    lost_beside_a_timer
    never_yields
    notified_by_timer
    notified_too_early
    once_cell_reentered
    one_waker_slot
    opposite_order_in_turns
    owned_guard_in_a_message
    owned_guards
    panics_at_its_event
    permit_added_by_thread
    permits_leaked
    permits_twice
    polls_counted
    rate_limiter
    read_behind_writer
    reader_across_slow_await
    receiver_given_to_thread
    receiver_in_a_cell
    receiver_in_a_shared_place
    recursive_read
    request_response_full
    runtime_ended_by_main
    second_permit_free
    select_loop_on_send
    select_with_timer
    select_without_a_way_out
    send_to_itself
    sender_given_to_thread
    sender_handed_to_thread
    slow_init
    slow_reader
    spins
    spins_by_yielding
    stale_waker_of_a_read
    task_leak
    thread_and_task
    three_mutexes
    try_lock_with_back_off
    two_semaphores
    two_upgrades
    wait_abandoned
    waits_for_ever
    wake_forgotten
    waker_dropped
    waker_storm
    worker_blocked
    workers_blocked_in_turn
    write_after_read
    yields_after_each_part
    yields_often
}
