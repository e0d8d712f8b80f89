use insight_probe::{Recorder, RecorderConfig, Traceable};
use insight_protocol::{GraphFacts, LocationId, Message, StreamHeader, StringId, TaskId};

/// The part of a recorder that the server needs. Tests implement it with data.
pub(crate) trait Producer: Send + 'static {
    /// The header of a stream that begins now.
    fn header(&self) -> StreamHeader;
    /// The producer's time.
    fn now_ns(&self) -> u64;
    /// Sets the packages of the program's dependency graph in which a task can wait; `None` if the graph is unknown.
    fn set_packages(&mut self, facts: Option<GraphFacts>);
    /// Appends the messages since the last call, in an order for a fold. A heartbeat follows once they are complete up to its time. With
    /// `now`, they are complete up to now. Returns `true` if this was only a part, and the next call continues.
    fn collect(&mut self, now: bool, out: &mut Vec<Message>) -> bool;
    /// Turns recording off, or on again. Appends the messages of that change.
    fn set_on(&mut self, on: bool, out: &mut Vec<Message>);
    /// The present settings.
    fn config(&self) -> RecorderConfig;
    /// Changes the settings.
    fn configure(&mut self, config: RecorderConfig);
    /// Returns the ID of `text`. Appends its `define.string` if it is new.
    fn intern(&mut self, text: &str, out: &mut Vec<Message>) -> StringId;
    /// Whether the location comes from the program's code, and not from a string at run time.
    fn is_compiled_in(&self, id: LocationId) -> bool;
    /// The task with this ID, for a trace.
    fn traceable(&self, id: TaskId) -> Option<Traceable>;
    /// Whether a task has or had this ID.
    fn was_task(&self, id: TaskId) -> bool;
    /// Whether a task that is no longer known was observed to end.
    fn has_ended(&self, id: TaskId) -> bool;
    /// The number of living tasks that are not recorded, for lack of room.
    fn left_out_tasks(&self) -> u64;
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

    fn is_compiled_in(&self, id: LocationId) -> bool {
        Recorder::is_compiled_in(self, id)
    }

    fn traceable(&self, id: TaskId) -> Option<Traceable> {
        Recorder::traceable(self, id)
    }

    fn was_task(&self, id: TaskId) -> bool {
        Recorder::was_task(self, id)
    }

    fn has_ended(&self, id: TaskId) -> bool {
        Recorder::has_ended(self, id)
    }

    fn left_out_tasks(&self) -> u64 {
        Recorder::left_out_tasks(self)
    }
}
