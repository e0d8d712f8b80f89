//! The words of handles, and the addresses of the tasks' own futures: for a search of the program's memory.

use super::Recorder;
use crate::word::{JoinWord, Word};
use insight_protocol::{EdgeId, Message, TaskId};
use std::ops::Range;

impl Recorder {
    /// The word of the guard of an open hold, by its ID in the stream. `None` if the hold is over, or its guard has no word.
    pub fn guard_word(&self, hold: EdgeId) -> Option<Word> {
        let resource = self.ledger.edges.get(&hold.0)?.resource();
        let entry = self.ledger.resources.get(&resource)?;
        let cell = entry.cell.as_deref()?;
        match (&cell.open_holds, entry.hold) {
            (Some(holds), _) => holds.picture().iter().find(|open| self.ledger.edge_of(open) == hold.0)?.guard.word(),
            (None, Some((edge, number))) if edge == hold.0 => cell.guard_word(number),
            (None, _) => None,
        }
    }

    /// Notes that other code may have the guard of an open hold: appends the end of the hold, and the same hold as a transferable one
    /// under another ID.
    pub fn make_transferable(&mut self, hold: EdgeId, out: &mut Vec<Message>) {
        self.appending(out, |recorder| recorder.ledger.make_transferable(hold.0));
    }

    /// The word of the join handle of a task. A handle that another crate made by itself, such as an abort handle, has none.
    pub fn join_word(&self, task: TaskId) -> Word {
        JoinWord::word(task.0)
    }

    /// The addresses of the task's own future. `None` if it was not polled yet, is not observed, or is a closure.
    pub fn own_future(&self, task: TaskId) -> Option<Range<usize>> {
        self.ledger.tasks.get(&task.0)?.cell.as_ref()?.own_future()
    }
}
