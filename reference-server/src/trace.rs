//! Traces of tasks: requests a trace from the probe, resolves its addresses, and runs only one trace at a time.

pub(crate) mod frames;
pub(crate) mod function;
mod origin;
pub(crate) mod symbol;

use crate::http::Reply;
use insight_probe::{Capture, Trace, Traceable};
use insight_protocol::{MAX_ID, TaskId, TaskTrace, TraceOutcome, with};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Maximum time until the task is polled. If the executor takes longer, the outcome is that it is busy.
const TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum number of traces that run or wait. Each trace makes the program poll a task, and takes memory.
const MAX_JOBS: usize = 8;

/// Collections that give their futures separate wakers, by type and by module.
const COLLECTIONS: [&str; 2] = ["FuturesUnordered", "futures_unordered"];

/// The recorder's facts about a task that a client wants to trace.
pub(crate) struct Subject {
    pub(crate) task: Option<Traceable>,
    /// There was a task with the ID.
    pub(crate) was_task: bool,
    /// The recorder has observed the end of the task.
    pub(crate) has_ended: bool,
    pub(crate) now_ns: u64,
    /// The paths of the program's files, in the form that its locations use.
    pub(crate) files: BTreeSet<String>,
}

/// The ID in `/v1/tasks/{id}/trace`. `None` for another path.
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

/// The reply for a task that cannot be traced because it has ended or is unknown. `None` if it can be traced.
pub(crate) fn unknown(id: TaskId, subject: &Subject) -> Option<TaskTrace> {
    if subject.task.is_some() {
        return None;
    }
    let (outcome, reason) = match subject.has_ended {
        true => (TraceOutcome::Ended, format!("task {id} has ended")),
        false => (
            TraceOutcome::NotKnown,
            format!(
                "task {id} is unknown: it has ended, or it was recorded before a pause and has another ID now, or there \
                 was no room for it"
            ),
        ),
    };
    Some(TaskTrace::without_leaves(id, outcome, reason, subject.now_ns))
}

/// Traces the task. Blocks for up to a second. The first trace takes longer, since it reads the program's debug information.
pub(crate) fn trace(id: TaskId, subject: Subject) -> TaskTrace {
    if let Some(trace) = unknown(id, &subject) {
        return trace;
    }
    let Some(task) = &subject.task else { unreachable!("`unknown` has returned a reply otherwise") };
    match task.trace(TIMEOUT) {
        Trace::Polled(capture) => polled(id, capture, &subject),
        other => unpolled(id, &other, subject.now_ns),
    }
}

fn polled(id: TaskId, capture: Capture, subject: &Subject) -> TaskTrace {
    let bare = |outcome, reason: &str| TaskTrace::without_leaves(id, outcome, reason, capture.at_ns);
    if capture.panicked {
        return bare(TraceOutcome::Ended, "the task panicked in this poll, so it has ended");
    }
    if capture.ready {
        return bare(TraceOutcome::Ready, "the task was polled and is ready: it no longer waits");
    }
    if capture.other_waker {
        let reason = "the task is polled with another waker than at first, by another future or another block_on; \
                      insight cannot trace it there";
        return bare(TraceOutcome::Untraceable, reason);
    }
    let leaves = frames::leaves(&capture.stacks, &subject.files);
    let mut reason = match leaves.len() as u64 + capture.more {
        0 => "the task was polled and is not ready, but nothing in it asked for its waker: its future keeps separate \
              wakers, or nothing will wake the task"
            .to_owned(),
        1 => "the task waits at one await".to_owned(),
        number => format!("the task waits at {number} awaits at once"),
    };
    let all = || leaves.iter().flat_map(|leaf| &leaf.frames);
    if all().any(|frame| frame.function.as_deref().is_some_and(|name| COLLECTIONS.iter().any(|it| name.contains(it)))) {
        reason += "; FuturesUnordered gives its futures separate wakers, so the trace shows only its own await";
    }
    if !leaves.is_empty() && all().all(|frame| frame.location.is_none()) {
        reason += "; lines are unknown, since the program has no debug information: `debug = \"line-tables-only\"` \
                   in its profile is enough";
    }
    with!(bare(TraceOutcome::Captured, &reason), leaves, more = capture.more)
}

fn unpolled(id: TaskId, trace: &Trace, at_ns: u64) -> TaskTrace {
    let bare = |outcome, reason: &str| TaskTrace::without_leaves(id, outcome, reason, at_ns);
    match trace {
        Trace::Running { since_ns } => with!(
            bare(TraceOutcome::Running, "the task is running, in one long poll: it is at no await"),
            since_ns = Some(*since_ns)
        ),
        Trace::NotPolled { since_ns } => with!(
            bare(
                TraceOutcome::NotPolled,
                "the task was woken and not polled within a second: its executor is busy, blocked or not running",
            ),
            since_ns = Some(*since_ns)
        ),
        Trace::NeverPolled => bare(TraceOutcome::NeverPolled, "the task was never polled, so it is at no await yet"),
        Trace::Ended => bare(TraceOutcome::Ended, "the task has ended"),
        Trace::Partial => bare(
            TraceOutcome::Untraceable,
            "a library spawned the task past the instrumented runtime, so insight does not observe its polls",
        ),
        _ => bare(TraceOutcome::Untraceable, "the task is a closure on a thread of its own, which has no awaits"),
    }
}

/// Runs one trace at a time. Requests for the same task share one trace.
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
    /// Returns the reply from `make`, or the reply of a job for the same task that runs or waits already.
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

/// Ends a job on drop, so that others do not wait for a job that has panicked.
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
    fn task_id_is_parsed_from_the_path() {
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
    fn traces_run_one_at_a_time_and_are_shared_and_bounded() {
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
            // The number of jobs shows that each of them waits for its turn.
            let others: Vec<_> = (2..=MAX_JOBS as u64)
                .map(|id| scope.spawn(move || jobs.run(TaskId(id), || reply(&id.to_string()))))
                .collect();
            while jobs.lock().jobs.len() < MAX_JOBS {
                std::thread::yield_now();
            }
            let refused = jobs.run(TaskId(99), || unreachable!("there are too many"));
            assert_eq!(refused.status, "503 Service Unavailable");
            assert!(others.iter().all(|other| !other.is_finished()));
            // Three references: the first job, the table, and the request that shares it.
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
