//! A recording: the stream that a client would get, written to a file by a separate thread.
//!
//! The thread is a client of the recorder. If the disk is too slow, messages are skipped, and the file gets a `gap` and a new
//! snapshot. So a slow disk delays neither the program nor another client.

mod file;

use crate::client::{Client, Next};
use crate::ending::{self, Unfinished};
use crate::fork::ClosedByChild;
use crate::recorder::{Command, Settings, is_there};
use crate::{Error, say};
use file::Opened;
use flate2::Compression;
use flate2::write::GzEncoder;
use insight_protocol::{body, line};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// Interval between flushes. A process that is killed loses about this much of the end of its recording.
const FLUSH: Duration = Duration::from_millis(250);
/// Approximate number of bytes that are taken from the queue at a time.
const PART_BYTES: usize = 256 << 10;
/// The queue is this many times larger than that of other clients.
const QUEUE: usize = 4;

/// A recording that can be written: its open file and its path.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    notes: Vec<String>,
    /// Declared before the output, so that it is dropped first.
    _closed_by_child: ClosedByChild,
    output: Output,
    seq: u64,
    flush_at: Instant,
    unfinished: Unfinished,
}

#[derive(Debug)]
enum Output {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
}

/// The reason for the end of the recording.
enum Ended {
    /// The recorder has stopped.
    Stream,
    Write(io::Error),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Ended {
        Ended::Write(error)
    }
}

impl Recording {
    /// Opens the file at `path`, or one beside it if another process uses that file. A name that ends in `.gz` means compression.
    pub(crate) fn create(path: PathBuf, pid: u32) -> Result<Recording, Error> {
        match file::open(&path, pid) {
            Ok(opened) => Ok(Recording::new(opened)),
            Err(error) => Err(Error::CannotRecord { path, error }),
        }
    }

    fn new(opened: Opened) -> Recording {
        let Opened { file, path, notes } = opened;
        let _closed_by_child = ClosedByChild::new(&file);
        let file = BufWriter::new(file);
        let gzip = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        let output = if gzip { Output::Gzip(GzEncoder::new(file, Compression::fast())) } else { Output::Plain(file) };
        Recording {
            path,
            notes,
            _closed_by_child,
            output,
            seq: 0,
            flush_at: Instant::now(),
            unfinished: Unfinished::begin(),
        }
    }

    /// Lines for the user: notes on the file, and its path.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = self.notes.clone();
        lines.push(format!("recording to {}", self.path.display()));
        lines
    }

    /// The client of this recording. Attach it to the recorder.
    pub(crate) fn client(&self, settings: &Settings) -> Arc<Client> {
        Arc::new(Client::new(settings.queue_bytes.saturating_mul(QUEUE)))
    }

    /// Writes messages until the recorder or the process ends, or until a write fails. Prints the reason, except for the end of the
    /// process.
    pub(crate) fn run(mut self, client: &Arc<Client>, settings: &Settings, commands: &SyncSender<Command>) {
        let ended = self.follow(client, settings, commands);
        client.close();
        let path = self.path.display();
        match (ended, self.output.finish()) {
            (Ended::Write(error), _) | (Ended::Stream, Err(error)) => {
                say(&format!("cannot write {path}: {error}; it is recorded up to here, and the program runs on"));
            }
            (Ended::Stream, Ok(())) if !ending::has_begun() => {
                say(&format!("the recording {path} ends here, since the recorder has stopped; the program runs on"));
            }
            (Ended::Stream, Ok(())) => {}
        }
        // Only now, so that the process does not end before the lines above are printed.
        drop(self.unfinished);
    }

    fn follow(&mut self, client: &Arc<Client>, settings: &Settings, commands: &SyncSender<Command>) -> Ended {
        let attach = || commands.send(Command::Attach(Arc::clone(client))).map_err(|_| Ended::Stream);
        let mut next = || -> Result<(), Ended> {
            match client.next(PART_BYTES, settings.request_timeout) {
                Next::Opening(opening, gap) => {
                    match gap {
                        // The file already has its header.
                        Some(gap) => self.push(&body(&gap.into()))?,
                        None => self.push(&body(&opening.header.clone().into()))?,
                    }
                    opening.tell(|message| self.push(&body(message)))?;
                    self.flush_at = Instant::now();
                }
                Next::Live(bodies) => bodies.iter().try_for_each(|body| self.push(body))?,
                Next::Lagging => attach()?,
                Next::Silent if is_there(commands) => {}
                Next::Silent | Next::Closed => return Err(Ended::Stream),
            }
            if Instant::now() >= self.flush_at {
                self.flush()?;
                self.flush_at = Instant::now() + FLUSH;
            }
            Ok(())
        };
        loop {
            if let Err(ended) = next() {
                return ended;
            }
        }
    }

    fn push(&mut self, body: &str) -> io::Result<()> {
        self.seq += 1;
        let mut line = line(self.seq, body);
        line.push('\n');
        self.write_all(line.as_bytes())
    }
}

impl Output {
    /// Ends the file. A compressed file gets its last block and its checksum.
    fn finish(&mut self) -> io::Result<()> {
        match self {
            Output::Plain(output) => output.flush(),
            Output::Gzip(output) => output.try_finish().and_then(|()| output.get_mut().flush()),
        }
    }
}

impl Write for Recording {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.output {
            Output::Plain(output) => output.write(bytes),
            Output::Gzip(output) => output.write(bytes),
        }
    }

    /// r[file.gzip]: all messages up to here can be read, even if the process is killed.
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.output {
            Output::Plain(output) => output.flush(),
            Output::Gzip(output) => output.flush(),
        }
    }
}

#[cfg(test)]
mod tests;
