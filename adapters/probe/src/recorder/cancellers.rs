//! The tasks and other code that can cancel a task.

use super::Recorder;
use crate::kind::Kind;
use insight_protocol::{MAX_CANCELLERS, TaskCancellers, TaskId, with};

impl Recorder {
    /// The tasks and other code that can cancel the task, apart from code that has one of its join handles: each handle has the
    /// [`join_word`](Recorder::join_word). `None` if the task is unknown, or has ended.
    ///
    /// An abort handle that was made since the last collection is unknown. The join handle that made it may be gone by now, with its
    /// word: so search for the word first, and then collect and ask.
    pub fn cancellers(&self, task: TaskId) -> Option<TaskCancellers> {
        let entry = self.ledger.tasks.get(&task.0)?;
        let cell = entry.cell.as_ref()?;
        // A root has no join handle.
        let handles_known =
            cell.kind() == Kind::BlockOn || !(entry.cancellable || cell.is_cancellable() || self.cancellers_left_out);
        let enders = if handles_known && cell.is_followed() { cell.enders() } else { None };
        let tasks = enders.and_then(|enders| self.live(enders));
        let others = tasks.is_none();
        let tasks = tasks.unwrap_or_default();
        Some(with!(TaskCancellers::default(), id = task, tasks, others, at_ns = self.now_ns()))
    }

    /// The tasks with these IDs, each once. `None` if one is unknown to readers, or there are too many for a message.
    fn live(&self, mut ids: Vec<u64>) -> Option<Vec<TaskId>> {
        ids.sort_unstable();
        ids.dedup();
        let live = ids.len() <= MAX_CANCELLERS && ids.iter().all(|id| self.ledger.tasks.contains_key(id));
        live.then(|| ids.into_iter().map(TaskId).collect())
    }
}
