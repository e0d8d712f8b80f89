//! The pace of a search.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Bytes that a search reads in a second, at most.
const BYTES_PER_SECOND: u64 = 200_000_000;
/// A search begins when the searches before it have taken at most one part of this many of a processor, on average.
const PART: u32 = 100;
/// Maximum processor time that a quiet time saves up.
const SAVED: Duration = Duration::from_secs(1);

/// How fast a search reads.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// `None` for a search without rests.
    begun: Option<Instant>,
    bytes: u64,
}

impl Pace {
    /// At most 200 MB a second.
    pub fn slow() -> Pace {
        Pace { begun: Some(Instant::now()), bytes: 0 }
    }

    /// As fast as the memory.
    pub fn fast() -> Pace {
        Pace { begun: None, bytes: 0 }
    }

    /// Rests after these bytes were read.
    pub(super) fn rest(&mut self, read: usize) {
        self.bytes += read as u64;
        if let Some(begun) = self.begun {
            std::thread::sleep(rest(self.bytes, begun.elapsed()));
        }
    }
}

/// The rest of a search that has read these bytes in this time.
fn rest(bytes: u64, elapsed: Duration) -> Duration {
    let least = Duration::from_nanos(bytes.saturating_mul(1_000_000_000 / BYTES_PER_SECOND));
    least.saturating_sub(elapsed)
}

/// Whether there is no limit. Relaxed: it is set before the first search.
static WITHOUT_LIMIT: AtomicBool = AtomicBool::new(false);

/// Lets searches take any time: for tests that make hundreds of deadlocks within seconds.
pub fn search_without_limit() {
    WITHOUT_LIMIT.store(true, Ordering::Relaxed);
}

/// The processor time that searches may take.
#[derive(Debug)]
pub(super) struct Budget {
    /// The next search may begin then.
    free: Instant,
}

impl Budget {
    pub(super) fn new(now: Instant) -> Budget {
        Budget { free: now }
    }

    pub(super) fn is_free(&self, now: Instant) -> bool {
        now >= self.free || WITHOUT_LIMIT.load(Ordering::Relaxed)
    }

    /// Pays for a search with saved time, at most [`SAVED`], and then with time to come.
    pub(super) fn pay(&mut self, now: Instant, cost: Duration) {
        let saved = SAVED * PART;
        let oldest = now.checked_sub(saved).unwrap_or(now);
        self.free = self.free.max(oldest) + cost * PART;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_rests_until_its_bytes_took_their_time() {
        let check = |bytes, elapsed_ms, expect_ms| {
            let rest = rest(bytes, Duration::from_millis(elapsed_ms));
            assert_eq!(rest, Duration::from_millis(expect_ms), "{bytes} in {elapsed_ms} ms");
        };
        check(0, 0, 0);
        check(1_000_000, 1, 4);
        check(1_000_000, 6, 0);
        check(2_000_000_000, 1_000, 9_000);
    }

    #[test]
    fn search_is_paid_back_before_the_next() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut budget = Budget::new(at(0));
        let cost = Duration::from_millis(100);
        assert!(budget.is_free(at(0)));
        budget.pay(at(0), cost);
        assert!(!budget.is_free(at(9)) && budget.is_free(at(10)));
        // A quiet time is saved up, and not more than the maximum.
        for _ in 0..10 {
            budget.pay(at(1_000), cost);
        }
        assert!(budget.is_free(at(1_000)));
        budget.pay(at(1_000), cost);
        assert!(!budget.is_free(at(1_009)) && budget.is_free(at(1_010)));
    }
}
