//! Turns recording off and on while the program runs.

use crate::instance;
use crate::recorder::Command;
use std::sync::mpsc;

/// Turns recording off until [`resume`], and forgets all recorded facts. The program then runs as fast as one that never
/// called [`init`](fn@crate::init). insight's threads still listen, and each client gets a message.
///
/// Returns once recording is off, usually within a few milliseconds. Returns false if insight is not on in this process.
///
/// ```
/// insight::init!(listen => "127.0.0.1:0");
/// assert!(insight::pause());
/// // The program runs at full speed.
/// assert!(insight::resume());
/// ```
pub fn pause() -> bool {
    record(false)
}

/// Turns recording on again, as if [`init`](fn@crate::init) were called now. An older task appears at its next poll, and an older
/// lock or channel at its next use; until then they are not observed.
///
/// Returns once recording is on. Returns false if insight is not on in this process.
pub fn resume() -> bool {
    record(true)
}

fn record(on: bool) -> bool {
    let Some(recorder) = instance::commands() else { return false };
    let (done, is_done) = mpsc::sync_channel(1);
    recorder.send(Command::Record(on, done)).is_ok() && is_done.recv().is_ok()
}
