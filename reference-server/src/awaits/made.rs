//! The awaits of one capture, before their texts have IDs of the stream.

use crate::trace::frames::{Resolver, Symbol};
use crate::trace::function;
use insight_probe::Capture;
use insight_protocol::{EdgeId, FrameKind, MAX_AWAITS, MAX_FRAMES, SourceLocation, TaskId, TraceFrame};
use std::collections::BTreeSet;

/// The awaits of a task that was polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) task: TaskId,
    /// Number of polls of the task until then.
    pub(crate) polls: u64,
    pub(crate) leaves: Vec<MadeLeaf>,
    /// The program's own spans, the outermost first.
    pub(crate) spans: Vec<String>,
    /// Number of further awaits.
    pub(crate) more: u64,
    pub(crate) complete: bool,
    /// The task still waits, and we follow its waker.
    pub(crate) waits: bool,
    pub(crate) at_ns: u64,
    /// The poll took the task further, although nothing had woken it.
    pub(crate) released: bool,
    /// The poll panicked.
    pub(crate) panicked: bool,
    /// Number of its wakes by others until then.
    pub(crate) wakes: u64,
    /// The program has symbols.
    pub(crate) has_symbols: bool,
}

impl Made {
    /// The task's own function: the outermost one of the program's own code.
    pub(crate) fn own_function(&self) -> Option<&str> {
        let whole = self.leaves.iter().find(|leaf| !leaf.cut)?;
        whole.frames.iter().rfind(|frame| frame.kind == FrameKind::Own)?.function.as_deref()
    }

    /// Whether it has awaits, and no name of any function.
    pub(super) fn lacks_symbols(&self) -> bool {
        !self.leaves.is_empty() && !self.has_symbols
    }

    /// Whether it has functions, and no line of any of them.
    pub(super) fn lacks_lines(&self) -> bool {
        let mut frames = self.leaves.iter().flat_map(|leaf| &leaf.frames).peekable();
        frames.peek().is_some() && frames.all(|frame| frame.location.is_none())
    }
}

/// One await.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MadeLeaf {
    /// The wait, by the ID of its slot.
    pub(crate) edge: Option<EdgeId>,
    pub(crate) function: Option<String>,
    /// The innermost first.
    pub(crate) frames: Vec<MadeFrame>,
    pub(crate) cut: bool,
}

/// One function on the stack of an await.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MadeFrame {
    pub(crate) function: Option<String>,
    pub(crate) location: Option<SourceLocation>,
    pub(crate) kind: FrameKind,
}

/// Reads the functions of a capture.
pub(super) fn made(task: TaskId, capture: &Capture, resolver: &mut Resolver, files: &BTreeSet<String>) -> Made {
    let waits = !capture.ready && !capture.panicked && !capture.other_waker;
    let stacks = if waits { capture.stacks.as_slice() } else { &[] };
    let (mut leaves, mut has_symbols): (Vec<MadeLeaf>, bool) = (Vec::new(), false);
    for (stack, frames) in stacks.iter().zip(resolver.frames(stacks, files)) {
        has_symbols |= frames.iter().any(|(symbol, _)| symbol.name.is_some());
        let leaf = leaf(stack.edge, &frames, stack.cut, resolver);
        // Copies of one function at different addresses give equal leaves: by their lines they are one await.
        if !leaves.contains(&leaf) {
            leaves.push(leaf);
        }
    }
    let more = capture.more + leaves.len().saturating_sub(MAX_AWAITS) as u64;
    leaves.truncate(MAX_AWAITS);
    let complete = capture.is_complete() && more == 0 && leaves.iter().all(|leaf| !leaf.cut);
    let Capture { polls, wakes, at_ns, released, panicked, .. } = *capture;
    let spans = if waits { capture.spans.clone() } else { Vec::new() };
    Made { task, polls, leaves, spans, more, complete, waits, at_ns, released, panicked, wakes, has_symbols }
}

fn leaf(edge: Option<EdgeId>, stack: &[(Symbol, TraceFrame)], cut: bool, resolver: &mut Resolver) -> MadeLeaf {
    let awaited = function::awaited(stack, resolver);
    let shown = |frame: &TraceFrame| match frame.kind {
        FrameKind::Own | FrameKind::Dependency => true,
        // Without debug information, we know only the crate of a function.
        FrameKind::Unknown => frame.crate_name.is_some(),
        _ => false,
    };
    let outward =
        stack.iter().take(awaited.end).skip(awaited.begin).map(|(_, frame)| frame).filter(|frame| shown(frame));
    let mut frames: Vec<MadeFrame> = outward.map(made_frame).collect();
    // One line in several functions that were inlined, or in an async function and its body, is one frame.
    frames.dedup();
    let cut = cut || frames.len() > MAX_FRAMES;
    frames.truncate(MAX_FRAMES);
    MadeLeaf { edge, function: awaited.function, frames, cut }
}

fn made_frame(frame: &TraceFrame) -> MadeFrame {
    let TraceFrame { function, location, kind, .. } = frame.clone();
    MadeFrame { function, location, kind }
}
