//! A task's polls and wakes: when, how many, how long.
//!
//! "Its thread" is the thread that polls the task, or that reports its polls (`RawTask`). A field that only this thread
//! writes is stored without a read-modify-write. A waker's thread is any thread. The recorder reads all fields.

use crate::clock;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// The counts of the histogram of poll times: of 2^6 ns and less, to 2^25 ns (34 ms) and more.
pub(crate) const HISTOGRAM: std::ops::Range<u32> = 6..26;
const HISTOGRAM_LEN: usize = (HISTOGRAM.end - HISTOGRAM.start) as usize;
type Histogram = [AtomicU32; HISTOGRAM_LEN];
/// Number of polls whose times are in the cell itself: most tasks have no more, and the histogram is larger.
const FIRST_POLLS: u64 = 8;

/// Times are in ticks.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Times {
    /// Number of polls that have ended. Its thread stores it with release, after all that it counts of the poll: a reader that
    /// acquires it sees which operations were polled in the poll, and its place in the histogram. Other reads are relaxed.
    polls: AtomicU64,
    /// When the present poll began; 0 when it is not being polled. Its thread stores it, at the end of a poll with release,
    /// after `poll_end`; the recorder acquires it.
    poll_start: AtomicU64,
    /// When the last poll ended. Its thread stores it relaxed, the recorder acquires it.
    poll_end: AtomicU64,
    /// Time in polls that have ended. Its thread stores it, others read it; relaxed.
    running: AtomicU64,
    /// Time between a wake and its poll. Its thread stores it, others read it; relaxed.
    scheduled: AtomicU64,
    /// When it was woken since its last poll began; 0 when it was not. A waker's thread stores a time, its thread 0, both
    /// relaxed: a wake beside the beginning of a poll is one of before, or makes it look scheduled once more. The recorder
    /// acquires it.
    woken_at: AtomicU64,
    /// The task that woke it last; 0 when no task did. A waker's thread stores it, before `woken_at`; relaxed.
    woken_by: AtomicU64,
    /// Wakes by others than itself. Any thread adds; relaxed.
    wakes: AtomicU64,
    /// Wakes by itself. Its thread stores it; relaxed.
    self_wakes: AtomicU64,
    /// Time of the present poll in which another task was polled, on the same thread. Only its thread uses it.
    polling_others: AtomicU64,
    /// The entries of the histogram in which its first polls are counted: in each byte one, and 1 more. Its thread stores it
    /// before `polls`; relaxed.
    first_polls: AtomicU64,
    /// The histogram of later polls; null before. Its thread stores the pointer once, with release, and the counts in it before
    /// `polls`; the recorder acquires the pointer. Freed with the cell.
    histogram: AtomicPtr<Histogram>,
}

/// The state of a task.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Idle,
    Scheduled,
    Running,
}

/// A task's counters, as they were at one time.
pub(crate) struct Counters {
    pub(crate) state: State,
    /// The time at which it entered its state.
    pub(crate) since: u64,
    pub(crate) polls: u64,
    /// All of them.
    pub(crate) wakes: u64,
    pub(crate) self_wakes: u64,
    pub(crate) woken_by: u64,
    pub(crate) running: u64,
    pub(crate) scheduled: u64,
}

impl Times {
    /// For a task that is spawned now: it is scheduled, as after a wake.
    #[inline]
    pub(crate) fn spawned(now: u64) -> Times {
        Times {
            polls: AtomicU64::new(0),
            poll_start: AtomicU64::new(0),
            poll_end: AtomicU64::new(now),
            running: AtomicU64::new(0),
            scheduled: AtomicU64::new(0),
            woken_at: AtomicU64::new(now),
            woken_by: AtomicU64::new(0),
            wakes: AtomicU64::new(0),
            self_wakes: AtomicU64::new(0),
            polling_others: AtomicU64::new(0),
            first_polls: AtomicU64::new(0),
            histogram: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Its times begin only now: it was there before there was a clock. By the thread that records it.
    pub(crate) fn restart(&self, now: u64, is_polled: bool) {
        self.poll_end.store(now, Ordering::Relaxed);
        self.woken_at.store(0, Ordering::Relaxed);
        if is_polled {
            self.poll_start.store(now, Ordering::Relaxed);
        }
    }

    /// A poll begins. By its thread.
    #[inline]
    pub(crate) fn begin(&self, now: u64) {
        let woken_at = self.woken_at.load(Ordering::Relaxed);
        if woken_at != 0 {
            // A wake that comes in just here is one of before this poll, which the poll answers.
            self.woken_at.store(0, Ordering::Relaxed);
            let since = woken_at.max(self.poll_end.load(Ordering::Relaxed));
            add(&self.scheduled, now.saturating_sub(since));
        }
        self.poll_start.store(now, Ordering::Relaxed);
    }

    /// Ends a poll, and returns its duration in ticks. `before` runs before a reader finds that it has ended. By its thread.
    #[inline]
    pub(crate) fn end(&self, now: u64, before: impl FnOnce()) -> u64 {
        let start = self.poll_start.load(Ordering::Relaxed);
        let mut ticks = if start == 0 { 0 } else { now.saturating_sub(start) };
        let others = self.polling_others.load(Ordering::Relaxed);
        if others != 0 {
            self.polling_others.store(0, Ordering::Relaxed);
            ticks = ticks.saturating_sub(others);
        }
        add(&self.running, ticks);
        // In this order: a reader that sees no poll sees when the last one ended, and since when there is a wait.
        before();
        self.poll_end.store(now, Ordering::Relaxed);
        self.poll_start.store(0, Ordering::Release);
        ticks
    }

    /// Records that another task was polled for this number of ticks within the present poll. By its thread.
    pub(crate) fn add_polling_others(&self, ticks: u64) {
        add(&self.polling_others, ticks);
    }

    /// Between [`begin`](Times::begin) and [`end`](Times::end).
    #[inline]
    pub(crate) fn is_running(&self) -> bool {
        self.poll_start.load(Ordering::Relaxed) != 0
    }

    /// When the present poll began; 0 when it is not being polled.
    #[inline]
    pub(crate) fn poll_start(&self) -> u64 {
        self.poll_start.load(Ordering::Relaxed)
    }

    /// When the last poll ended. By its thread.
    #[inline]
    pub(crate) fn poll_end(&self) -> u64 {
        self.poll_end.load(Ordering::Relaxed)
    }

    /// Number of polls. The facts recorded in them are visible (acquire).
    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Acquire)
    }

    /// The number of the poll in which it is, from 1; that of the last one, in a poll that is not counted. By its thread.
    #[inline]
    pub(crate) fn poll_number(&self) -> u64 {
        self.polls.load(Ordering::Relaxed) + u64::from(self.is_running())
    }

    /// Counts a poll of this duration in ticks. By its thread.
    #[inline]
    pub(crate) fn count_poll(&self, ticks: u64) {
        let log2 = (clock::rough_ns(ticks) | 1).ilog2().clamp(HISTOGRAM.start, HISTOGRAM.end - 1);
        let entry = log2 - HISTOGRAM.start;
        let polls = self.polls.load(Ordering::Relaxed);
        if polls < FIRST_POLLS {
            let first = self.first_polls.load(Ordering::Relaxed);
            self.first_polls.store(first | u64::from(entry + 1) << (polls * 8), Ordering::Relaxed);
        } else {
            let count = &self.histogram()[entry as usize];
            count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        }
        // In this order: while the number of polls is unchanged, the histogram is unchanged, too.
        self.polls.store(polls.wrapping_add(1), Ordering::Release);
    }

    #[inline]
    fn histogram(&self) -> &Histogram {
        let histogram = self.histogram.load(Ordering::Relaxed);
        // SAFETY: null, or made by `add_histogram`, and freed with `self`.
        unsafe { histogram.as_ref() }.unwrap_or_else(|| self.add_histogram())
    }

    #[cold]
    fn add_histogram(&self) -> &Histogram {
        let fresh = Box::into_raw(Box::new([const { AtomicU32::new(0) }; HISTOGRAM_LEN]));
        self.histogram.store(fresh, Ordering::Release);
        // SAFETY: just made, and freed with `self`.
        unsafe { &*fresh }
    }

    /// Number of polls by duration, in the entries of [`HISTOGRAM`].
    pub(crate) fn poll_times(&self) -> [u64; HISTOGRAM_LEN] {
        // SAFETY: null, or made by `add_histogram`, and freed with `self`.
        let histogram = unsafe { self.histogram.load(Ordering::Acquire).as_ref() };
        let mut counts = histogram.map_or([0; HISTOGRAM_LEN], |counts| {
            std::array::from_fn(|entry| u64::from(counts[entry].load(Ordering::Relaxed)))
        });
        for entry in self.first_polls.load(Ordering::Relaxed).to_le_bytes() {
            if let Some(count) = usize::from(entry).checked_sub(1).and_then(|entry| counts.get_mut(entry)) {
                *count += 1;
            }
        }
        counts
    }

    /// Records a wake by the task `by`, or by no task if 0; only its own thread records a wake by itself. `at` returns the time,
    /// and is called only if needed.
    #[inline]
    pub(crate) fn wake(&self, by: u64, by_itself: bool, at: impl FnOnce() -> u64) {
        if by_itself {
            add(&self.self_wakes, 1);
        } else {
            self.wakes.fetch_add(1, Ordering::Relaxed);
        }
        if self.woken_at.load(Ordering::Relaxed) == 0 {
            self.woken_by.store(by, Ordering::Relaxed);
            self.woken_at.store(at(), Ordering::Relaxed);
        }
    }

    /// Number of wakes by others than itself.
    pub(crate) fn wakes(&self) -> u64 {
        self.wakes.load(Ordering::Relaxed)
    }

    /// Whether it was woken since its last poll began. If so, its waker's earlier writes are visible.
    #[inline]
    pub(crate) fn is_woken(&self) -> bool {
        self.woken_at.load(Ordering::Acquire) != 0
    }

    /// Whether it does nothing, has not been woken and has been polled just so often.
    pub(crate) fn is_idle_after(&self, polls: u64) -> bool {
        self.woken_at.load(Ordering::Relaxed) == 0 && !self.is_running() && self.polls.load(Ordering::Relaxed) == polls
    }

    /// All of it. By the recorder.
    pub(crate) fn counters(&self) -> Counters {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (state, since) = loop {
            let poll_start = self.poll_start.load(Ordering::Acquire);
            if poll_start != 0 {
                break (State::Running, poll_start);
            }
            let poll_end = self.poll_end.load(Ordering::Acquire);
            let woken_at = self.woken_at.load(Ordering::Acquire);
            // The three belong together if no poll has begun or ended meanwhile.
            if self.poll_start.load(Ordering::Acquire) != 0 || load(&self.poll_end) != poll_end {
                continue;
            }
            break match woken_at {
                0 => (State::Idle, poll_end),
                woken_at => (State::Scheduled, woken_at.max(poll_end)),
            };
        };
        // Those first after which the others are written.
        let polls = self.polls();
        let self_wakes = load(&self.self_wakes);
        Counters {
            state,
            since,
            polls,
            wakes: load(&self.wakes) + self_wakes,
            self_wakes,
            woken_by: load(&self.woken_by),
            running: load(&self.running),
            scheduled: load(&self.scheduled),
        }
    }
}

impl Drop for Times {
    fn drop(&mut self) {
        let histogram = *self.histogram.get_mut();
        if !histogram.is_null() {
            // SAFETY: made by `Box::into_raw` in `add_histogram`, and no other user of it is left.
            drop(unsafe { Box::from_raw(histogram) });
        }
    }
}

/// Adds to a counter that has one writer: no read-modify-write is needed.
#[inline]
fn add(counter: &AtomicU64, value: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(value), Ordering::Relaxed);
}
