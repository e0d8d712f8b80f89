//! The clock: raw ticks on the hot path, nanoseconds in the recorder's thread.

use std::sync::OnceLock;

static CLOCK: OnceLock<(quanta::Clock, u64)> = OnceLock::new();

/// Calibrates the clock, and makes now its time 0. Takes a few milliseconds the first time.
pub(crate) fn start() {
    CLOCK.get_or_init(|| {
        let clock = quanta::Clock::new();
        let zero = clock.raw();
        (clock, zero)
    });
}

/// Raw ticks, never 0; 0 before [`start`]. About 10 ns: the time-stamp counter where there is an invariant one.
#[inline]
pub(crate) fn ticks() -> u64 {
    match CLOCK.get() {
        Some((clock, _)) => clock.raw() | 1,
        None => 0,
    }
}

/// A number of ticks as nanoseconds.
#[inline]
pub(crate) fn duration_ns(ticks: u64) -> u64 {
    CLOCK.get().map_or(0, |(clock, _)| clock.delta_as_nanos(0, ticks))
}

/// A reading of [`ticks`] as nanoseconds since [`start`]; 0 for a reading from before.
pub(crate) fn time_ns(ticks: u64) -> u64 {
    CLOCK.get().map_or(0, |(clock, zero)| clock.delta_as_nanos(*zero, ticks.max(*zero)))
}
