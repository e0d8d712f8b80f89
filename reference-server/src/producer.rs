use insight_probe::{Recorder, RecorderConfig, Traceable};
use insight_protocol::{GraphFacts, Message, StreamHeader, StringId, TaskId};

/// What the server needs of a recorder, so that tests can give it data instead.
pub(crate) trait Producer: Send + 'static {
    /// The header of a stream that begins now.
    fn header(&self) -> StreamHeader;
    /// The producer's time.
    fn now_ns(&self) -> u64;
    /// Says which packages of the program's dependency graph a task can wait in; `None` if the graph is unknown.
    fn set_packages(&mut self, facts: Option<GraphFacts>);
    /// Appends what has happened since the last call, in an order that a fold can take, and when all up to some time is
    /// told, a heartbeat with it; with `now`, all up to now is told: for an answer that is wanted now. It may be a part
    /// of it: then it is true, and the next call goes on.
    fn collect(&mut self, now: bool, out: &mut Vec<Message>) -> bool;
    /// Turns recording off, or on again; appends what that changes, if it does.
    fn set_on(&mut self, on: bool, out: &mut Vec<Message>);
    /// How it records.
    fn config(&self) -> RecorderConfig;
    /// Records in another way from now on.
    fn configure(&mut self, config: RecorderConfig);
    /// The id of `text`; appends its `define.string` when it is new.
    fn intern(&mut self, text: &str, out: &mut Vec<Message>) -> StringId;
    /// The task with this id, to be asked where it waits.
    fn traceable(&self, id: TaskId) -> Option<Traceable>;
    /// Whether a task has had this id.
    fn was_task(&self, id: TaskId) -> bool;
}

impl Producer for Recorder {
    fn header(&self) -> StreamHeader {
        Recorder::header(self)
    }

    fn now_ns(&self) -> u64 {
        Recorder::now_ns(self)
    }

    fn set_packages(&mut self, facts: Option<GraphFacts>) {
        Recorder::set_packages(self, facts);
    }

    fn collect(&mut self, now: bool, out: &mut Vec<Message>) -> bool {
        Recorder::collect_part(self, now, out)
    }

    fn set_on(&mut self, on: bool, out: &mut Vec<Message>) {
        Recorder::set_on(self, on, out);
    }

    fn config(&self) -> RecorderConfig {
        Recorder::config(self).clone()
    }

    fn configure(&mut self, config: RecorderConfig) {
        Recorder::configure(self, config);
    }

    fn intern(&mut self, text: &str, out: &mut Vec<Message>) -> StringId {
        Recorder::intern(self, text, out)
    }

    fn traceable(&self, id: TaskId) -> Option<Traceable> {
        Recorder::traceable(self, id)
    }

    fn was_task(&self, id: TaskId) -> bool {
        Recorder::was_task(self, id)
    }
}
