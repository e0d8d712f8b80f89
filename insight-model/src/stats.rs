//! A task's state and counters, packed, since most tasks of a large program wait and have small counters.

use insight_protocol::{MAX_NUMBER, TaskId, TaskState, TaskStats, with};

/// The last stats of a task, usually in 40 bytes.
///
/// A pass over all tasks reads the first four fields. The counters are varints: a counter below 128 takes one byte.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Stats {
    pub(crate) since_ns: u64,
    pub(crate) state: Option<TaskState>,
    pub(crate) lost_waker: bool,
    /// Whether the task has a foreign waker.
    pub(crate) foreign_wakers: bool,
    /// In the order in which [`Stats::of`] writes them.
    counters: Bytes,
}

// The positions of counters among the varints.
const AT: usize = 0;
const POLLS: usize = 1;
const SELF_WAKES: usize = 3;

impl Stats {
    pub(crate) fn of(stats: &TaskStats) -> Stats {
        let mut bytes = Vec::with_capacity(64);
        let counters = [
            // Usually small, since most stats are sent soon after the state has changed.
            stats.at_ns.wrapping_sub(stats.since_ns),
            stats.polls,
            stats.wakes,
            stats.self_wakes,
            stats.woken_by.map_or(0, |id| id.0.min(MAX_NUMBER) + 1),
            stats.running_ns,
            stats.scheduled_ns,
            stats.idle_ns,
            stats.foreign_wakers,
        ];
        counters.into_iter().for_each(|counter| push(&mut bytes, counter));
        // Each count of the histogram that is not 0, after the number of zeros before it.
        let mut zeros = 0;
        for &count in &stats.poll_ns_log2 {
            if count == 0 {
                zeros += 1;
            } else {
                push(&mut bytes, zeros);
                push(&mut bytes, count);
                zeros = 0;
            }
        }
        Stats {
            since_ns: stats.since_ns,
            state: stats.state,
            lost_waker: stats.lost_waker,
            foreign_wakers: stats.foreign_wakers > 0,
            counters: Bytes::of(&bytes),
        }
    }

    /// The stats as they were sent, with an empty histogram unless `histogram` is true.
    pub(crate) fn unpacked(&self, id: TaskId, histogram: bool) -> TaskStats {
        let mut rest = self.counters.slice();
        let mut next = || pop(&mut rest).unwrap_or(0);
        let mut stats = with!(
            TaskStats::default(),
            id,
            state = self.state,
            since_ns = self.since_ns,
            lost_waker = self.lost_waker,
            at_ns = self.since_ns.wrapping_add(next()),
            polls = next(),
            wakes = next(),
            self_wakes = next(),
            woken_by = next().checked_sub(1).map(TaskId),
            running_ns = next(),
            scheduled_ns = next(),
            idle_ns = next(),
            foreign_wakers = next()
        );
        if histogram {
            while let Some(zeros) = pop(&mut rest) {
                stats.poll_ns_log2.extend((0..zeros).map(|_| 0));
                stats.poll_ns_log2.extend(pop(&mut rest));
            }
        }
        stats
    }

    pub(crate) fn at_ns(&self) -> u64 {
        self.since_ns.wrapping_add(self.counter(AT))
    }

    pub(crate) fn polls(&self) -> u64 {
        self.counter(POLLS)
    }

    pub(crate) fn self_wakes(&self) -> u64 {
        self.counter(SELF_WAKES)
    }

    fn counter(&self, place: usize) -> u64 {
        let mut rest = self.counters.slice();
        (0..place).for_each(|_| _ = pop(&mut rest));
        pop(&mut rest).unwrap_or(0)
    }
}

/// Bytes, in place if there are at most [`FEW`].
#[derive(Clone)]
enum Bytes {
    Few(u8, [u8; FEW]),
    Many(Box<[u8]>),
}

const FEW: usize = 22;

impl Bytes {
    fn of(bytes: &[u8]) -> Bytes {
        let mut few = [0; FEW];
        match few.get_mut(..bytes.len()) {
            Some(here) => {
                here.copy_from_slice(bytes);
                Bytes::Few(bytes.len() as u8, few)
            }
            None => Bytes::Many(bytes.into()),
        }
    }

    fn slice(&self) -> &[u8] {
        match self {
            Bytes::Few(len, bytes) => &bytes[..usize::from(*len)],
            Bytes::Many(bytes) => bytes,
        }
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        self.slice() == other.slice()
    }
}

impl Eq for Bytes {}

/// Writes seven bits to each byte, the lowest first. The eighth bit is set if another byte follows.
fn push(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn pop(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::Stats;
    use insight_protocol::{MAX_NUMBER, TaskId, TaskState, TaskStats, with};

    fn check(stats: TaskStats) {
        let kept = Stats::of(&stats);
        assert_eq!(kept.unpacked(stats.id, true), stats);
        assert_eq!(kept.unpacked(stats.id, false), with!(stats.clone(), poll_ns_log2 = Vec::new()));
        assert_eq!((kept.at_ns(), kept.polls(), kept.self_wakes()), (stats.at_ns, stats.polls, stats.self_wakes));
        assert_eq!(kept.foreign_wakers, stats.foreign_wakers > 0);
    }

    #[test]
    fn unpacked_stats_equal_the_sent_stats() {
        check(with!(TaskStats::default(), id = TaskId(1)));
        let numbers = [1, 127, 128, 300, 1 << 32, MAX_NUMBER, u64::MAX];
        for (index, number) in numbers.into_iter().enumerate() {
            // The time of the stats may be before the begin of the state.
            check(with!(
                TaskStats::default(),
                id = TaskId(7),
                state = [None, Some(TaskState::Idle), Some(TaskState::Running)][index % 3],
                since_ns = number,
                at_ns = number / 2,
                polls = number,
                wakes = number - 1,
                self_wakes = number / 3,
                woken_by = (index % 2 == 0).then_some(TaskId(number.min(MAX_NUMBER))),
                running_ns = number,
                idle_ns = number,
                foreign_wakers = number % 5,
                lost_waker = index % 2 == 1,
                poll_ns_log2 = (0..=index as u64).map(|it| it % 3 * (number / 3)).chain([number]).collect(),
            ));
        }
    }

    /// A model has one for each task.
    #[test]
    fn stats_take_40_bytes() {
        assert_eq!(size_of::<Stats>(), 40);
        assert_eq!(size_of::<Option<Stats>>(), 40);
    }
}
