//! Traces of tasks: asks the probe, makes sense of the addresses, and sees to it that there is one at a time.

mod frames;
mod origin;
mod symbol;

use crate::http::Reply;
use insight_probe::{Capture, Trace, Traceable};
use insight_protocol::{MAX_ID, TaskId, TaskTrace, TraceOutcome};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// How long a task may take to be polled. An executor that takes longer is busy, and that is the answer.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How many tasks may be traced or wait for it, at a time: each trace makes the program poll, and takes memory.
const MAX_JOBS: usize = 8;

/// What gives the futures in it wakers of its own: the type, and its module.
const COLLECTIONS: [&str; 2] = ["FuturesUnordered", "futures_unordered"];

/// What the recorder's thread knows of a task that is to be traced.
pub(crate) struct Subject {
    pub(crate) task: Option<Traceable>,
    /// A task has had the id.
    pub(crate) was_task: bool,
    pub(crate) now_ns: u64,
    /// The files of the program, as its locations name them.
    pub(crate) files: BTreeSet<String>,
}

/// The id in `/v1/tasks/{id}/trace`; `None` for another path.
pub(crate) fn task_of(path: &str) -> Option<Result<TaskId, Reply>> {
    let id = path.strip_prefix("/v1/tasks/")?.strip_suffix("/trace")?;
    if id.contains('/') {
        return None;
    }
    let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { id.parse().ok() } else { None };
    Some(match number {
        Some(number @ 1..=MAX_ID) => Ok(TaskId(number)),
        _ => {
            let text = "the id of a task is a number from 1 to 9007199254740991, as in /v1/tasks/7/trace";
            Err(Reply::text("400 Bad Request", text))
        }
    })
}

/// What a task that cannot be asked is answered with.
pub(crate) fn unknown(id: TaskId, subject: &Subject) -> Option<TaskTrace> {
    if subject.task.is_some() {
        return None;
    }
    let reason = format!("task {id} has ended");
    Some(TaskTrace::without_leaves(id, TraceOutcome::Ended, reason, subject.now_ns))
}

/// Traces the task. Blocks for up to a second, and longer at first: the program's debug information is read.
pub(crate) fn trace(id: TaskId, subject: Subject) -> TaskTrace {
    if let Some(trace) = unknown(id, &subject) {
        return trace;
    }
    let Some(task) = &subject.task else { unreachable!("one that is not known was answered") };
    match task.trace(TIMEOUT) {
        Trace::Polled(capture) => polled(id, capture, &subject),
        other => unpolled(id, &other, subject.now_ns),
    }
}

fn polled(id: TaskId, capture: Capture, subject: &Subject) -> TaskTrace {
    let bare = |outcome, reason: &str| TaskTrace::without_leaves(id, outcome, reason, capture.at_ns);
    if capture.ready {
        return bare(TraceOutcome::Ready, "the task was polled and is ready: it waits no more");
    }
    if capture.other_waker {
        let reason = "the task is polled with another waker than at first, by another future or another block_on; \
                      that one is not followed";
        return bare(TraceOutcome::Untraceable, reason);
    }
    let leaves = frames::leaves(&capture.stacks, &subject.files);
    let mut reason = match leaves.len() as u64 + capture.more {
        0 => "the task was polled and is not ready, but nothing in it asked for its waker: what it waits for keeps \
              wakers of its own, or nothing will wake it"
            .to_owned(),
        1 => "the task waits at one await".to_owned(),
        number => format!("the task waits at {number} awaits at once"),
    };
    let all = || leaves.iter().flat_map(|leaf| &leaf.frames);
    if all().any(|frame| frame.function.as_deref().is_some_and(|name| COLLECTIONS.iter().any(|it| name.contains(it)))) {
        reason += "; FuturesUnordered gives its futures wakers of its own, so only its own await is seen";
    }
    if !leaves.is_empty() && all().all(|frame| frame.location.is_none()) {
        reason += "; lines are not known, as the program is without debug information: `debug = \"line-tables-only\"` \
                   in its profile is enough";
    }
    TaskTrace { leaves, more: capture.more, ..bare(TraceOutcome::Captured, &reason) }
}

fn unpolled(id: TaskId, trace: &Trace, at_ns: u64) -> TaskTrace {
    let bare = |outcome, reason: &str| TaskTrace::without_leaves(id, outcome, reason, at_ns);
    match trace {
        Trace::Running { since_ns } => TaskTrace {
            since_ns: Some(*since_ns),
            ..bare(TraceOutcome::Running, "the task is running, in one long poll: it is at no await")
        },
        Trace::NotPolled { since_ns } => TaskTrace {
            since_ns: Some(*since_ns),
            ..bare(
                TraceOutcome::NotPolled,
                "the task was woken and not polled within a second: its executor is busy, blocked or not running",
            )
        },
        Trace::NeverPolled => bare(TraceOutcome::NeverPolled, "the task was never polled, so it is at no await yet"),
        Trace::Ended => bare(TraceOutcome::Ended, "the task has ended"),
        Trace::Partial => bare(
            TraceOutcome::Untraceable,
            "a library spawned the task past the instrumented runtime, so its polls are not seen",
        ),
        _ => bare(TraceOutcome::Untraceable, "the task is a closure on a thread of its own, which has no awaits"),
    }
}

/// One trace at a time, and requests for the same task share one.
#[derive(Default)]
pub(crate) struct Jobs {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    busy: bool,
    jobs: BTreeMap<TaskId, Arc<OnceLock<Reply>>>,
}

impl Jobs {
    /// The reply that `make` makes, or that of the same task's job at hand.
    pub(crate) fn run(&self, id: TaskId, make: impl FnOnce() -> Reply) -> Reply {
        let mut state = self.lock();
        if let Some(job) = state.jobs.get(&id).cloned() {
            while job.get().is_none() && state.jobs.get(&id).is_some_and(|other| Arc::ptr_eq(other, &job)) {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            return job.get().cloned().unwrap_or_else(|| Reply::text("503 Service Unavailable", "the trace failed"));
        }
        if state.jobs.len() >= MAX_JOBS {
            let text = format!("{MAX_JOBS} tasks are being traced already, one after another; try again");
            return Reply::text("503 Service Unavailable", &text);
        }
        let job = Arc::new(OnceLock::new());
        state.jobs.insert(id, Arc::clone(&job));
        while state.busy {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.busy = true;
        drop(state);
        let done = Done { jobs: self, id };
        let reply = make();
        let _ = job.set(reply.clone());
        drop(done);
        reply
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a job, also one that panics: others wait for it.
struct Done<'a> {
    jobs: &'a Jobs,
    id: TaskId,
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        let mut state = self.jobs.lock();
        state.busy = false;
        state.jobs.remove(&self.id);
        self.jobs.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn ids_in_paths() {
        let check = |path: &str, expect: &str| {
            let actual = match task_of(path) {
                None => "another".to_owned(),
                Some(Ok(id)) => id.to_string(),
                Some(Err(reply)) => reply.status[..3].to_owned(),
            };
            assert_eq!(actual, expect, "{path}");
        };
        check("/v1/tasks/7/trace", "7");
        check("/v1/tasks/9007199254740991/trace", "9007199254740991");
        for id in ["0", "", "-1", "+1", "x", "9007199254740992", "99999999999999999999", "7%20"] {
            check(&format!("/v1/tasks/{id}/trace"), "400");
        }
        for path in ["/v1/tasks/7", "/v1/tasks/7/trace/", "/v1/tasks/7/8/trace", "/v1/tasks", "/v1/taskstrace"] {
            check(path, "another");
        }
    }

    #[test]
    fn one_at_a_time_shared_and_bounded() {
        let jobs = Jobs::default();
        let reply = |text: &str| Reply::text("200 OK", text);
        std::thread::scope(|scope| {
            let (let_go, held) = mpsc::channel::<()>();
            let (begin, begun) = mpsc::channel();
            let jobs = &jobs;
            let first = scope.spawn(move || {
                jobs.run(TaskId(1), || {
                    begin.send(()).unwrap();
                    held.recv().unwrap();
                    reply("first")
                })
            });
            begun.recv().unwrap();
            let shared = scope.spawn(move || jobs.run(TaskId(1), || unreachable!("the first one's is shared")));
            // The wait for its turn of each is seen by their number.
            let others: Vec<_> = (2..=MAX_JOBS as u64)
                .map(|id| scope.spawn(move || jobs.run(TaskId(id), || reply(&id.to_string()))))
                .collect();
            while jobs.lock().jobs.len() < MAX_JOBS {
                std::thread::yield_now();
            }
            let refused = jobs.run(TaskId(99), || unreachable!("there are too many"));
            assert_eq!(refused.status, "503 Service Unavailable");
            assert!(others.iter().all(|other| !other.is_finished()));
            // The one that shares holds the job of the first one, besides that one and the table.
            while jobs.lock().jobs.get(&TaskId(1)).is_some_and(|job| Arc::strong_count(job) < 3) {
                std::thread::yield_now();
            }
            let_go.send(()).unwrap();
            assert_eq!(first.join().unwrap().body, "first\n");
            assert_eq!(shared.join().unwrap().body, "first\n");
            for (id, other) in (2..).zip(others) {
                assert_eq!(other.join().unwrap().body, format!("{id}\n"));
            }
        });
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            jobs.run(TaskId(1), || std::panic::resume_unwind(Box::new("a fault, for the test of it")))
        }));
        assert!(failed.is_err());
        assert_eq!(jobs.run(TaskId(1), || reply("again")).body, "again\n");
    }
}
