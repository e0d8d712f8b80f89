//! The names that the program itself gives.

use crate::resource::AsResource;
use std::cell::Cell;

thread_local! {
    /// Of the next task that this thread spawns.
    static NEXT_TASK: Cell<Option<Box<str>>> = const { Cell::new(None) };
}

/// Names a resource; the first name that it is given stays. Does nothing while recording is off.
pub fn name<R: AsResource + ?Sized>(resource: &R, name: &str) {
    if let Some(cell) = resource.cell() {
        // Before it is recorded, or after: the recorder looks at both times.
        let _ = cell.name.set(name.into());
    }
}

/// Names the first task that `spawn` spawns on this thread, and returns what `spawn` does.
///
/// A task has its name from its beginning or never, so it is given around the spawn and not within the task. It works
/// with each executor that is observed, and asks nothing of it.
pub fn task_name<R>(name: &str, spawn: impl FnOnce() -> R) -> R {
    /// Also when `spawn` panics, or spawns nothing.
    struct Restore(Option<Box<str>>);

    impl Drop for Restore {
        fn drop(&mut self) {
            NEXT_TASK.set(self.0.take());
        }
    }

    let _restore = crate::on().then(|| Restore(NEXT_TASK.replace(Some(name.into()))));
    spawn()
}

/// The name for a task that is spawned now, which is thereby taken.
#[inline]
pub(crate) fn take_task_name() -> Option<Box<str>> {
    // A thread that ends may spawn in a destructor.
    NEXT_TASK.try_with(Cell::take).ok().flatten()
}
