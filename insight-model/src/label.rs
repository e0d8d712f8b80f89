//! The names of tasks, the same on every screen and in every text.

use crate::awaits::{Awaits, Leaf};
use crate::ended::EndedTask;
use crate::location::Location;
use crate::names::{Names, short};
use crate::state::Model;
use crate::task::{Origin, Task};
use insight_protocol::{FrameKind, TaskId};
use std::collections::HashSet;
use std::sync::Arc;
use std::{fmt, ptr};

/// The name of a task for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskName<'m> {
    /// The name.
    pub name: &'m str,
    /// The location of its spawn, if tasks of other locations have the same name.
    pub place: Option<&'m Location>,
    /// The outermost span of the program's tracing in which it waits.
    pub span: Option<&'m str>,
}

impl fmt::Display for TaskName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if let Some(place) = self.place {
            write!(f, " ({})", place.line())?;
        }
        self.span.map_or(Ok(()), |span| write!(f, " in {span}"))
    }
}

impl Model {
    /// The name of a task: the one that the program gave it, or its function. `None` if it has none.
    pub fn task_name<'m>(&'m self, task: &'m Task) -> Option<TaskName<'m>> {
        let name = &**self.plain_name(task)?;
        Some(TaskName { name, place: place(task, self.names().is_ambiguous(name)), span: self.span(task.id) })
    }

    /// As [`task_name`](Model::task_name), for a narrow column: the last part of a path.
    pub fn short_task_name<'m>(&'m self, task: &'m Task) -> Option<TaskName<'m>> {
        let name = short(self.plain_name(task)?);
        let place = place(task, self.names().is_ambiguous_in_short(name));
        Some(TaskName { name, place, span: self.span(task.id) })
    }

    /// `task 7 (reader)`, or `task 7` if the task is unknown or has no name. `task 7 (reader, src/main.rs:4)` if tasks of other spawn
    /// locations have this name, and `task 7 (reader, in request GET /orders)` if it waits in a span. An ended task may be known.
    pub fn task_label(&self, id: TaskId) -> String {
        match self.tasks.get(&id).and_then(|task| self.task_name(task)) {
            Some(TaskName { name, place, span }) => {
                let place = place.map_or_else(String::new, |place| format!(", {}", place.line()));
                let span = span.map_or_else(String::new, |span| format!(", in {span}"));
                format!("task {id} ({name}{place}{span})")
            }
            None => self.ended_tasks.get(id).map_or_else(|| format!("task {id}"), EndedTask::label),
        }
    }

    /// The outermost span in which the task waits. Another task's span may have another route.
    fn span(&self, id: TaskId) -> Option<&str> {
        self.awaits.of(id)?.spans.first().map(|span| &**span)
    }

    /// The names are computed when they are next needed.
    #[inline]
    pub(crate) fn forget_names(&mut self) {
        self.names.take();
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(|| Arc::new(self.all_names()))
    }

    fn all_names(&self) -> Names {
        let mut names = Names::default();
        let mut seen: HashSet<*const Origin> = HashSet::new();
        let mut last = ptr::null();
        for task in self.tasks.values() {
            // Most tasks have the location of the task before.
            let origin = Arc::as_ptr(&task.origin);
            if !ptr::eq(origin, last) && seen.insert(origin) {
                if let Some(name) = task.origin.name.as_ref().filter(|name| !is_generic(name)) {
                    names.add(name, &task.origin);
                }
            }
            last = origin;
        }
        for task in self.awaits.values().filter_map(|awaits| self.tasks.get(&awaits.task)) {
            if let Some(name) = self.plain_name(task) {
                names.add(name, &task.origin);
            }
        }
        names
    }

    /// The name of a task. If that says nothing, the program's own function that its awaits show, or else a library's.
    fn plain_name<'m>(&'m self, task: &'m Task) -> Option<&'m Arc<str>> {
        let name = task.origin.name.as_ref();
        if name.is_some_and(|name| !is_generic(name)) {
            return name;
        }
        let function = || {
            let awaits = self.awaits(task.id)?.awaits;
            let Some(function) = outermost(awaits, &FrameKind::Own) else {
                // A task of a library has no own function. The library's function says more than a type that hides the future.
                return outermost(awaits, &FrameKind::Dependency)
                    .filter(|_| name.is_some_and(|name| name.contains("dyn ")));
            };
            // A type that contains code of the program's own crate says as much, unless it hides the future.
            let root = function.split_once("::").map_or(&**function, |(root, _)| root);
            let says = |name: &Arc<str>| !name.contains("dyn ") && name.contains(&format!("{root}::"));
            (!name.is_some_and(says)).then_some(function)
        };
        function().or(name)
    }
}

/// The outermost function of this kind that the task runs.
fn outermost<'m>(awaits: &'m Awaits, kind: &FrameKind) -> Option<&'m Arc<str>> {
    let outermost = |leaf: &'_ Leaf| leaf.frames.iter().rposition(|frame| frame.kind == *kind);
    let mut whole = awaits.leaves.iter().filter(|leaf| !leaf.cut);
    whole.find_map(|leaf| leaf.frames[outermost(leaf)?].function.as_ref())
}

/// The spawn location of a task whose name is that of several.
fn place(task: &Task, is_ambiguous: bool) -> Option<&Location> {
    task.origin.location.as_deref().filter(|_| is_ambiguous && !task.origin.partial)
}

/// Whether the name is a type, or code without a name, and not a function or a name that the program gave.
fn is_generic(name: &str) -> bool {
    name.contains(['<', '{']) || name.contains("dyn ")
}
