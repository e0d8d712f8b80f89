use insight_protocol::{ResourceId, TaskId};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

/// More than that between two checks is as much work as looking at everything.
const MOST: usize = 1 << 16;

/// Something of a model that a diagnosis looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    Task(TaskId),
    Resource(ResourceId),
}

/// Which parts of a model have changed lately. An edge is part of its task and of its resource.
///
/// What reads it keeps its own [`Mark`], so that any number may read, and none has to: it has a bound.
#[derive(Debug)]
pub(crate) struct Journal {
    /// Of this model, and of no copy: two that were one go on apart.
    of: u64,
    /// How many were there before the first one that is kept.
    forgotten: u64,
    changed: VecDeque<Part>,
}

/// Up to where a journal was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    of: u64,
    position: u64,
}

impl Default for Journal {
    fn default() -> Journal {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Journal { of: LAST.fetch_add(1, Ordering::Relaxed), forgotten: 0, changed: VecDeque::new() }
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
        if self.changed.len() == MOST {
            self.changed.pop_front();
            self.forgotten += 1;
        }
        self.changed.push_back(part);
    }

    /// What has changed since `mark`; `None` when that is no longer known, or of another model.
    pub(crate) fn since(&self, mark: Mark) -> Option<impl Iterator<Item = Part>> {
        let from = mark.position.checked_sub(self.forgotten).filter(|_| mark.of == self.of)?;
        Some(self.changed.range(usize::try_from(from).ok()?..).copied())
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { of: self.of, position: self.forgotten + self.changed.len() as u64 }
    }
}
