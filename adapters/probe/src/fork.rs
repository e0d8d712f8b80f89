//! A process that forks: its child has only the thread that forked, and no recorder.

use crate::sync::Locks;
use crate::{executor, home, ids, order, partial, polls, raw, recorder, ring, trace};
use std::cell::Cell;

thread_local! {
    static HELD: Cell<Locks> = const { Cell::new(Vec::new()) };
}

/// To be called by the thread that is about to fork.
pub fn before_fork() {
    let mut locks = Locks::new();
    // Outer locks first, where one is taken under another.
    trace::lock_all(&mut locks);
    raw::lock_all(&mut locks);
    partial::lock_all(&mut locks);
    executor::lock_all(&mut locks);
    home::lock_all(&mut locks);
    ring::lock_all(&mut locks);
    polls::lock_all(&mut locks);
    // A thread that is about to end lets them go at once.
    let _ = HELD.try_with(|held| held.set(locks));
}

/// To be called by this thread once it has forked, in the parent.
pub fn after_fork_in_parent() {
    drop(HELD.try_with(Cell::take));
}

/// To be called by this thread once it has forked, in the child: recording is off there, until a new
/// [`Recorder`](crate::Recorder) is started.
pub fn after_fork_in_child() {
    ids::turn_off();
    polls::stop();
    order::set_on(false);
    recorder::forget_started();
    drop(HELD.try_with(Cell::take));
}
