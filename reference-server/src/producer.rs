use crate::awaits::Capturable;
use crate::search::{Search, Searches};
use insight_probe::{Recorder, RecorderConfig, Traceable, Word};
use insight_protocol::{
    EdgeId, GraphFacts, LocationId, Message, SourceLocation, StreamHeader, StringId, TaskCancellers, TaskId,
};
use std::io;
use std::ops::Range;

/// The part of a recorder that the server needs. Tests implement it with data.
pub(crate) trait Producer: Send + 'static {
    /// A task whose awaits can be captured.
    type Task: Capturable + Sync;
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
    /// Returns the ID of a function's name from debug information. Appends its `define.string` if it is new. `None` if there is no
    /// room for it.
    fn intern_function(&mut self, name: &str, out: &mut Vec<Message>) -> Option<StringId>;
    /// Returns the ID of a location from debug information. Appends its `define.location` if it is new. `None` if there is no
    /// room for it.
    fn locate(&mut self, location: &SourceLocation, out: &mut Vec<Message>) -> Option<LocationId>;
    /// Whether the location comes from the program's code, and not from a string at run time.
    fn is_compiled_in(&self, id: LocationId) -> bool;
    /// The task with this ID, for a trace.
    fn traceable(&self, id: TaskId) -> Option<Traceable>;
    /// The task with this ID, for a capture of its awaits.
    fn capturable(&self, id: TaskId) -> Option<Self::Task>;
    /// The ID in the stream of a wait of the task, from the ID in a stack.
    fn open_wait(&self, task: TaskId, edge: EdgeId) -> Option<EdgeId>;
    /// Whether a task has or had this ID.
    fn was_task(&self, id: TaskId) -> bool;
    /// Whether a task that is no longer known was observed to end.
    fn has_ended(&self, id: TaskId) -> bool;
    /// The number of living tasks that are not recorded, for lack of room.
    fn left_out_tasks(&self) -> u64;
    /// The code that can cancel a task, apart from its join handles; `None` if there is none.
    fn cancellers(&self, task: TaskId) -> Option<TaskCancellers>;
    /// The word of the guard of an open hold. `None` if the hold is over, or its guard has no word.
    fn guard_word(&self, hold: EdgeId) -> Option<Word>;
    /// The word of the join handles of a task.
    fn join_word(&self, task: TaskId) -> Word;
    /// The addresses of the task's own future, if it is known.
    fn own_future(&self, task: TaskId) -> Option<Range<usize>>;
    /// Appends the end of a hold, and the same hold as a transferable one under another ID.
    fn make_transferable(&mut self, hold: EdgeId, out: &mut Vec<Message>);
    /// Starts the thread that searches the program's memory.
    fn start_search(&self) -> io::Result<Box<dyn Search>>;
}

impl Producer for Recorder {
    type Task = Traceable;

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

    fn intern_function(&mut self, name: &str, out: &mut Vec<Message>) -> Option<StringId> {
        Recorder::intern_function(self, name, out)
    }

    fn locate(&mut self, location: &SourceLocation, out: &mut Vec<Message>) -> Option<LocationId> {
        Recorder::locate(self, &location.file, location.line, location.column, out)
    }

    fn is_compiled_in(&self, id: LocationId) -> bool {
        Recorder::is_compiled_in(self, id)
    }

    fn traceable(&self, id: TaskId) -> Option<Traceable> {
        Recorder::traceable(self, id)
    }

    fn capturable(&self, id: TaskId) -> Option<Traceable> {
        Recorder::traceable(self, id)
    }

    fn open_wait(&self, task: TaskId, edge: EdgeId) -> Option<EdgeId> {
        Recorder::open_wait(self, task, edge)
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

    fn cancellers(&self, task: TaskId) -> Option<TaskCancellers> {
        Recorder::cancellers(self, task)
    }

    fn guard_word(&self, hold: EdgeId) -> Option<Word> {
        Recorder::guard_word(self, hold)
    }

    fn join_word(&self, task: TaskId) -> Word {
        Recorder::join_word(self, task)
    }

    fn own_future(&self, task: TaskId) -> Option<Range<usize>> {
        Recorder::own_future(self, task)
    }

    fn make_transferable(&mut self, hold: EdgeId, out: &mut Vec<Message>) {
        Recorder::make_transferable(self, hold, out);
    }

    fn start_search(&self) -> io::Result<Box<dyn Search>> {
        Ok(Box::new(Searches::start()?))
    }
}
