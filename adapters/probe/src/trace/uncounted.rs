//! A poll that only a trace asked for: it counts nowhere.

use crate::cell_ref::CellRef;
use crate::slots::Slot;
use std::collections::HashSet;
use std::ptr::NonNull;

/// Such a poll, from its beginning to its end.
pub(super) struct Uncounted {
    cell: CellRef,
    /// The waits that were open before.
    waits: Vec<OpenBefore>,
    /// The number of tasks that it had spawned before.
    spawns: u32,
    /// The number of its counted polls before.
    polls: u64,
    /// The number of its wakers before, if its last poll left one.
    left: Option<u32>,
}

struct OpenBefore {
    /// One of `cell`'s.
    slot: NonNull<Slot>,
    edge: u64,
    place: (u64, u64, usize),
    polls: u32,
}

impl OpenBefore {
    fn slot(&self) -> &Slot {
        // SAFETY: a slot of the cell that `Uncounted` keeps alive (cell_ref.rs, "slots").
        unsafe { self.slot.as_ref() }
    }
}

impl Uncounted {
    /// Begins. Called by the thread that polls the task.
    pub(super) fn begin(cell: &CellRef) -> Uncounted {
        cell.set_uncounted(true);
        let mut waits = Vec::new();
        cell.waits().for_each_slot(|slot| {
            if let Some(edge) = slot.edge() {
                let (place, polls) = (slot.place(), slot.waiter.polls());
                waits.push(OpenBefore { slot: NonNull::from(slot), edge, place, polls });
            }
        });
        let left = cell.left_waker().then(|| cell.wakers().count());
        Uncounted { cell: cell.clone(), waits, spawns: cell.spawns(), polls: cell.times().polls(), left }
    }

    /// Whether the poll took the task further, beyond a poll of the same awaits. `polled` has the waits whose operations were
    /// polled in it: a wait that is over without such a poll may be one that the task opens anew at each poll.
    pub(super) fn made_progress(&self, polled: Vec<u64>) -> bool {
        let mut open = HashSet::new();
        let mut places = Vec::new();
        let known: HashSet<u64> = self.waits.iter().map(|wait| wait.edge).collect();
        self.cell.waits().for_each_slot(|slot| {
            if let Some(edge) = slot.edge() {
                open.insert(edge);
                if !known.contains(&edge) {
                    places.push(slot.place());
                }
            }
        });
        let is_over = |edge: &u64| known.contains(edge) && !open.contains(edge);
        let is_new = |place: &(u64, u64, usize)| self.waits.iter().all(|wait| wait.place != *place);
        self.cell.spawns() != self.spawns || polled.iter().any(is_over) || places.iter().any(is_new)
    }
}

impl Drop for Uncounted {
    /// Takes back the polls of its operations, unless the poll was counted after all, since an operation blocked the thread in it.
    fn drop(&mut self) {
        if self.cell.times().polls() == self.polls {
            for wait in &self.waits {
                if wait.slot().edge() == Some(wait.edge) {
                    wait.slot().waiter.set_polls(wait.polls);
                }
            }
            // The poll replaced the clone that an earlier poll had left: it is still one that the task's last poll left.
            if self.left.is_some_and(|before| self.cell.wakers().count() >= before) {
                self.cell.set_left_waker(true);
            }
        }
        self.cell.set_uncounted(false);
    }
}
