//! Recording, turned off and on again while the program runs.

use crate::instance;
use crate::recorder::Command;
use std::sync::mpsc;

/// Turns recording off, until [`resume`]: nothing is recorded any more, and what is known of the program is forgotten. It
/// goes on at the price of a program that never called [`init`](fn@crate::init); insight's thread listens as before, and its
/// clients are told.
///
/// Returns when that is so, after a few milliseconds at most for most programs. False when insight is not on in this
/// process.
///
/// ```
/// insight::init!(listen => "127.0.0.1:0");
/// assert!(insight::pause());
/// // For as long as nobody looks.
/// assert!(insight::resume());
/// ```
pub fn pause() -> bool {
    record(false)
}

/// Turns recording on again, as if [`init`](fn@crate::init) were called now: a task that was spawned before appears at its next
/// poll, and a lock or channel when it is next used. What has stood still since before is not seen.
///
/// Returns when that is so. False when insight is not on in this process.
pub fn resume() -> bool {
    record(true)
}

fn record(on: bool) -> bool {
    let Some(recorder) = instance::commands() else { return false };
    let (done, is_done) = mpsc::sync_channel(1);
    recorder.send(Command::Record(on, done)).is_ok() && is_done.recv().is_ok()
}
