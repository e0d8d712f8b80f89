//! The in-process recorder.

use insight_protocol::{Message, StreamHeader, StringId};

/// How to record.
#[derive(Clone, Debug)]
pub struct RecorderConfig {
    /// How often counters are sampled, in milliseconds.
    pub interval_ms: u64,
    /// How many bytes events may take that are not yet collected.
    pub max_buffer_bytes: usize,
}

/// Collects what the program's threads recorded. One a process.
#[derive(Debug)]
pub struct Recorder(());

/// Recording is on already.
#[derive(Debug)]
pub struct AlreadyStarted;

impl Recorder {
    /// Turns recording on.
    pub fn start(config: RecorderConfig) -> Result<Recorder, AlreadyStarted> {
        let _ = config;
        Ok(Recorder(()))
    }

    /// The header of a stream that begins now.
    pub fn header(&self) -> StreamHeader {
        todo!()
    }

    /// The producer's time.
    pub fn now_ns(&self) -> u64 {
        0
    }

    /// Appends what has happened since the last call, in an order that a fold can take.
    pub fn collect(&mut self, out: &mut Vec<Message>) {
        let _ = out;
    }

    /// The id of `text`; appends its `define.string` when it is new.
    pub fn intern(&mut self, text: &str, out: &mut Vec<Message>) -> StringId {
        let _ = (text, out);
        StringId(0)
    }
}
