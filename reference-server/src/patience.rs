//! Time limits that do not count a pause of the process.
//!
//! After a pause (a debugger, a frozen container, no processor), every plain time limit has passed, although no client could act.
//! So a limit is waited for in slices, and a long slice counts as a short one.

use std::time::{Duration, Instant};

/// Maximum time of one wait.
pub(crate) const SLICE: Duration = Duration::from_millis(100);
/// Maximum time that counts between two waits.
const COUNTED: Duration = Duration::from_millis(200);

/// The rest of a time limit.
#[derive(Debug)]
pub(crate) struct Patience {
    left: Duration,
    since: Instant,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Patience {
        Patience { left: limit, since: Instant::now() }
    }

    /// The time of the next wait, at most [`SLICE`]; `None` if the limit is used up.
    pub(crate) fn next(&mut self) -> Option<Duration> {
        let now = Instant::now();
        self.spend(now.saturating_duration_since(self.since));
        self.since = now;
        (!self.left.is_zero()).then(|| self.left.min(SLICE))
    }

    fn spend(&mut self, elapsed: Duration) {
        self.left = self.left.saturating_sub(elapsed.min(COUNTED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_counts_little() {
        let ms = Duration::from_millis;
        let mut patience = Patience::new(ms(1000));
        let mut check = |elapsed: Duration, left: u64| {
            patience.spend(elapsed);
            assert_eq!(patience.left, ms(left));
        };
        check(ms(100), 900);
        check(Duration::from_secs(3600), 700);
        check(ms(0), 700);
        check(ms(199), 501);
        for left in [301, 101, 0, 0] {
            check(Duration::MAX, left);
        }
        assert_eq!(patience.next(), None);
        assert_eq!(Patience::new(Duration::from_secs(5)).next(), Some(SLICE));
    }
}
