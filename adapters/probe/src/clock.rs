//! The clock: raw ticks on the hot path, nanoseconds in the recorder's thread.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static CLOCK: OnceLock<(quanta::Clock, u64)> = OnceLock::new();
/// Nanoseconds in 2^32 ticks, where ticks are the processor's time-stamp counter: then no clock has to be asked for it.
/// 0 elsewhere, and before [`start`].
static COUNTER_NS: AtomicU64 = AtomicU64::new(0);

/// Calibrates the clock, and makes now its time 0. Takes a few milliseconds the first time.
pub(crate) fn start() {
    CLOCK.get_or_init(|| {
        let clock = quanta::Clock::new();
        let zero = clock.raw();
        if is_counter(&clock) {
            COUNTER_NS.store(clock.delta_as_nanos(0, 1 << 32), Ordering::Relaxed);
        }
        (clock, zero)
    });
}

/// The time-stamp counter.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn counter() -> u64 {
    // SAFETY: each x86-64 processor has the instruction. Where a kernel forbids it to programs, quanta's detection has
    // failed before, as it has where the counter is not one for all processors.
    unsafe { std::arch::x86_64::_rdtsc() }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
fn counter() -> u64 {
    0
}

/// Whether `clock` reads the counter: then its reading lies between two readings of the counter.
fn is_counter(clock: &quanta::Clock) -> bool {
    cfg!(all(target_arch = "x86_64", not(miri))) && {
        let before = counter();
        let reading = clock.raw();
        (before..=counter()).contains(&reading) && before != 0
    }
}

/// Raw ticks, never 0; 0 before [`start`]. About 10 ns: the time-stamp counter where there is an invariant one.
#[inline]
pub(crate) fn ticks() -> u64 {
    if COUNTER_NS.load(Ordering::Relaxed) != 0 {
        return counter() | 1;
    }
    asked_ticks()
}

#[inline(never)]
fn asked_ticks() -> u64 {
    match CLOCK.get() {
        Some((clock, _)) => clock.raw() | 1,
        None => 0,
    }
}

/// A number of ticks as nanoseconds, to nine digits.
#[inline]
pub(crate) fn rough_ns(ticks: u64) -> u64 {
    match COUNTER_NS.load(Ordering::Relaxed) {
        0 => duration_ns(ticks),
        scale => ((u128::from(ticks) * u128::from(scale)) >> 32) as u64,
    }
}

/// A number of ticks as nanoseconds.
pub(crate) fn duration_ns(ticks: u64) -> u64 {
    CLOCK.get().map_or(0, |(clock, _)| clock.delta_as_nanos(0, ticks))
}

/// Now, in nanoseconds since [`start`].
pub(crate) fn now_ns() -> u64 {
    time_ns(ticks())
}

/// A reading of [`ticks`] as nanoseconds since [`start`]; 0 for a reading from before.
pub(crate) fn time_ns(ticks: u64) -> u64 {
    CLOCK.get().map_or(0, |(clock, zero)| clock.delta_as_nanos(*zero, ticks.max(*zero)))
}
