//! The lines of an await. The program's own line comes first, and the line of the library that waits there is second.

use crate::awaits::{Frame, Leaf};
use crate::edge::Edge;
use crate::known_awaits::KnownAwaits;
use crate::location::Location;
use crate::state::Model;
use insight_protocol::{FrameKind, TaskId};

/// The lines of an await, from the outside in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines<'m> {
    /// The line to show first: the program's own, or else the nearest line of a library.
    pub first: Option<&'m Location>,
    /// That line is the program's own.
    pub is_own: bool,
    /// The function of that line.
    pub function: Option<&'m str>,
    /// The library's function in which the task waits. `None` if the first line itself waits.
    pub inside: Option<&'m str>,
    /// The line in that library.
    pub library: Option<&'m Location>,
    /// The program's own frames that called the first one, from the inside out.
    pub callers: Vec<&'m Frame>,
    /// Further callers are missing.
    pub cut: bool,
    /// The task whose awaits these are, if the task's own ones are unknown.
    pub as_in: Option<TaskId>,
}

impl<'m> Lines<'m> {
    /// The lines of a leaf. `wait` is the line of its instrumented operation.
    fn of(leaf: &'m Leaf, wait: Option<&'m Location>) -> Lines<'m> {
        let is = |kind: FrameKind| move |frame: &Frame| frame.kind == kind;
        let first = leaf.frames.iter().position(is(FrameKind::Own));
        let Some(at) = first.or_else(|| leaf.frames.iter().rposition(is(FrameKind::Dependency))) else {
            return Lines { cut: leaf.cut, ..Lines::of_operation(wait) };
        };
        let (frame, within) = (&leaf.frames[at], &leaf.frames[..at]);
        // An operation that the first function itself calls. Its place is more exact than that of the `.await`.
        let is_called_here = |wait: &&Location| match &frame.location {
            Some(location) => wait.is_in_file_of(location),
            None => wait.library().is_none(),
        };
        let here = wait.filter(is_called_here);
        let first = here.or(frame.location.as_deref());
        // Frames of the operation itself say nothing.
        let library = within.iter().find(|frame| frame.kind == FrameKind::Dependency).filter(|_| here.is_none());
        let is_other =
            |other: &&Location| first.is_none_or(|it| !it.is_in_file_of(other) || it.place.line != other.place.line);
        let line = wait.filter(|wait| !is_called_here(wait) && is_other(wait));
        let line = line.or_else(|| library?.location.as_deref().filter(is_other));
        let function = frame.function.as_deref();
        let inside = leaf.function.as_deref().or_else(|| library?.function.as_deref());
        let is_within = library.is_some() || line.is_some();
        Lines {
            first,
            is_own: frame.kind == FrameKind::Own,
            function,
            inside: inside.filter(|inside| is_within && function != Some(inside)),
            library: line,
            callers: leaf.frames[at + 1..].iter().filter(|frame| frame.kind == FrameKind::Own).collect(),
            cut: leaf.cut,
            as_in: None,
        }
    }

    /// The line of an instrumented operation whose await is unknown.
    fn of_operation(line: Option<&Location>) -> Lines<'_> {
        let is_own = line.is_some_and(|line| line.library().is_none());
        Lines { first: line, is_own, ..Lines::default() }
    }

    /// `` `shop::order` at src/main.rs:9, inside `deadpool::managed::Pool::get` ``: the lines in a sentence. The function is left
    /// out if the `known` name contains it. Empty if no line is known.
    pub fn words(&self, known: Option<&str>) -> String {
        let function = self.function.filter(|function| known.is_none_or(|known| !known.contains(function)));
        let mut parts: Vec<String> = match (function, self.first) {
            (Some(function), Some(first)) => vec![format!("`{function}` at {}", first.line())],
            (None, Some(first)) => vec![first.line()],
            (Some(function), None) => vec![format!("`{function}`")],
            (None, None) => Vec::new(),
        };
        parts.extend(self.inside.map(|inside| format!("inside `{inside}`")));
        parts.extend(self.as_in.map(|task| format!("as in task {task}")));
        parts.join(", ")
    }
}

impl Model {
    /// The lines of a wait. Without its await, the line of its operation.
    pub fn lines_of_wait<'m>(&'m self, wait: &'m Edge) -> Lines<'m> {
        let location = wait.location.as_deref();
        match self.await_of(wait) {
            Some(leaf) => Lines { as_in: self.as_in(wait.task), ..Lines::of(leaf, location) },
            None => Lines::of_operation(location),
        }
    }

    /// The lines of an await of this task that belongs to no open wait.
    pub fn lines_of_await<'m>(&self, task: TaskId, leaf: &'m Leaf) -> Lines<'m> {
        Lines { as_in: self.as_in(task), ..Lines::of(leaf, None) }
    }

    /// The task whose awaits represent those of this one.
    fn as_in(&self, id: TaskId) -> Option<TaskId> {
        self.awaits(id).and_then(|KnownAwaits { awaits, represents }| represents.then_some(awaits.task))
    }
}

impl Leaf {
    /// `` `tokio::net::TcpStream::read` ``: the awaited future, if it has a name.
    pub fn awaited(&self) -> Option<String> {
        let first = || self.frames.first().filter(|frame| frame.kind != FrameKind::Own)?.function.as_deref();
        self.function.as_deref().or_else(first).map(|function| format!("`{function}`"))
    }
}
