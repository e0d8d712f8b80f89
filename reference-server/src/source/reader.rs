//! Reads files on a separate thread, so that a disk that does not respond delays the recorder only for a limited time.

use super::file::{self, Candidate, Text};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// Maximum total time for which one batch of messages waits for files.
const LIMIT: Duration = Duration::from_millis(500);

type Read = fn(&Candidate) -> Option<Text>;

/// Reads files on a separate thread. The thread starts with the first file and ends when this is dropped.
pub(super) struct Reader {
    read: Read,
    thread: Option<Thread>,
    /// The end of the batch's waiting time. `None` before its first file.
    until: Option<Instant>,
}

struct Thread {
    wanted: SyncSender<Candidate>,
    found: Receiver<Option<Text>>,
    /// The thread is still reading a file after the waiting time. No other file is requested until it is done.
    late: bool,
}

impl Reader {
    pub(super) fn new() -> Reader {
        Reader::with(file::read)
    }

    fn with(read: Read) -> Reader {
        Reader { read, thread: None, until: None }
    }

    /// Ends the batch. The next one has its full waiting time.
    pub(super) fn end_batch(&mut self) {
        self.until = None;
    }

    /// The text of the file. `None` if it cannot be read in time, or at all.
    pub(super) fn read(&mut self, candidate: &Candidate) -> Option<Text> {
        let until = *self.until.get_or_insert_with(|| Instant::now() + LIMIT);
        if self.thread.is_none() {
            self.thread = start(self.read);
        }
        let thread = self.thread.as_mut()?;
        if thread.late {
            // The late file, which is no longer needed.
            thread.late = thread.found.try_recv().is_err();
        }
        if thread.late || thread.wanted.try_send(candidate.clone()).is_err() {
            return None;
        }
        match thread.found.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(text) => text,
            Err(RecvTimeoutError::Timeout) => {
                thread.late = true;
                None
            }
            // The thread has panicked, which is a fault in insight. The next file gets a new thread.
            Err(RecvTimeoutError::Disconnected) => {
                self.thread = None;
                None
            }
        }
    }
}

fn start(read: Read) -> Option<Thread> {
    let (wanted, asked) = mpsc::sync_channel::<Candidate>(1);
    let (answer, found) = mpsc::sync_channel(1);
    let run = move || {
        asked.iter().map(|candidate| read(&candidate)).map_while(|text| answer.send(text).ok()).for_each(drop);
    };
    crate::thread::spawn("insight-source", crate::thread::SMALL, run).ok()?;
    Some(Thread { wanted, found, late: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::file::Roots;
    use std::sync::{Condvar, Mutex};

    static OPEN: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

    /// Simulates a disk that does not respond until the test lets it.
    fn slow(candidate: &Candidate) -> Option<Text> {
        let open = OPEN.0.lock().unwrap();
        drop(OPEN.1.wait_while(open, |open| !*open).unwrap());
        Some(Text { lines: vec![format!("{candidate:?}")], bytes: 0, modified: None })
    }

    #[test]
    fn disk_that_does_not_respond_delays_one_batch_by_the_limit_and_later_ones_not() {
        let mut reader = Reader::with(slow);
        let roots = Roots::at(&[std::env::temp_dir()]);
        let [late, next] = ["late.rs", "next.rs"].map(|file| roots.candidates(file, true).remove(0));
        assert!(reader.read(&late).is_none());
        reader.end_batch();
        for _ in 0..10_000 {
            assert!(reader.read(&next).is_none(), "returns immediately; otherwise this would take over an hour");
            reader.end_batch();
        }
        *OPEN.0.lock().unwrap() = true;
        OPEN.1.notify_all();
        let text = loop {
            reader.end_batch();
            if let Some(text) = reader.read(&next) {
                break text;
            }
        };
        assert_eq!(text.lines, [format!("{next:?}")], "not the file that came too late");
    }
}
