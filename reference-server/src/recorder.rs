//! The recorder's thread collects facts, folds them, diagnoses, and sends. It alone owns the model.

use crate::awaits::{Captures, Choice, Made, Released};
use crate::client::{Client, Opening};
use crate::confirm::Confirm;
use crate::ending;
use crate::graph;
use crate::panics::Panics;
use crate::producer::Producer;
use crate::source::Sources;
use crate::trace::Subject;
use crate::{Awaits, say, thread};
use insight_model::health::Thresholds;
use insight_model::{Model, Task, Watch, doubted_tasks};
use insight_probe::RecorderConfig;
use insight_protocol::{
    Await, AwaitFrame, Detail, Gap, Message, ProblemRaised, Problems, SnapshotBegin, SnapshotEnd, StreamHeartbeat,
    TaskAwaits, TaskId, TaskUpdated, body, with,
};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant};

/// Maximum number of waiting commands: more than the connections of two listeners.
const COMMANDS: usize = 256;
/// Samples may take one part of this many of a processor.
const BUDGET: u32 = 20;
/// A sample that takes less time is taken for each request, also above the budget. It is about the time for 10,000 tasks.
const CHEAP: Duration = Duration::from_millis(5);
/// Minimum time between two searches for tasks whose foreign wakers hide a problem, and the part of a processor that they may take.
const DOUBTS: Duration = Duration::from_secs(1);
const DOUBTS_BUDGET: u32 = 100;
/// Maximum number of diagnoses in one check: facts about the tasks of a finding come after the finding.
const MOST_CHECKS: usize = 8;
/// Maximum number of messages that are pushed at a time, so that no client's queue jumps from empty to full.
const BATCH: usize = 1024;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Time between two collections.
    pub(crate) interval: Duration,
    /// Time for which tasks must be stuck before a problem is reported, in nanoseconds.
    pub(crate) settle_ns: u64,
    pub(crate) thresholds: Thresholds,
    /// The tasks whose awaits are captured.
    pub(crate) awaits: Awaits,
    /// Minimum time between two diagnoses.
    pub(crate) check_interval: Duration,
    /// Maximum time for which a proven finding is held back until it is confirmed.
    pub(crate) hold_back: Duration,
    /// Time without a message after which a heartbeat is sent.
    pub(crate) heartbeat: Duration,
    /// Maximum size of one client's queue, in bytes.
    pub(crate) queue_bytes: usize,
    /// Time limit for the arrival of a request, and for the making of its answer.
    pub(crate) request_timeout: Duration,
    /// Maximum time without a byte that the client takes.
    pub(crate) write_timeout: Duration,
    /// Time limit for a client to read a reply, or the snapshot of a stream.
    pub(crate) reply_timeout: Duration,
    /// Number of tasks from which a new client gets the last sample, since another one would take too long.
    pub(crate) large: usize,
    /// Maximum age of that sample.
    pub(crate) fresh: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            interval: Duration::from_millis(50),
            settle_ns: insight_model::DEFAULT_SETTLE_NS,
            thresholds: Thresholds::default(),
            awaits: Awaits::default(),
            check_interval: Duration::from_millis(100),
            hold_back: Duration::from_secs(5),
            heartbeat: Duration::from_millis(500),
            queue_bytes: 8 << 20,
            request_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(10),
            reply_timeout: Duration::from_secs(60),
            large: 10_000,
            fresh: Duration::from_secs(1),
        }
    }
}

/// The options that can change while the recorder runs. `None` keeps the old value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) interval: Option<Duration>,
    pub(crate) settle: Option<Duration>,
    pub(crate) thresholds: Option<Thresholds>,
    pub(crate) max_bytes: Option<usize>,
    pub(crate) detail: Option<Detail>,
    pub(crate) awaits: Option<Awaits>,
    pub(crate) panics: Option<Panics>,
}

impl Settings {
    /// Applies the options.
    pub(crate) fn set(&mut self, options: &Options) {
        if let Some(interval) = options.interval {
            // Spawns and ends are sent twice as often as samples.
            self.interval = (interval / 2).max(Duration::from_millis(1));
        }
        if let Some(settle) = options.settle {
            self.settle_ns = u64::try_from(settle.as_nanos()).unwrap_or(u64::MAX);
        }
        if let Some(thresholds) = &options.thresholds {
            self.thresholds = thresholds.clone();
        }
        self.awaits = options.awaits.unwrap_or(self.awaits);
    }
}

/// Whether the recorder's thread exists. It may be busy.
pub(crate) fn is_there(commands: &SyncSender<Command>) -> bool {
    !matches!(commands.try_send(Command::Ping), Err(TrySendError::Disconnected(_)))
}

/// A request of a connection's thread to the recorder's thread.
pub(crate) enum Command {
    /// Give this client an opening, and each later message.
    Attach(Arc<Client>),
    /// Return the present snapshot.
    Snapshot(SyncSender<Opening>),
    /// Return the open problems.
    Problems(SyncSender<Problems>),
    /// Return the present graph, for Graphviz.
    Graph(SyncSender<String>),
    /// Turn recording on or off.
    Record(bool, SyncSender<()>),
    /// Return a task whose backtraces are wanted.
    Trace(TaskId, SyncSender<Subject>),
    /// Apply these options. The reply names the options that can no longer change.
    Configure(Box<Options>, SyncSender<Vec<&'static str>>),
    /// Do nothing. Sending it shows whether the recorder exists.
    Ping,
}

pub(crate) struct Recorder<P: Producer> {
    producer: P,
    settings: Settings,
    commands: Receiver<Command>,
    sources: Sources,
    model: Model,
    watch: Watch,
    confirm: Confirm,
    /// The answers of `confirm` have changed since the last check.
    confirm_again: bool,
    clients: Vec<Arc<Client>>,
    next_check: Instant,
    /// Until then a request gets the last sample, since another one would exceed the budget.
    rest_until: Instant,
    /// The program's time of the last sample, in nanoseconds.
    checked_ns: u64,
    last_sent: Instant,
    /// While recording is off, the message that says so.
    off: Option<Message>,
    /// Counts all facts that were left out for lack of room since recording began.
    left_out: Option<Gap>,
    /// Whether no message came after the last complete sample, so that the model shows one moment.
    settled: bool,
    /// `None` if the awaits of tasks are captured only on request.
    captures: Option<Captures<P::Task>>,
    /// The tasks whose foreign wakers alone hide a problem, and the time of the next search for them.
    doubted: Vec<TaskId>,
    next_doubts: Instant,
}

/// Makes a recorder and the channel of its commands. Call [`run`](Recorder::run) on a thread of its own.
pub(crate) fn prepare<P: Producer>(producer: P, settings: Settings) -> (SyncSender<Command>, Recorder<P>) {
    let (sender, commands) = mpsc::sync_channel(COMMANDS);
    let mut model = Model::default();
    model.clock = Some(producer.header().clock);
    // An empty snapshot is complete, since nothing is recorded yet.
    let at_ns = producer.now_ns();
    model.apply(&with!(SnapshotBegin::default(), at_ns).into());
    model.apply(&SnapshotEnd::new(at_ns).into());
    let confirm = Confirm::new(settings.hold_back);
    let watch = Watch::with_thresholds(settings.settle_ns, settings.thresholds.clone());
    let recorder = Recorder {
        producer,
        settings,
        commands,
        sources: Sources::new(),
        model,
        watch,
        confirm,
        confirm_again: false,
        clients: Vec::new(),
        next_check: Instant::now(),
        rest_until: Instant::now(),
        checked_ns: at_ns,
        last_sent: Instant::now(),
        off: None,
        left_out: None,
        settled: false,
        captures: None,
        doubted: Vec::new(),
        next_doubts: Instant::now(),
    };
    (sender, recorder)
}

impl<P: Producer> Recorder<P> {
    /// Runs until all senders of commands are gone.
    pub(crate) fn run(mut self) {
        self.producer.set_packages(graph::facts());
        let mut next_tick = Instant::now();
        loop {
            if ending::has_begun() {
                self.end();
            }
            let mut left = next_tick.saturating_duration_since(Instant::now());
            if ending::is_awaited() {
                left = left.min(ending::NOTICE);
            }
            match self.commands.recv_timeout(left) {
                Ok(command) => self.answer(command),
                Err(RecvTimeoutError::Timeout) if Instant::now() < next_tick => {}
                Err(RecvTimeoutError::Timeout) => {
                    self.tick();
                    // Counted from the end of the tick, so that slow ticks have a pause between them.
                    next_tick = Instant::now() + self.settings.interval;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Sends all facts up to now, and ends all streams: the process ends.
    pub(crate) fn end(&mut self) {
        if self.clients.is_empty() {
            return;
        }
        self.collect(true);
        self.confirm.end();
        self.check();
        self.clients.drain(..).for_each(|client| client.finish());
    }

    /// Starts the thread of the captures, if the settings want captures.
    pub(crate) fn start_captures(&mut self) -> io::Result<()> {
        if self.settings.awaits != Awaits::Off && self.captures.is_none() {
            self.captures = Some(Captures::start()?);
        }
        Ok(())
    }

    fn tick(&mut self) {
        self.collect(false);
        self.send_awaits();
        let now = Instant::now();
        if now >= self.next_check {
            let before = thread::time();
            self.check();
            // A very large program is diagnosed less often.
            let took = thread::time().saturating_sub(before);
            self.next_check = Instant::now() + self.settings.check_interval.max(took * BUDGET);
        }
        self.choose_captures(now);
        if now.saturating_duration_since(self.last_sent) >= self.settings.heartbeat {
            // Not the present time, since later facts are not sent yet.
            self.send(&[StreamHeartbeat::new(self.model.told_ns).into()]);
        }
    }

    /// Collects in parts: all facts at once would take several times the memory that the model needs for them.
    pub(crate) fn collect(&mut self, now: bool) {
        loop {
            let mut recorded = Vec::new();
            let more = self.producer.collect(now, &mut recorded);
            if let Some(last) = recorded.last() {
                self.settled = matches!(last, Message::StreamHeartbeat(_));
            }
            self.fold(recorded);
            if !more {
                return;
            }
        }
    }

    /// Whether a new client may get the model as it is. Another sample of a hundred thousand tasks takes long, and all clients
    /// would wait for it.
    fn is_fresh(&self) -> bool {
        let age_ns = self.producer.now_ns().saturating_sub(self.model.told_ns);
        self.settled
            && self.model.tasks.len() >= self.settings.large
            && Duration::from_nanos(age_ns) < self.settings.fresh
    }

    fn fold(&mut self, mut recorded: Vec<Message>) {
        for message in &mut recorded {
            match message {
                Message::StreamCoverage(coverage) => coverage.awaits_of = Some(self.settings.awaits.tasks()),
                Message::Gap(gap) if gap.tasks.is_some() => leave_out(&mut self.left_out, gap),
                _ => {}
            }
        }
        let messages = self.sources.enrich(recorded, &mut self.producer);
        messages.chunks(BATCH).for_each(|batch| self.take(batch));
        if messages.iter().any(|message| matches!(message, Message::SnapshotEnd(_))) {
            // The producer's snapshot has no problems, and the watch only reports changes.
            let at_ns = self.model.now_ns;
            let standing = self.watch.standing().cloned();
            let raised: Vec<Message> = standing.map(|problem| ProblemRaised::new(problem, at_ns).into()).collect();
            self.take(&raised);
        }
    }

    /// Sends the awaits that were captured.
    fn send_awaits(&mut self) {
        let Some(captures) = &mut self.captures else { return };
        let made = captures.made(Instant::now());
        for Released { before, release, at_ns } in captures.take_released() {
            self.watch.released(before, release, at_ns);
        }
        made.into_iter().for_each(|made| self.send_made(made));
    }

    /// Sends the awaits of a task, unless it has ended, or was polled since.
    fn send_made(&mut self, made: Made) {
        let Made { task: id, polls, more, complete, at_ns, .. } = made;
        let is_outdated = |task: &Task| task.outcome().is_some() || task.polls().is_some_and(|now| now > polls);
        if !made.waits || self.off.is_some() || self.model.tasks.get(&id).is_none_or(is_outdated) {
            return;
        }
        let mut messages = Vec::new();
        let producer = &mut self.producer;
        let is_unnamed = self.model.tasks.get(&id).is_some_and(|task| task.origin.name.is_none());
        let name = made.own_function().filter(|_| is_unnamed).map(str::to_owned);
        if let Some(name) = name.and_then(|name| producer.intern_function(&name, &mut messages)) {
            messages.push(with!(TaskUpdated::default(), id, name, at_ns).into());
        }
        let mut awaits = Vec::new();
        for leaf in made.leaves {
            let mut text = |text: Option<String>| producer.intern_function(&text?, &mut messages);
            let function = text(leaf.function);
            let mut frames = Vec::new();
            for frame in leaf.frames {
                let function = frame.function.and_then(|name| producer.intern_function(&name, &mut messages));
                let location = frame.location.and_then(|location| producer.locate(&location, &mut messages));
                frames.push(AwaitFrame::new(function, location, frame.kind));
            }
            let edge = leaf.edge.and_then(|edge| producer.open_wait(id, edge));
            let edge = edge.filter(|edge| self.model.edges.get(edge).is_some_and(|edge| edge.task == id));
            awaits.push(with!(Await::new(function, frames), edge, cut = leaf.cut));
        }
        let spans = made.spans.iter().filter_map(|span| producer.intern_function(span, &mut messages)).collect();
        messages.push(with!(TaskAwaits::default(), id, polls, awaits, spans, more, complete, at_ns).into());
        self.fold(messages);
    }

    /// Chooses tasks whose awaits are to be captured.
    fn choose_captures(&mut self, now: Instant) {
        if self.off.is_some() || self.settings.awaits == Awaits::Off {
            return;
        }
        let Some(captures) = &mut self.captures else { return };
        if now >= self.next_doubts {
            let before = thread::time();
            self.doubted = doubted_tasks(&self.model, self.settings.settle_ns).into_iter().collect();
            let took = thread::time().saturating_sub(before);
            self.next_doubts = now + DOUBTS.max(took * DOUBTS_BUDGET);
        }
        let of_problems = self.watch.standing().flat_map(|problem| &problem.tasks).map(|task| task.id);
        let held_back = self.watch.to_confirm().flat_map(|finding| &finding.tasks).copied();
        let choice = Choice {
            model: &self.model,
            of_problems: of_problems.chain(held_back).collect(),
            doubted: self.doubted.clone(),
            all: self.settings.awaits == Awaits::On && self.clients.iter().any(|client| !client.is_closed()),
            now_ns: self.producer.now_ns(),
            now,
        };
        captures.choose(choice, |id| self.producer.capturable(id));
    }

    pub(crate) fn check(&mut self) {
        self.checked_ns = self.producer.now_ns();
        for _ in 0..MOST_CHECKS {
            let mut found = Vec::new();
            let (confirm, again) = (&self.confirm, self.confirm_again);
            self.watch.check_confirmed(&self.model, &mut found, again, |finding| confirm.answer(finding));
            self.take(&found);
            let mut facts = Vec::new();
            self.confirm.step(&self.model, &self.watch, &mut self.producer, Instant::now(), &mut facts);
            self.confirm_again = self.confirm.take_changed();
            if facts.is_empty() && !self.confirm_again {
                return;
            }
            self.fold(facts);
        }
    }

    /// Collects and diagnoses for a request. Returns `false` if that would exceed the budget.
    fn look(&mut self) -> bool {
        if Instant::now() < self.rest_until {
            return false;
        }
        let before = thread::time();
        self.collect(true);
        self.check();
        let took = thread::time().saturating_sub(before);
        if took > CHEAP {
            self.rest_until = Instant::now() + took * BUDGET;
        }
        true
    }

    fn take(&mut self, messages: &[Message]) {
        messages.iter().for_each(|message| self.model.apply(message));
        self.send(messages);
    }

    fn send(&mut self, messages: &[Message]) {
        if messages.is_empty() {
            return;
        }
        self.last_sent = Instant::now();
        self.clients.retain(|client| !client.is_closed());
        let mut bodies: Option<Vec<Arc<str>>> = None;
        for client in &self.clients {
            if client.skip_while_lagging(messages.len()) {
                continue;
            }
            // Encoded once, and only if a client takes it.
            client.push(bodies.get_or_insert_with(|| messages.iter().map(|message| body(message).into()).collect()));
        }
    }

    pub(crate) fn answer(&mut self, command: Command) {
        let mut is_now = false;
        match &command {
            Command::Configure(..) | Command::Ping => {}
            Command::Attach(_) if self.is_fresh() => {}
            Command::Attach(_) | Command::Snapshot(_) | Command::Problems(_) | Command::Graph(_) => {
                is_now = self.look()
            }
            // Needs no sample: many requests for tasks that never existed would take a core.
            Command::Trace(id, _) if self.producer.traceable(*id).is_some() || !self.producer.was_task(*id) => {}
            Command::Trace(..) => is_now = self.look(),
            Command::Record(..) => {
                self.collect(true);
                self.check();
            }
        }
        // A reply is lost if its client is gone.
        match command {
            Command::Attach(client) => self.attach(client),
            Command::Snapshot(reply) => drop(reply.try_send(self.opening())),
            Command::Problems(reply) => {
                let age_ns = self.producer.now_ns().saturating_sub(self.checked_ns);
                let problems = with!(self.model.problems(), age_ns = (!is_now).then_some(age_ns));
                let _ = reply.try_send(problems);
            }
            Command::Graph(reply) => drop(reply.try_send(self.model.dot())),
            Command::Record(on, reply) => {
                self.record(on);
                let _ = reply.try_send(());
            }
            Command::Trace(id, reply) => drop(reply.try_send(self.subject(id, is_now))),
            Command::Ping => {}
            Command::Configure(options, reply) => drop(reply.try_send(self.configure(*options))),
        }
    }

    fn configure(&mut self, mut options: Options) -> Vec<&'static str> {
        let before = self.producer.config();
        let mut late = Vec::new();
        // The header of an open stream has the interval and the detail, and must stay true.
        if self.clients.iter().any(|client| !client.is_closed()) {
            if options.interval.take().is_some_and(|interval| interval != before.interval) {
                late.push("interval");
            }
            if options.detail.take().is_some_and(|detail| detail != before.detail) {
                late.push("detail");
            }
        }
        let Options { interval, max_bytes, detail, panics, .. } = &options;
        let changed = interval.is_some() || max_bytes.is_some() || detail.is_some() || panics.is_some();
        let awaits = self.settings.awaits;
        self.settings.set(&options);
        if let Some(coverage) = self.model.coverage.clone().filter(|_| awaits != self.settings.awaits) {
            // r[coverage.changed]
            self.fold(vec![with!(coverage, at_ns = self.model.told_ns).into()]);
        }
        if let Err(error) = self.start_captures() {
            say(&format!("awaits are captured only on request: cannot start a thread: {error}"));
        }
        if options.settle.is_some() || options.thresholds.is_some() {
            self.watch.set_limits(self.settings.settle_ns, self.settings.thresholds.clone());
        }
        if changed {
            self.producer.configure(RecorderConfig {
                interval: options.interval.unwrap_or(before.interval),
                max_bytes: options.max_bytes.unwrap_or(before.max_bytes),
                detail: options.detail.unwrap_or(before.detail),
                panic_messages: options.panics.map_or(before.panic_messages, Panics::are_recorded),
            });
        }
        late
    }

    fn record(&mut self, on: bool) {
        let mut messages = Vec::new();
        self.producer.set_on(on, &mut messages);
        if messages.is_empty() {
            return;
        }
        // The problems that were held back would be lost.
        self.confirm.end();
        self.check();
        self.confirm.forget();
        // While the model still has the tasks of the problems.
        let mut cleared = Vec::new();
        self.watch.forget(self.model.now_ns, &mut cleared);
        self.take(&cleared);
        self.left_out = None;
        self.off = messages.last().filter(|message| matches!(message, Message::Gap(_))).cloned();
        self.fold(messages);
    }

    /// Gives the client an opening and each later message. A client that is attached before the recorder runs misses nothing.
    pub(crate) fn attach(&mut self, client: Arc<Client>) {
        client.open(self.opening());
        if !self.clients.iter().any(|other| Arc::ptr_eq(other, &client)) {
            self.clients.push(client);
        }
    }

    /// The facts about a task. Without a sample just now, an unknown task may be new.
    fn subject(&self, id: TaskId, is_now: bool) -> Subject {
        let task = self.producer.traceable(id);
        let known = task.as_ref().map(|_| self.model.tasks.values()).into_iter().flatten();
        let locations = known.filter_map(|task| task.origin.location.as_ref());
        Subject {
            task,
            was_task: self.producer.was_task(id),
            has_ended: is_now && self.producer.has_ended(id),
            now_ns: self.producer.now_ns(),
            files: locations.map(|location| location.place.file.clone()).collect(),
        }
    }

    fn opening(&self) -> Opening {
        // r[gap.standing]
        let standing = self.left_out.clone().map(|gap| {
            let (tasks, at_ns) = (Some(self.producer.left_out_tasks()), self.model.told_ns);
            with!(gap, tasks, standing = true, at_ns).into()
        });
        Opening { header: self.producer.header(), model: self.model.clone(), gap: self.off.clone().or(standing) }
    }
}

/// Adds a `gap` to the earlier ones.
fn leave_out(all: &mut Option<Gap>, gap: &Gap) {
    let all = all.get_or_insert_with(Gap::default);
    all.count += gap.count;
    all.kinds.extend(gap.kinds.iter().filter(|kind| !all.kinds.contains(kind)).cloned().collect::<Vec<_>>());
    all.reason.clone_from(&gap.reason);
}

impl<P: Producer> Drop for Recorder<P> {
    /// Ends the streams of its clients, also after a panic of the thread.
    fn drop(&mut self) {
        self.clients.iter().for_each(|client| client.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::awaits::{MadeFrame, MadeLeaf};
    use crate::client::Next;
    use crate::testing::Script;
    use insight_protocol::{
        DefineString, EdgeId, EdgeWait, FrameKind, Operation, ResourceCreated, ResourceId, ResourceKind,
        SourceLocation, StringId, TaskSpawned, TaskState, TaskStats,
    };

    #[test]
    fn a_request_gets_the_last_sample_and_its_age_while_another_one_would_exceed_the_budget() {
        let (script, feed) = Script::new();
        let (_commands, mut recorder) = prepare(script, Settings::default());
        let ask = |recorder: &mut Recorder<Script>| {
            let (reply, answer) = mpsc::sync_channel(1);
            recorder.answer(Command::Problems(reply));
            let (snapshot, opening) = mpsc::sync_channel(1);
            recorder.answer(Command::Snapshot(snapshot));
            (answer.recv().unwrap().age_ns.is_some(), opening.recv().unwrap().model.tasks.len())
        };
        let spawn = |id| feed.send(vec![with!(TaskSpawned::default(), id = TaskId(id)).into()]).unwrap();
        spawn(1);
        assert_eq!(ask(&mut recorder), (false, 1));
        recorder.rest_until = Instant::now() + Duration::from_secs(3600);
        spawn(2);
        assert_eq!(ask(&mut recorder), (true, 1));
        recorder.rest_until = Instant::now();
        assert_eq!(ask(&mut recorder), (false, 2));
    }

    /// r[gap.standing]
    #[test]
    fn each_opening_has_the_facts_that_were_left_out() {
        let (script, feed) = Script::new();
        let (_commands, mut recorder) = prepare(script, Settings::default());
        let gap = |recorder: &Recorder<Script>| match recorder.opening().gap {
            Some(Message::Gap(gap)) => Some((gap.count, gap.kinds.join(" "), gap.tasks, gap.standing)),
            _ => None,
        };
        assert_eq!(gap(&recorder), None);
        let kinds = |text: &str| text.split(' ').map(str::to_owned).collect();
        for (count, text, tasks) in
            [(3, "task.spawned", Some(3)), (2, "edge.party task.spawned", Some(4)), (9, "x", None)]
        {
            let message = with!(Gap::default(), count, kinds = kinds(text), tasks);
            feed.send(vec![message.into()]).unwrap();
            recorder.tick();
        }
        // The script's producer counts five tasks now.
        assert_eq!(gap(&recorder), Some((5, "task.spawned edge.party".to_owned(), Some(5), true)));
    }

    /// Each case: the capture of task 1, which has wait 1, and the awaits in the model.
    #[test]
    fn awaits_are_sent_unless_they_are_outdated() {
        let check = |case: &str, expect: Option<&str>, change: &dyn Fn(&mut Recorder<Script>, &mut Made)| {
            let (script, feed) = Script::new();
            let (_commands, mut recorder) = prepare(script, Settings::default());
            let stats = with!(TaskStats::default(), id = TaskId(1), state = Some(TaskState::Idle), polls = 3);
            let wait = |edge, task| {
                EdgeWait::new(EdgeId(edge), TaskId(task), ResourceId(1), Operation::Recv, StringId(1), 1, 1)
            };
            feed.send(vec![
                with!(TaskSpawned::default(), id = TaskId(1)).into(),
                with!(TaskSpawned::default(), id = TaskId(2)).into(),
                DefineString::new(StringId(1), "waiting").into(),
                ResourceCreated::new(ResourceId(1), ResourceKind::Channel, 1).into(),
                wait(1, 1).into(),
                wait(2, 2).into(),
                stats.into(),
            ])
            .unwrap();
            recorder.tick();
            let client = Arc::new(Client::new(1 << 20));
            recorder.attach(client.clone());
            let frame = MadeFrame {
                function: Some("app::serve".to_owned()),
                location: Some(SourceLocation::new("src/main.rs", 7, 5)),
                kind: FrameKind::Own,
            };
            let function = Some("tokio::sync::mpsc::Receiver::recv".to_owned());
            let leaf = |edge| MadeLeaf { edge, function: function.clone(), frames: vec![frame.clone()], cut: false };
            let mut made = Made {
                task: TaskId(1),
                polls: 3,
                leaves: vec![leaf(Some(EdgeId(11))), leaf(Some(EdgeId(1))), leaf(None)],
                spans: vec!["request GET /orders/{id}".to_owned()],
                more: 1,
                complete: false,
                waits: true,
                at_ns: 5,
                released: false,
                panicked: false,
                wakes: 0,
                has_symbols: true,
            };
            change(&mut recorder, &mut made);
            recorder.send_made(made);
            let actual = recorder.model.awaits(TaskId(1)).map(|known| {
                let line = |leaf: &insight_model::Leaf| {
                    let frame = leaf.own().unwrap();
                    let line = frame.location.as_ref().map(|location| location.place.to_string()).unwrap_or_default();
                    let (function, own) =
                        (leaf.function.as_deref().unwrap_or("-"), frame.function.as_deref().unwrap_or("-"));
                    format!("{:?} {function} {own} {line}", leaf.edge.map(|edge| edge.0))
                };
                known.awaits.leaves.iter().map(line).collect::<Vec<_>>().join("\n")
            });
            assert_eq!(actual.as_deref(), expect, "{case}");
            let spans = recorder.model.awaits(TaskId(1)).map(|known| known.awaits.spans.join(" "));
            assert_eq!(spans.as_deref(), expect.map(|_| "request GET /orders/{id}"), "{case}");
            let name = recorder.model.tasks.get(&TaskId(1)).and_then(|task| task.origin.name.clone());
            assert_eq!(name.as_deref(), expect.filter(|it| !it.is_empty()).map(|_| "app::serve"), "{case}");
            // Each text and location is defined before it is used.
            let mut checker = insight_model::Checker::default();
            if let Next::Opening(opening, _) = client.next(usize::MAX, Duration::ZERO) {
                let mut seq = 0;
                let mut line = |body: &str| {
                    seq += 1;
                    assert_eq!(checker.line(&insight_protocol::line(seq, body)), [], "{case}: {body}");
                };
                line(&body(&opening.header.clone().into()));
                opening.model.snapshot().iter().for_each(|message| line(&body(message)));
                if let Next::Live(bodies) = client.next(usize::MAX, Duration::ZERO) {
                    bodies.iter().for_each(|body| line(body));
                }
            }
        };
        let text = "tokio::sync::mpsc::Receiver::recv app::serve src/main.rs:7:5";
        let three = format!("Some(1) {text}\nNone {text}\nNone {text}");
        check("fresh", Some(&three), &|_, _| {});
        check("polled since, which is not sampled yet", Some(&three), &|_, made| made.polls = 4);
        check("polled since", None, &|_, made| made.polls = 2);
        check("ready", None, &|_, made| made.waits = false);
        check("of another task", Some(&format!("None {text}")), &|_, made| {
            made.leaves.truncate(1);
            made.leaves[0].edge = Some(EdgeId(12));
        });
        check("no awaits", Some(""), &|_, made| made.leaves.clear());
        check("ended", None, &|recorder, _| {
            recorder.take(&[
                insight_protocol::TaskCompleted::new(TaskId(1), insight_protocol::Outcome::Returned, 9).into()
            ]);
        });
        check("off", None, &|recorder, _| recorder.record(false));
    }

    /// r[task.updated.name]
    #[test]
    fn a_capture_names_only_a_task_without_a_name() {
        for (name, expect) in [(Some(StringId(1)), "given"), (None, "app::serve")] {
            let (script, feed) = Script::new();
            let (_commands, mut recorder) = prepare(script, Settings::default());
            let spawned = with!(TaskSpawned::default(), id = TaskId(1), name);
            feed.send(vec![DefineString::new(StringId(1), "given").into(), spawned.into()]).unwrap();
            recorder.tick();
            let function = Some("app::serve".to_owned());
            let frames = vec![MadeFrame { function, location: None, kind: FrameKind::Own }];
            let leaves = vec![MadeLeaf { edge: None, function: None, frames, cut: false }];
            let (more, complete, waits, at_ns, released, panicked, wakes) = (0, true, true, 5, false, false, 0);
            recorder.send_made(Made {
                task: TaskId(1),
                polls: 3,
                leaves,
                spans: Vec::new(),
                more,
                complete,
                waits,
                at_ns,
                released,
                panicked,
                wakes,
                has_symbols: true,
            });
            assert_eq!(recorder.model.tasks[&TaskId(1)].origin.name.as_deref(), Some(expect));
        }
    }

    #[test]
    fn captures_follow_the_setting_and_the_recording() {
        for (awaits, expect) in [(Awaits::On, true), (Awaits::Problems, true), (Awaits::Off, false)] {
            let (_commands, mut recorder) = prepare(Script::new().0, Settings { awaits, ..Settings::default() });
            recorder.start_captures().unwrap();
            assert_eq!(recorder.captures.is_some(), expect, "{awaits:?}");
            recorder.configure(Options { awaits: Some(Awaits::On), ..Options::default() });
            assert!(recorder.captures.is_some(), "{awaits:?}");
        }
        // r[coverage.changed]
        let (script, feed) = Script::new();
        let (_commands, mut recorder) = prepare(script, Settings::default());
        feed.send(vec![insight_protocol::StreamCoverage::default().into()]).unwrap();
        recorder.tick();
        let mut set = |awaits| {
            recorder.configure(Options { awaits, ..Options::default() });
            recorder.model.coverage.as_ref().and_then(|coverage| coverage.awaits_of.as_ref().map(ToString::to_string))
        };
        assert_eq!(set(None).as_deref(), Some("all"));
        assert_eq!(set(Some(Awaits::Off)).as_deref(), Some("none"));
        assert_eq!(set(Some(Awaits::Problems)).as_deref(), Some("problems"));
        // Each case: the setting, whether a client is attached, whether recording is on, and whether a task is chosen.
        for (awaits, attached, on, expect) in [
            (Awaits::On, true, true, true),
            (Awaits::On, false, true, false),
            (Awaits::On, true, false, false),
            (Awaits::Problems, true, true, false),
            (Awaits::Off, true, true, false),
        ] {
            let (mut script, feed) = Script::new();
            script.set_ahead(Duration::from_secs(2));
            let (_commands, mut recorder) = prepare(script, Settings { awaits, ..Settings::default() });
            recorder.captures = Some(Captures::start().unwrap());
            if !on {
                recorder.record(false);
            }
            let stats = with!(
                TaskStats::default(),
                id = TaskId(1),
                state = Some(TaskState::Idle),
                polls = 3,
                foreign_wakers = 1
            );
            feed.send(vec![with!(TaskSpawned::default(), id = TaskId(1)).into(), stats.into()]).unwrap();
            recorder.collect(false);
            if attached {
                recorder.attach(Arc::new(Client::new(1 << 20)));
            }
            recorder.choose_captures(Instant::now() + Duration::from_secs(1));
            let chosen = recorder.captures.as_ref().unwrap().is_capturing();
            assert_eq!(chosen, expect, "{awaits:?} {attached} {on}");
        }
    }

    #[test]
    fn a_new_client_of_a_large_program_gets_the_last_sample() {
        let hour = Duration::from_secs(3600);
        // The size of a large program, the maximum age of its sample, and the number of tasks that the client gets out of three.
        for (large, fresh, expect) in [(2, hour, 2), (3, hour, 3), (2, Duration::ZERO, 3)] {
            let (script, feed) = Script::new();
            let (_commands, mut recorder) = prepare(script, Settings { large, fresh, ..Settings::default() });
            let spawn = |id| feed.send(vec![with!(TaskSpawned::default(), id = TaskId(id)).into()]).unwrap();
            (1..=2).for_each(spawn);
            recorder.tick();
            spawn(3);
            let client = Arc::new(Client::new(1 << 20));
            recorder.answer(Command::Attach(client.clone()));
            let Next::Opening(opening, None) = client.next(usize::MAX, Duration::ZERO) else { panic!("no opening") };
            assert_eq!(opening.model.tasks.len(), expect, "{large} {fresh:?}");

            // It gets the later messages, and a request gets the present state.
            recorder.tick();
            let (reply, answer) = mpsc::sync_channel(1);
            recorder.answer(Command::Snapshot(reply));
            assert_eq!(answer.recv().unwrap().model.tasks.len(), 3);
            let Next::Live(bodies) = client.next(usize::MAX, Duration::ZERO) else { panic!("nothing live") };
            assert_eq!(bodies.iter().any(|body| body.contains("task.spawned")), expect == 2);
        }
    }
}
