use crate::DEFAULT_SETTLE_NS;

/// A threshold that nothing reaches: what it is for is not looked for.
pub const OFF: u64 = u64::MAX;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// From when on something is too long, too much or too large. Spans are in nanoseconds.
///
/// A threshold cannot be right for every program. The defaults are where hardly any program that is well comes to, not
/// where a fault begins: an alarm that is not one costs more than a fault that is told a little later, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// For how long something must have been seen to be so before it is a finding. Default: that of a deadlock,
    /// [`DEFAULT_SETTLE_NS`]. Of the time between two checks at most half of this counts: a process that was stopped, by a
    /// debugger or with its machine, has not been in one poll all that while.
    pub settle_ns: u64,
    /// Over how long rates are taken. Default: 5 s. A burst of work of a healthy program, a start or a garbage collection
    /// of its caches, is over by then, and a person still waits for an answer.
    pub window_ns: u64,
    /// What was raised at a rate or share of `x` is cleared below this percentage of `x`. Default: 80, which is more than
    /// what a steady rate differs from one window to the next, and less than a change that is meant.
    pub clear_percent: u64,

    /// `worker_blocked`, `runtime_blocked`: a poll that has lasted so long, with a task that could run for as long.
    /// Default: 1 s. What tokio asks of a poll is 100 µs; ten thousand times that is no slow computation that happens to be
    /// in the wrong place, and what is queued has missed every timer and every client's patience.
    pub worker_blocked_ns: u64,
    /// `worker_blocked`: a poll that has lasted so long, whether or not anything waits for it. Default: [`OFF`]. Nobody is
    /// harmed by it, since somebody harmed makes it the one above. And a closure in `block_in_place` looks the same on the
    /// wire, may last for as long as it likes, and is what a program does that is right.
    pub worker_blocked_alone_ns: u64,

    /// `blocking_pool_exhausted`: a blocking closure has been the first in the queue for so long, and none was begun.
    /// Default: 5 s. tokio begins a closure at once while it has a thread, and has 512. A small pool that is used as a
    /// throttle begins another one whenever one ends; files and names are looked up by the same pool, and 5 s without is
    /// the timeout of many who ask for them.
    pub blocking_queue_ns: u64,

    /// `never_yields`: it ran for this percentage of a window. Default: 90.
    pub busy_percent: u64,
    /// `never_yields`: its polls took so long in the mean. Default: 100 ms, a thousand times what tokio asks of a poll,
    /// and what a person notices. A computation that yields now and then stays far below.
    pub long_poll_ns: u64,
    /// `never_yields`: another task of the same executor waited for a thread for so long, in the mean of its polls.
    /// Default: 100 ms. Where there are threads enough, or in `block_in_place`, nobody waits, and nothing is said.
    pub delay_ns: u64,

    /// `spins`: so many polls in a second. Default: 1,000. A timer wakes a task at most so often.
    pub spin_polls_per_second: u64,
    /// `spins`: at least this percentage of them by wakes of its own. Default: 95. A task of many parts, as of
    /// `FuturesUnordered`, wakes itself after each 32 of them, and is woken by them between.
    pub spin_self_wakes_percent: u64,
    /// `spins`: its polls took so long at most, in the mean. Default: 10 µs. A computation that yields by waking itself has
    /// a reason to yield after a while, not after what yielding itself costs.
    pub spin_poll_ns: u64,

    /// `waker_storm`: so many wakes for one poll. Default: 100. A `join!` of many parts that are ready at once has as many
    /// wakes as parts, once.
    pub wakes_per_poll: u64,
    /// `waker_storm`: so many wakes in a second. Default: 10,000: about a thousandth of one processor, and a rate that a
    /// program does not come to by being written in small parts.
    pub wakes_per_second: u64,

    /// `task_leak`: over how long tasks must have become more and more. Default: 5 min. A start is over by then, and a
    /// rush of clients mostly.
    pub leak_window_ns: u64,
    /// `task_leak`: by how many they became more. Default: 1,000, and at least twice as many as before. A few hundred
    /// connections more is an afternoon.
    pub leak_tasks: u64,

    /// `lock_held_long`: a lock was held for so long. Default: 5 s. A lock is held across a query or a request, against
    /// good advice and mostly without harm; 5 s is beyond what those take, and within what the callers' timeouts are.
    pub lock_held_ns: u64,
    /// `lock_held_long`: somebody has waited for it for so long. Default: 1 s. A lock that nobody wants is held by right.
    pub lock_waited_ns: u64,
    /// `lock_held_long`: the same of a permit of a semaphore with more than one. Default: [`OFF`]. A semaphore is what a
    /// program limits itself with: that somebody waits while others have a permit, each for as long as its work takes, is
    /// its purpose.
    pub permit_held_ns: u64,

    /// `large_future`: a spawned future of so many bytes. Default: 64 KiB. tokio moves a future of more than 16 KiB to the
    /// heap before it spawns it, since such a one is too large for the stack; four times that is not explained by a build
    /// without optimisation.
    pub future_bytes: u64,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds {
            settle_ns: DEFAULT_SETTLE_NS,
            window_ns: 5 * SECOND,
            clear_percent: 80,
            worker_blocked_ns: SECOND,
            worker_blocked_alone_ns: OFF,
            blocking_queue_ns: 5 * SECOND,
            busy_percent: 90,
            long_poll_ns: 100 * MS,
            delay_ns: 100 * MS,
            spin_polls_per_second: 1_000,
            spin_self_wakes_percent: 95,
            spin_poll_ns: 10_000,
            wakes_per_poll: 100,
            wakes_per_second: 10_000,
            leak_window_ns: 300 * SECOND,
            leak_tasks: 1_000,
            lock_held_ns: 5 * SECOND,
            lock_waited_ns: SECOND,
            permit_held_ns: OFF,
            future_bytes: 64 << 10,
        }
    }
}
