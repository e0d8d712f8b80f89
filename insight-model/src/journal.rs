use insight_protocol::{ResourceId, TaskId};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

/// Number of changes that a journal keeps even if the model is small.
const LEAST: usize = 1 << 12;

/// A part of a model that the diagnosis reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    Task(TaskId),
    Resource(ResourceId),
}

/// The parts of a model that have changed lately. A change of an edge is a change of its task and of its resource.
///
/// Each reader keeps its own [`Mark`], so any number of readers can read. Before the first call of [`Journal::mark`],
/// no changes are kept. After it, their number has a bound. A journal keeps only a few of the changes that the last
/// reader has already read, so a slower reader has to look at the whole model.
#[derive(Debug)]
pub(crate) struct Journal {
    /// The id of this journal. A copy has another id, since the two models change independently.
    of: u64,
    /// Number of changes that were dropped before the first one in `changed`.
    dropped: u64,
    changed: VecDeque<Packed>,
    /// The position up to which the last reader has read; [`NO_READER`] before the first mark.
    read: AtomicU64,
}

/// A part in one word: twice its id, and 1 for a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packed(u64);

impl Packed {
    pub(crate) fn of(part: Part) -> Packed {
        Packed(match part {
            Part::Task(TaskId(id)) => id << 1,
            Part::Resource(ResourceId(id)) => id << 1 | 1,
        })
    }

    pub(crate) fn part(self) -> Part {
        let id = self.0 >> 1;
        if self.0 & 1 == 0 { Part::Task(TaskId(id)) } else { Part::Resource(ResourceId(id)) }
    }
}

const NO_READER: u64 = u64::MAX;

/// The position up to which a reader has read a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    of: u64,
    position: u64,
}

impl Default for Journal {
    fn default() -> Journal {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Journal {
            of: LAST.fetch_add(1, Ordering::Relaxed),
            dropped: 0,
            changed: VecDeque::new(),
            read: AtomicU64::new(NO_READER),
        }
    }
}

impl Clone for Journal {
    fn clone(&self) -> Journal {
        Journal::default()
    }
}

impl Journal {
    pub(crate) fn task(&mut self, id: TaskId) {
        self.add(Part::Task(id));
    }

    pub(crate) fn resource(&mut self, id: ResourceId) {
        self.add(Part::Resource(id));
    }

    fn add(&mut self, part: Part) {
        if *self.read.get_mut() != NO_READER {
            self.changed.push_back(Packed::of(part));
        } else {
            self.dropped += 1;
        }
    }

    /// Drops the oldest changes above a bound. A reader that has missed more changes than the model has parts may as
    /// well look at all parts.
    pub(crate) fn bound(&mut self, parts: usize) {
        let kept = self.changed.len();
        let read = self.read.get_mut().saturating_sub(self.dropped).min(kept as u64) as usize;
        let more = match *self.read.get_mut() {
            NO_READER => 0,
            _ => kept.saturating_sub(parts.max(LEAST)).max(read.saturating_sub(LEAST)),
        };
        if more > 0 {
            self.changed.drain(..more);
            self.dropped += more as u64;
            if self.changed.capacity() / 4 > self.changed.len().max(LEAST) {
                self.changed.shrink_to(self.changed.len() * 2);
            }
        }
    }

    /// The parts that have changed since `mark`; `None` if the journal has dropped some of them, or if `mark` is of
    /// another journal.
    pub(crate) fn since(&self, mark: Mark) -> Option<impl Iterator<Item = Part> + use<'_>> {
        let from = mark.position.checked_sub(self.dropped).filter(|_| mark.of == self.of)?;
        Some(self.changed.range(usize::try_from(from).ok()?..).map(|packed| packed.part()))
    }

    /// The position after the last change.
    pub(crate) fn mark(&self) -> Mark {
        let position = self.dropped + self.changed.len() as u64;
        self.read.store(position, Ordering::Relaxed);
        Mark { of: self.of, position }
    }
}

#[cfg(test)]
mod tests {
    use super::{Journal, LEAST, Part};
    use insight_protocol::TaskId;

    #[test]
    fn a_journal_has_the_changes_since_a_mark_up_to_a_bound() {
        let mut journal = Journal::default();
        let add = |journal: &mut Journal, count: usize| (0..count).for_each(|id| journal.task(TaskId(id as u64)));
        add(&mut journal, 10);
        assert_eq!(journal.changed.len(), 0, "no reader has a mark yet");
        let mark = journal.mark();
        assert_eq!(journal.since(mark).unwrap().count(), 0);
        add(&mut journal, 2);
        assert!(journal.since(mark).unwrap().eq([Part::Task(TaskId(0)), Part::Task(TaskId(1))]));
        assert!(journal.clone().since(mark).is_none(), "a copy has its own journal");

        let later = journal.mark();
        add(&mut journal, LEAST + 5);
        journal.bound(LEAST + 5);
        assert_eq!(journal.since(later).unwrap().count(), LEAST + 5);
        assert!(journal.since(mark).is_none(), "dropped");
        journal.bound(0);
        assert!(journal.since(later).is_none(), "dropped");
    }
}
