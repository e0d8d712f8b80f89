//! The recorder's thread: collects, folds, diagnoses, and hands out. It alone owns the model.

use crate::client::{Client, Opening};
use crate::graph;
use crate::producer::Producer;
use crate::source::Sources;
use crate::trace::Subject;
use insight_model::health::Thresholds;
use insight_model::{Model, Watch};
use insight_probe::RecorderConfig;
use insight_protocol::{
    Detail, Message, ProblemRaised, Problems, SnapshotBegin, SnapshotEnd, StreamHeartbeat, TaskId, body,
};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// How many commands may wait: more than there are connections, of two listeners.
const COMMANDS: usize = 256;
/// A tick with so many messages has them handed out in parts, so that no client's queue jumps from empty to full.
const BATCH: usize = 1024;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How often to collect.
    pub(crate) interval: Duration,
    /// How long tasks must have been stuck before that is reported.
    pub(crate) settle_ns: u64,
    pub(crate) thresholds: Thresholds,
    /// How often to look for problems.
    pub(crate) check_interval: Duration,
    /// After how long without a message to say that the stream is alive, should the producer not.
    pub(crate) heartbeat: Duration,
    /// How many bytes may wait for one client.
    pub(crate) queue_bytes: usize,
    /// How long a request may take to arrive, and its answer to be made.
    pub(crate) request_timeout: Duration,
    /// How long a client may take no byte.
    pub(crate) write_timeout: Duration,
    /// From how many tasks on a client that comes gets what the others have: to look at so many takes longer than it may
    /// have to wait.
    pub(crate) large: usize,
    /// How old that may be.
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
            large: 10_000,
            fresh: Duration::from_secs(1),
        }
    }
}

/// The options of the program that reach a recorder also while it runs. `None` leaves one as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) interval: Option<Duration>,
    pub(crate) settle: Option<Duration>,
    pub(crate) thresholds: Option<Thresholds>,
    pub(crate) max_bytes: Option<usize>,
    pub(crate) detail: Option<Detail>,
}

impl Settings {
    /// Sets what the options say.
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

/// What a connection's thread asks of the recorder's.
pub(crate) enum Command {
    /// Give this client an opening, and from then on what happens.
    Attach(Arc<Client>),
    /// The picture of now.
    Snapshot(SyncSender<Opening>),
    /// The problems that stand.
    Problems(SyncSender<Problems>),
    /// The graph of now, for Graphviz.
    Graph(SyncSender<String>),
    /// Record, or do not.
    Record(bool, SyncSender<()>),
    /// A task, to be asked where it waits.
    Trace(TaskId, SyncSender<Subject>),
    /// Take these options. The reply names the options that cannot change any more.
    Configure(Box<Options>, SyncSender<Vec<&'static str>>),
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
    last_sent: Instant,
    /// While recording is off: what says so.
    off: Option<Message>,
    /// Nothing was told since the last look at everything: the model is the picture of one time.
    settled: bool,
}

/// A recorder that is to [`run`](Recorder::run) on a thread of its own, and the way to ask it.
pub(crate) fn prepare<P: Producer>(producer: P, settings: Settings) -> (SyncSender<Command>, Recorder<P>) {
    let (sender, commands) = mpsc::sync_channel(COMMANDS);
    let mut model = Model::default();
    // Nothing was recorded yet: that is a complete picture.
    let at_ns = producer.now_ns();
    model.apply(&SnapshotBegin { at_ns, tasks: 0, resources: 0, edges: 0, problems: 0 }.into());
    model.apply(&SnapshotEnd { at_ns }.into());
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
        last_sent: Instant::now(),
        off: None,
        settled: false,
    };
    (sender, recorder)
}

impl<P: Producer> Recorder<P> {
    /// Runs until nobody can ask any more.
    pub(crate) fn run(mut self) {
        self.producer.set_packages(graph::facts());
        let mut next_tick = Instant::now();
        loop {
            match self.commands.recv_timeout(next_tick.saturating_duration_since(Instant::now())) {
                Ok(command) => self.answer(command),
                Err(RecvTimeoutError::Timeout) => {
                    self.tick();
                    // From the end of the tick: a slow one does not make the next ones follow without a pause.
                    next_tick = Instant::now() + self.settings.interval;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn tick(&mut self) {
        self.collect(false);
        let now = Instant::now();
        if now >= self.next_check {
            self.check();
            // Of a very large program, less often: at most a twentieth of a processor is taken.
            self.next_check = Instant::now() + self.settings.check_interval.max(now.elapsed() * 20);
        }
        if now.saturating_duration_since(self.last_sent) >= self.settings.heartbeat {
            // With the producer's last time and not with now: what came since was not told yet.
            self.send(&[StreamHeartbeat { at_ns: self.model.told_ns }.into()]);
        }
    }

    /// Part by part: all at once would take several times the memory of what is kept of it.
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

    /// Whether a client that comes may have the model as it is. To look at a hundred thousand tasks again takes long, and
    /// the other clients would wait for it too.
    fn is_fresh(&self) -> bool {
        let age_ns = self.producer.now_ns().saturating_sub(self.model.told_ns);
        self.settled
            && self.model.tasks.len() >= self.settings.large
            && Duration::from_nanos(age_ns) < self.settings.fresh
    }

    fn fold(&mut self, recorded: Vec<Message>) {
        let messages = self.sources.enrich(recorded, &mut self.producer);
        messages.chunks(BATCH).for_each(|batch| self.take(batch));
        if messages.iter().any(|message| matches!(message, Message::SnapshotEnd(_))) {
            // The producer does not know the problems: its snapshot has none, and the watch says only what changes.
            let at_ns = self.model.now_ns;
            let standing = self.watch.standing().cloned();
            let raised: Vec<Message> = standing.map(|problem| ProblemRaised { problem, at_ns }.into()).collect();
            self.take(&raised);
        }
    }

    fn check(&mut self) {
        let mut found = Vec::new();
        self.watch.check(&self.model, &mut found);
        self.take(&found);
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
            // Encoded once, and only when somebody takes it.
            client.push(bodies.get_or_insert_with(|| messages.iter().map(|message| body(message).into()).collect()));
        }
    }

    fn answer(&mut self, command: Command) {
        let as_it_is = match &command {
            Command::Attach(_) => self.is_fresh(),
            Command::Configure(..) => true,
            Command::Snapshot(_)
            | Command::Problems(_)
            | Command::Graph(_)
            | Command::Record(..)
            | Command::Trace(..) => false,
        };
        if !as_it_is {
            self.collect(true);
            self.check();
        }
        // Who asked may have gone: then its reply goes nowhere.
        match command {
            Command::Attach(client) => self.attach(client),
            Command::Snapshot(reply) => drop(reply.try_send(self.opening())),
            Command::Problems(reply) => drop(reply.try_send(self.model.problems())),
            Command::Graph(reply) => drop(reply.try_send(self.model.dot())),
            Command::Record(on, reply) => {
                self.record(on);
                let _ = reply.try_send(());
            }
            Command::Trace(id, reply) => drop(reply.try_send(self.subject(id))),
            Command::Configure(options, reply) => drop(reply.try_send(self.configure(*options))),
        }
    }

    fn configure(&mut self, mut options: Options) -> Vec<&'static str> {
        let before = self.producer.config();
        let mut late = Vec::new();
        // The header of an open stream says how often samples are taken and in which detail, and stays true.
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
        let mut told = Vec::new();
        self.producer.set_on(on, &mut told);
        if told.is_empty() {
            return;
        }
        // Before the picture goes in which their tasks are.
        let mut cleared = Vec::new();
        self.watch.forget(self.model.now_ns, &mut cleared);
        self.take(&cleared);
        self.off = told.last().filter(|message| matches!(message, Message::Gap(_))).cloned();
        self.fold(told);
    }

    /// From now on the client gets what happens. Before the recorder runs it is sure to get all.
    pub(crate) fn attach(&mut self, client: Arc<Client>) {
        client.open(self.opening());
        if !self.clients.iter().any(|other| Arc::ptr_eq(other, &client)) {
            self.clients.push(client);
        }
    }

    fn subject(&self, id: TaskId) -> Subject {
        let locations = self.model.tasks.values().filter_map(|task| task.location.as_ref());
        Subject {
            task: self.producer.traceable(id),
            was_task: self.producer.was_task(id),
            now_ns: self.producer.now_ns(),
            files: locations.map(|location| location.place.file.clone()).collect(),
        }
    }

    fn opening(&self) -> Opening {
        Opening { header: self.producer.header(), picture: self.model.clone(), off: self.off.clone() }
    }
}

impl<P> Drop for Recorder<P> {
    /// Also when the thread panics: its clients' streams end, and are not silent for ever.
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
    fn only_of_a_large_program_a_client_gets_what_the_others_have() {
        let hour = Duration::from_secs(3600);
        // How many tasks make it large, how old its picture may be, and how many tasks the client sees of three.
        for (large, fresh, expect) in [(2, hour, 2), (3, hour, 3), (2, Duration::ZERO, 3)] {
            let (script, feed) = Script::new();
            let (_commands, mut recorder) = prepare(script, Settings { large, fresh, ..Settings::default() });
            let spawn = |id| feed.send(vec![TaskSpawned { id: TaskId(id), ..TaskSpawned::default() }.into()]).unwrap();
            (1..=2).for_each(spawn);
            recorder.tick();
            spawn(3);
            let client = Arc::new(Client::new(1 << 20));
            recorder.answer(Command::Attach(client.clone()));
            let Next::Opening(opening, None) = client.next(usize::MAX, Duration::ZERO) else { panic!("no opening") };
            assert_eq!(opening.picture.tasks.len(), expect, "{large} {fresh:?}");

            // What follows is told to it, and an answer that is asked for is of now.
            recorder.tick();
            let (reply, answer) = mpsc::sync_channel(1);
            recorder.answer(Command::Snapshot(reply));
            assert_eq!(answer.recv().unwrap().picture.tasks.len(), 3);
            let Next::Live(bodies) = client.next(usize::MAX, Duration::ZERO) else { panic!("nothing live") };
            assert_eq!(bodies.iter().any(|body| body.contains("task.spawned")), expect == 2);
        }
    }
}
