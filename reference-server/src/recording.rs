//! A recording: the stream as a client gets it, written to a file by a thread of its own.
//!
//! The thread is a client of the recorder's: what the disk is too slow for is skipped, told in a `gap`, and made up for by a
//! new snapshot. So it delays neither the program nor another client.

use crate::client::{Client, Next};
use crate::recorder::{Command, Settings};
use crate::{Error, say};
use flate2::Compression;
use flate2::write::GzEncoder;
use insight_protocol::{body, line};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// How often all that was written is made to be in the file, whole: what a process that is killed loses of its recording.
const FLUSH: Duration = Duration::from_millis(250);
/// How many bytes are taken of the queue at once, about.
const PART_BYTES: usize = 256 << 10;
/// How many times larger the queue is than that of a client that may go away.
const QUEUE: usize = 4;

/// A file that a recording is to be written to.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    output: Output,
    seq: u64,
    flush_at: Instant,
}

#[derive(Debug)]
enum Output {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
}

/// Why there is nothing more to write.
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
    /// Makes the file anew, compressed if its name ends in `.gz`.
    pub(crate) fn create(path: PathBuf) -> Result<Recording, Error> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // r[file.private]
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => Ok(Recording::new(path, file)),
            Err(error) => Err(Error::CannotRecord { path, error }),
        }
    }

    fn new(path: PathBuf, file: File) -> Recording {
        let file = BufWriter::new(file);
        let gzip = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        let output = if gzip { Output::Gzip(GzEncoder::new(file, Compression::fast())) } else { Output::Plain(file) };
        Recording { path, output, seq: 0, flush_at: Instant::now() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its client, to be attached to the recorder.
    pub(crate) fn client(&self, settings: &Settings) -> Arc<Client> {
        Arc::new(Client::new(settings.queue_bytes.saturating_mul(QUEUE)))
    }

    /// Writes what comes until the recorder ends, or the file takes no more: that is said once.
    pub(crate) fn run(mut self, client: &Arc<Client>, settings: &Settings, commands: &SyncSender<Command>) {
        let ended = self.follow(client, settings, commands);
        client.close();
        let written = match ended {
            Ended::Stream => self.finish(),
            Ended::Write(error) => Err(error),
        };
        if let Err(error) = written {
            let path = self.path.display();
            say(&format!("cannot write {path}: {error}; it is recorded up to here, and the program runs on"));
        }
    }

    fn follow(&mut self, client: &Arc<Client>, settings: &Settings, commands: &SyncSender<Command>) -> Ended {
        let attach = || commands.send(Command::Attach(Arc::clone(client))).map_err(|_| Ended::Stream);
        let mut next = || -> Result<(), Ended> {
            match client.next(PART_BYTES, settings.request_timeout) {
                Next::Opening(opening, gap) => {
                    match gap {
                        // The file has its header.
                        Some(gap) => self.push(&body(&gap.into()))?,
                        None => self.push(&body(&opening.header.clone().into()))?,
                    }
                    opening.tell(|message| self.push(&body(message)))?;
                    self.flush_at = Instant::now();
                }
                Next::Live(bodies) => bodies.iter().try_for_each(|body| self.push(body))?,
                Next::Lagging => attach()?,
                Next::Closed => return Err(Ended::Stream),
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

    fn finish(&mut self) -> io::Result<()> {
        match &mut self.output {
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

    /// r[file.gzip]: what was written up to here can be read, whatever comes.
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.output {
            Output::Plain(output) => output.flush(),
            Output::Gzip(output) => output.flush(),
        }
    }
}

#[cfg(test)]
mod tests;
