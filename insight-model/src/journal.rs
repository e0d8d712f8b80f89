use insight_protocol::{ResourceId, TaskId};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

/// So many are kept of the smallest model.
const LEAST: usize = 1 << 12;

/// Something of a model that a diagnosis looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    Task(TaskId),
    Resource(ResourceId),
}

/// Which parts of a model have changed lately. An edge is part of its task and of its resource.
///
/// What reads it keeps its own [`Mark`], so that any number may read, and none has to: it has a bound, and nothing is kept
/// before somebody asked for a mark. Of what the last one who asked for a mark has read little is kept: another one that is
/// further behind looks at all.
#[derive(Debug)]
pub(crate) struct Journal {
    /// Of this model, and of no copy: two that were one go on apart.
    of: u64,
    /// How many were there before the first one that is kept.
    forgotten: u64,
    changed: VecDeque<Packed>,
    /// Up to where somebody has read; before the first mark nobody wants any.
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

const NOBODY: u64 = u64::MAX;

/// Up to where a journal was read.
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
            forgotten: 0,
            changed: VecDeque::new(),
            read: AtomicU64::new(NOBODY),
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
        if *self.read.get_mut() != NOBODY {
            self.changed.push_back(Packed::of(part));
        } else {
            self.forgotten += 1;
        }
    }

    /// Forgets the oldest beyond a bound: who has not read as many changes as the model has parts can as well look at them all.
    pub(crate) fn bound(&mut self, parts: usize) {
        let kept = self.changed.len();
        let read = self.read.get_mut().saturating_sub(self.forgotten).min(kept as u64) as usize;
        let more = match *self.read.get_mut() {
            NOBODY => 0,
            _ => kept.saturating_sub(parts.max(LEAST)).max(read.saturating_sub(LEAST)),
        };
        if more > 0 {
            self.changed.drain(..more);
            self.forgotten += more as u64;
            if self.changed.capacity() / 4 > self.changed.len().max(LEAST) {
                self.changed.shrink_to(self.changed.len() * 2);
            }
        }
    }

    /// What has changed since `mark`; `None` when that is no longer known, or of another model.
    pub(crate) fn since(&self, mark: Mark) -> Option<impl Iterator<Item = Part> + use<'_>> {
        let from = mark.position.checked_sub(self.forgotten).filter(|_| mark.of == self.of)?;
        Some(self.changed.range(usize::try_from(from).ok()?..).map(|packed| packed.part()))
    }

    /// Up to now.
    pub(crate) fn mark(&self) -> Mark {
        let position = self.forgotten + self.changed.len() as u64;
        self.read.store(position, Ordering::Relaxed);
        Mark { of: self.of, position }
    }
}

#[cfg(test)]
mod tests {
    use super::{Journal, LEAST, Part};
    use insight_protocol::TaskId;

    #[test]
    fn changes_since_a_mark_up_to_a_bound() {
        let mut journal = Journal::default();
        let add = |journal: &mut Journal, count: usize| (0..count).for_each(|id| journal.task(TaskId(id as u64)));
        add(&mut journal, 10);
        assert_eq!(journal.changed.len(), 0, "nobody has asked yet");
        let mark = journal.mark();
        assert_eq!(journal.since(mark).unwrap().count(), 0);
        add(&mut journal, 2);
        assert!(journal.since(mark).unwrap().eq([Part::Task(TaskId(0)), Part::Task(TaskId(1))]));
        assert!(journal.clone().since(mark).is_none(), "a copy goes on by itself");

        let later = journal.mark();
        add(&mut journal, LEAST + 5);
        journal.bound(LEAST + 5);
        assert_eq!(journal.since(later).unwrap().count(), LEAST + 5);
        assert!(journal.since(mark).is_none(), "forgotten");
        journal.bound(0);
        assert!(journal.since(later).is_none(), "forgotten");
    }
}
