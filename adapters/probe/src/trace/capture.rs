//! The result of one traced poll.

use insight_protocol::EdgeId;

/// The stacks of one poll of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// A stack for each waker that was cloned, in the order of the polls.
    pub stacks: Vec<Stack>,
    /// Stacks that were not kept, because there were too many.
    pub more: u64,
    /// The spans of the program that were entered in the poll, the outermost first; from [`note_span`](super::note_span).
    pub spans: Vec<String>,
    /// The poll was the task's last.
    pub ready: bool,
    /// The poll panicked, so it was the task's last.
    pub panicked: bool,
    /// Its executor polled it with another waker than at first, which we do not follow, so there are no stacks.
    pub other_waker: bool,
    /// Only the trace asked for the poll, and the poll took the task further: it was ready, or it panicked, or an operation for which
    /// it had waited is over, or it spawned a task, or it waits at a new place. So the task could make progress, and nothing had woken
    /// it. A wake that comes after the poll, as [`Traceable::wakes`](super::Traceable::wakes) shows, refutes that: its event
    /// came during the poll.
    pub released: bool,
    /// Number of polls of the task until then.
    pub polls: u64,
    /// Number of wakes of the task by others until then.
    pub wakes: u64,
    /// When the poll ended, in the recorder's time.
    pub at_ns: u64,
    /// How long the poll took, the stacks included.
    pub took_ns: u64,
}

impl Capture {
    /// Whether the stacks are all awaits that kept a waker of the task.
    pub fn is_complete(&self) -> bool {
        !self.ready
            && !self.panicked
            && !self.other_waker
            && self.more == 0
            && self.stacks.iter().all(|stack| !stack.cut)
    }
}

/// A stack, from the clone of a waker to the poll of the task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Return addresses, the innermost first. The first ones are the unwinder's and the waker's own, the last one that of
    /// the frame in which the task's future is polled.
    pub addresses: Vec<usize>,
    /// The stack was so deep that its outer end is missing.
    pub cut: bool,
    /// How many wakers were cloned from this very stack, for this edge.
    pub clones: u64,
    /// The wait of the operation whose waker was cloned, by the ID of its slot; `None` if no recorded operation asked for
    /// the waker. [`Recorder::open_wait`](crate::Recorder::open_wait) gives its ID in the stream.
    pub edge: Option<EdgeId>,
}
