//! The recorder's thread collects facts, folds them, diagnoses, and sends. It alone owns the model.

use crate::client::{Client, Opening};
use crate::ending;
use crate::graph;
use crate::producer::Producer;
use crate::source::Sources;
use crate::thread;
use crate::trace::Subject;
use insight_model::health::Thresholds;
use insight_model::{Model, Watch};
use insight_probe::RecorderConfig;
use insight_protocol::{
    Detail, Gap, Message, ProblemRaised, Problems, SnapshotBegin, SnapshotEnd, StreamHeartbeat, TaskId, body, with,
};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant};

/// Maximum number of waiting commands: more than the connections of two listeners.
const COMMANDS: usize = 256;
/// Samples may take one part of this many of a processor.
const BUDGET: u32 = 20;
/// A sample that takes less time is taken for each request, also above the budget. It is about the time for 10,000 tasks.
const CHEAP: Duration = Duration::from_millis(5);
/// Maximum number of messages that are pushed at a time, so that no client's queue jumps from empty to full.
const BATCH: usize = 1024;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Time between two collections.
    pub(crate) interval: Duration,
    /// Time for which tasks must be stuck before a problem is reported, in nanoseconds.
    pub(crate) settle_ns: u64,
    pub(crate) thresholds: Thresholds,
    /// Minimum time between two diagnoses.
    pub(crate) check_interval: Duration,
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
            check_interval: Duration::from_millis(100),
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

pub(crate) struct Recorder<P> {
    producer: P,
    settings: Settings,
    commands: Receiver<Command>,
    sources: Sources,
    model: Model,
    watch: Watch,
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
}

/// Makes a recorder and the channel of its commands. Call [`run`](Recorder::run) on a thread of its own.
pub(crate) fn prepare<P: Producer>(producer: P, settings: Settings) -> (SyncSender<Command>, Recorder<P>) {
    let (sender, commands) = mpsc::sync_channel(COMMANDS);
    let mut model = Model::default();
    // An empty snapshot is complete, since nothing is recorded yet.
    let at_ns = producer.now_ns();
    model.apply(&with!(SnapshotBegin::default(), at_ns).into());
    model.apply(&SnapshotEnd::new(at_ns).into());
    let watch = Watch::with_thresholds(settings.settle_ns, settings.thresholds.clone());
    let recorder = Recorder {
        producer,
        settings,
        commands,
        sources: Sources::new(),
        model,
        watch,
        clients: Vec::new(),
        next_check: Instant::now(),
        rest_until: Instant::now(),
        checked_ns: at_ns,
        last_sent: Instant::now(),
        off: None,
        left_out: None,
        settled: false,
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
    fn end(&mut self) {
        if self.clients.is_empty() {
            return;
        }
        self.collect(true);
        self.check();
        self.clients.drain(..).for_each(|client| client.finish());
    }

    fn tick(&mut self) {
        self.collect(false);
        let now = Instant::now();
        if now >= self.next_check {
            let before = thread::time();
            self.check();
            // A very large program is diagnosed less often.
            let took = thread::time().saturating_sub(before);
            self.next_check = Instant::now() + self.settings.check_interval.max(took * BUDGET);
        }
        if now.saturating_duration_since(self.last_sent) >= self.settings.heartbeat {
            // Not the present time, since later facts are not sent yet.
            self.send(&[StreamHeartbeat::new(self.model.told_ns).into()]);
        }
    }

    /// Collects in parts: all facts at once would take several times the memory that the model needs for them.
    fn collect(&mut self, now: bool) {
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

    fn fold(&mut self, recorded: Vec<Message>) {
        for message in &recorded {
            match message {
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

    fn check(&mut self) {
        let mut found = Vec::new();
        self.watch.check(&self.model, &mut found);
        self.checked_ns = self.producer.now_ns();
        self.take(&found);
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

    fn answer(&mut self, command: Command) {
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
        let changed = options.interval.is_some() || options.max_bytes.is_some() || options.detail.is_some();
        self.settings.set(&options);
        if options.settle.is_some() || options.thresholds.is_some() {
            self.watch.set_limits(self.settings.settle_ns, self.settings.thresholds.clone());
        }
        if changed {
            self.producer.configure(RecorderConfig {
                interval: options.interval.unwrap_or(before.interval),
                max_bytes: options.max_bytes.unwrap_or(before.max_bytes),
                detail: options.detail.unwrap_or(before.detail),
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

impl<P> Drop for Recorder<P> {
    /// Ends the streams of its clients, also after a panic of the thread.
    fn drop(&mut self) {
        self.clients.iter().for_each(|client| client.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Next;
    use crate::testing::Script;
    use insight_protocol::TaskSpawned;

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
