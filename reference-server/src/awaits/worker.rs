//! The thread `insight-awaits`: has the program poll the chosen tasks, and reads its debug information.

use super::made::{self, Made};
use super::{Asked, Capturable};
use crate::say;
use crate::thread::{self, LARGE};
use crate::trace::frames::{self, Resolver};
use insight_probe::{Capture, Trace};
use insight_protocol::TaskId;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// Duration of a poll that is too long for a poll that the program did not ask for, in nanoseconds.
const SLOW_NS: u64 = 10_000_000;
/// Time until which the polls of a batch are waited for. Tasks of a busy executor are polled later.
const TIMEOUT: Duration = Duration::from_millis(100);
/// Time between two looks for polls that come later.
const LATE: Duration = Duration::from_millis(200);
/// Time without a batch after which the debug information is dropped from memory.
const IDLE: Duration = Duration::from_secs(5);

/// Printed once for a program without debug information.
const NO_LINES: &str = "the lines at which tasks wait are unknown, since the program has no debug information: \
                        `debug = \"line-tables-only\"` in its profile is enough";

/// Printed once for a program without symbols.
const NO_SYMBOLS: &str = "the functions and lines at which tasks wait are unknown, since the program has no symbols: remove \
                          `strip` from its profile";

/// The same for a program whose file is gone. On Linux its path then ends with ` (deleted)`.
const NO_FILE: &str = "the functions and lines at which tasks wait are unknown, since the program's file was replaced or deleted \
                       after the program's start";

/// Tasks that are captured together.
pub(super) struct Batch<T> {
    pub(super) tasks: Vec<(TaskId, Arc<T>)>,
    /// The paths of the program's files, in the form that its locations use.
    pub(super) files: Arc<BTreeSet<String>>,
}

/// The results of a batch and of tasks that were polled late.
#[derive(Default)]
pub(super) struct Done {
    /// It has the results of a batch, and not only of earlier ones.
    pub(super) ends_batch: bool,
    /// Tasks that were polled.
    pub(super) made: Vec<Made>,
    /// Tasks whose request is over, whether they were polled or not. The other tasks of the batch are polled later.
    pub(super) over: Vec<TaskId>,
    /// Tasks whose poll took long.
    pub(super) slow: Vec<TaskId>,
    /// The processor time that all of it took.
    pub(super) cost: Duration,
}

/// The channels of the thread. It ends when this is dropped.
pub(super) struct Worker<T> {
    batches: SyncSender<Batch<T>>,
    done: Receiver<Done>,
    is_busy: bool,
}

impl<T: Capturable + Sync> Worker<T> {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Worker<T>> {
        let (batches, batches_in) = mpsc::sync_channel(1);
        let (done_out, done) = mpsc::sync_channel(1);
        thread::spawn("insight-awaits", LARGE, move || run(&batches_in, &done_out))?;
        Ok(Worker { batches, done, is_busy: false })
    }

    /// Channels without a thread, for tests.
    #[cfg(test)]
    pub(super) fn by_hand() -> (Worker<T>, Receiver<Batch<T>>, SyncSender<Done>) {
        let (batches, batches_in) = mpsc::sync_channel(1);
        let (done_out, done) = mpsc::sync_channel(1);
        (Worker { batches, done, is_busy: false }, batches_in, done_out)
    }

    /// Whether it has a batch whose results were not taken. So it is after a fault of the thread, for ever.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Passes a batch to the thread, which must not be busy.
    pub(super) fn begin(&mut self, batch: Batch<T>) {
        self.is_busy = true;
        let _ = self.batches.try_send(batch);
    }

    /// The results of the batch or of late polls, if they are there.
    pub(super) fn done(&mut self) -> Option<Done> {
        let done = self.done.try_recv().ok()?;
        self.is_busy &= !done.ends_batch;
        Some(done)
    }
}

fn run<T: Capturable>(batches: &Receiver<Batch<T>>, done: &SyncSender<Done>) {
    let mut resolver = None;
    // The time of the last capture, until the debug information is dropped.
    let mut captured: Option<Instant> = None;
    let mut has_said = false;
    // The requests that are open, and the files of the last batch.
    let mut open: Vec<Open> = Vec::new();
    let mut files = Arc::default();
    loop {
        let next = match (open.is_empty(), captured) {
            (true, None) => batches.recv().map_err(|_| RecvTimeoutError::Disconnected),
            (true, Some(_)) => batches.recv_timeout(IDLE),
            (false, _) => batches.recv_timeout(LATE),
        };
        let before = thread::time();
        let (ends_batch, answers) = match next {
            Ok(batch) => {
                files = batch.files;
                let mut answers = late(&mut open);
                ask(batch.tasks, &mut open, &mut answers);
                (true, answers)
            }
            Err(RecvTimeoutError::Timeout) => (false, late(&mut open)),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if ends_batch || !answers.over.is_empty() {
            let mut result = read(answers, resolver.get_or_insert_with(Resolver::new), &files);
            result.ends_batch = ends_batch;
            result.cost += thread::time().saturating_sub(before);
            captured = Some(Instant::now());
            let lacks = |lacks: fn(&Made) -> bool| result.made.iter().any(lacks);
            let symbols = lacks(Made::lacks_symbols).then(|| without_symbols(std::env::current_exe()));
            if let Some(text) = symbols.or(lacks(Made::lacks_lines).then_some(NO_LINES)) {
                if !has_said {
                    say(text);
                }
                has_said = true;
            }
            if done.send(result).is_err() {
                return;
            }
        } else if captured.is_some_and(|at| at.elapsed() >= IDLE) {
            frames::forget_debug_information();
            captured = None;
        }
    }
}

/// The reason why no function has a name.
fn without_symbols(executable: io::Result<PathBuf>) -> &'static str {
    match executable {
        Ok(path) if !path.exists() => NO_FILE,
        _ => NO_SYMBOLS,
    }
}

/// A task that was asked for a poll and has not answered.
type Open = (TaskId, Box<dyn Asked>);

/// The answers of tasks.
#[derive(Default)]
struct Answers {
    captures: Vec<(TaskId, Capture)>,
    over: Vec<TaskId>,
    slow: Vec<TaskId>,
    /// The time that was taken from the program.
    took: Duration,
}

impl Answers {
    fn add(&mut self, id: TaskId, trace: Trace) {
        self.over.push(id);
        if let Trace::Polled(capture) = trace {
            self.took += Duration::from_nanos(capture.took_ns);
            self.slow.extend((capture.took_ns > SLOW_NS).then_some(id));
            self.captures.push((id, capture));
        }
    }
}

/// Asks all tasks of a batch, and waits for their polls. Tasks that are not polled in time stay open.
fn ask<T: Capturable>(tasks: Vec<(TaskId, Arc<T>)>, open: &mut Vec<Open>, answers: &mut Answers) {
    // All are woken before one is waited for, so that a busy executor takes only one timeout for all of them.
    let asked: Vec<_> = tasks.iter().map(|(id, task)| (*id, task.capture())).collect();
    let until = Instant::now() + TIMEOUT;
    for (id, asked) in asked {
        match asked {
            Err(trace) => answers.add(id, trace),
            Ok(asked) => match asked.answer(until.saturating_duration_since(Instant::now())) {
                Some(trace) => answers.add(id, trace),
                None => {
                    // Whether for us or for the program: it may take as long again.
                    if asked.is_running() {
                        answers.took += TIMEOUT;
                        answers.slow.push(id);
                    }
                    open.push((id, asked));
                }
            },
        }
    }
}

/// Takes the answers that have come since.
fn late(open: &mut Vec<Open>) -> Answers {
    let mut answers = Answers::default();
    open.retain(|(id, asked)| match asked.answer(Duration::ZERO) {
        Some(trace) => {
            answers.add(*id, trace);
            false
        }
        None => true,
    });
    answers
}

/// Reads the functions of the polled tasks.
fn read(answers: Answers, resolver: &mut Resolver, files: &BTreeSet<String>) -> Done {
    let Answers { captures, over, slow, took } = answers;
    let made = captures.iter().map(|(id, capture)| made::made(*id, capture, resolver, files)).collect();
    resolver.end_batch();
    Done { ends_batch: false, made, over, slow, cost: took }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A task whose answer the test gives; `None` until then.
    #[derive(Clone, Default)]
    struct Later(Arc<Mutex<Option<Trace>>>);

    impl Capturable for Later {
        fn capture(&self) -> Result<Box<dyn Asked>, Trace> {
            Ok(Box::new(self.clone()))
        }

        fn wakes(&self) -> u64 {
            0
        }
    }

    impl Asked for Later {
        fn answer(&self, _timeout: Duration) -> Option<Trace> {
            self.0.lock().unwrap().clone()
        }

        fn is_running(&self) -> bool {
            false
        }
    }

    /// The first result of the thread with an answer, or of a batch.
    fn result(worker: &mut Worker<Later>) -> Done {
        loop {
            match worker.done() {
                Some(done) => return done,
                None => std::thread::yield_now(),
            }
        }
    }

    #[test]
    fn poll_after_the_timeout_gives_a_result_of_its_own() {
        let mut worker = Worker::start().unwrap();
        let tasks: Vec<(TaskId, Arc<Later>)> = (1..=3).map(|id| (TaskId(id), Arc::default())).collect();
        let answer = |at: usize, trace: Trace| *tasks[at].1.0.lock().unwrap() = Some(trace);
        let released = with_polls(7);
        answer(0, Trace::Polled(with_polls(1)));
        worker.begin(Batch { tasks: tasks.clone(), files: Arc::default() });
        let done = result(&mut worker);
        assert!(done.ends_batch && !worker.is_busy());
        assert_eq!((done.over, done.made.len()), (vec![TaskId(1)], 1));

        answer(1, Trace::Polled(Capture { ready: true, released: true, took_ns: 20_000_000, ..released }));
        answer(2, Trace::Ended);
        // With another batch, or after it.
        worker.begin(Batch { tasks: Vec::new(), files: Arc::default() });
        let (mut made, mut over, mut slow) = (Vec::new(), Vec::new(), Vec::new());
        while over.len() < 2 || worker.is_busy() {
            let done = result(&mut worker);
            made.extend(done.made);
            over.extend(done.over);
            slow.extend(done.slow);
        }
        over.sort_unstable();
        assert_eq!(over, [TaskId(2), TaskId(3)]);
        assert_eq!(
            made.iter().map(|made| (made.task, made.polls, made.released)).collect::<Vec<_>>(),
            [(TaskId(2), 7, true)]
        );
        assert_eq!(slow, [TaskId(2)]);
    }

    #[test]
    fn program_without_its_file_is_not_taken_for_a_stripped_one() {
        assert_eq!(without_symbols(Ok("/none/target/debug/app (deleted)".into())), NO_FILE);
        assert_eq!(without_symbols(std::env::current_exe()), NO_SYMBOLS);
        assert_eq!(without_symbols(Err(io::ErrorKind::NotFound.into())), NO_SYMBOLS);
    }

    fn with_polls(polls: u64) -> Capture {
        Capture { polls, ..Capture::default() }
    }
}
