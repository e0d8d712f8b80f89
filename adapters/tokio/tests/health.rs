//! Problems of tasks that are not stuck, with thresholds that a test soon reaches, and programs that only look like
//! them.
//!
//! A program of its own: the problem of a large future may outlast its test.
#![cfg(all(feature = "full", feature = "test-util"))]

extern crate insight_tokio as tokio;

#[allow(dead_code, unused_imports, reason = "other tests use the rest")]
#[path = "observed/common.rs"]
mod common;

use common::{Bench, bench, summary};
use insight_model::health::{Health, HealthFinding, OFF, Thresholds};
use insight_protocol::{ProblemKind, TaskState, Tier};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc, oneshot};

const MS: u64 = 1_000_000;

/// Thresholds that nothing reaches, for a test to lower one: on a busy machine anything may take long.
fn off() -> Thresholds {
    let mut off = Thresholds::default();
    off.settle_ns = 20 * MS;
    off.window_ns = 100 * MS;
    off.worker_blocked.poll_ns = OFF;
    off.blocking_pool_exhausted.queue_ns = OFF;
    off.never_yields.poll_ns = OFF;
    off.spins.polls_per_second = OFF;
    off.waker_storm.wakes_per_poll = OFF;
    off.task_leak.tasks = OFF;
    off.lock_held_long.held_ns = OFF;
    off.large_future.bytes = OFF;
    off
}

fn only(change: impl FnOnce(&mut Thresholds)) -> Thresholds {
    let mut only = off();
    change(&mut only);
    only
}

struct Looks {
    health: Health,
    thresholds: Thresholds,
}

impl Looks {
    fn new(thresholds: Thresholds) -> Looks {
        Looks { health: Health::default(), thresholds }
    }

    fn look(&mut self, bench: &mut Bench) -> Vec<HealthFinding> {
        self.health.check(bench.sample(), &self.thresholds)
    }

    /// Samples until there is a finding.
    fn finding(&mut self, bench: &mut Bench) -> HealthFinding {
        self.until(bench, |found| found.first().cloned())
    }

    /// Samples until there is none.
    fn cleared(&mut self, bench: &mut Bench) {
        self.until(bench, |found| found.is_empty().then_some(()));
    }

    /// Samples for longer than any finding takes, and finds nothing.
    fn nothing(&mut self, bench: &mut Bench) {
        let end_ns = bench.after_settling().told_ns + 3 * self.thresholds.window_ns;
        while bench.model.told_ns < end_ns {
            let found = self.look(bench);
            assert_eq!(found, [], "{}", summary(&bench.model));
            thread::yield_now();
        }
    }

    fn until<T>(&mut self, bench: &mut Bench, condition: impl Fn(&[HealthFinding]) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.look(bench);
            if let Some(result) = condition(&found) {
                return result;
            }
            assert!(Instant::now() < deadline, "not in 30 s: {found:?}: {}", summary(&bench.model));
            thread::yield_now();
        }
    }
}

fn names(bench: &Bench, finding: &HealthFinding) -> Vec<String> {
    let name = |id| bench.model.tasks.get(id).and_then(|task| task.origin.name.as_deref()).unwrap_or("?");
    finding.finding.tasks.iter().map(|id| name(id).rsplit("::").next().unwrap_or_default().to_owned()).collect()
}

/// Blocks its thread in a poll, until it is released.
async fn parks(tell: oneshot::Sender<thread::Thread>, released: Arc<AtomicBool>) {
    let _ = tell.send(thread::current());
    while !released.load(Ordering::Acquire) {
        thread::park();
    }
}

async fn waits(stop: oneshot::Receiver<()>) {
    let _ = stop.await;
}

#[test]
fn a_poll_that_parks_its_thread() {
    bench(|bench, _| {
        let mut looks = Looks::new(only(|it| it.worker_blocked.poll_ns = 20 * MS));
        let released = Arc::new(AtomicBool::new(false));
        let (tell, told) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        thread::scope(|scope| {
            let released_there = released.clone();
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async move {
                    let parked = tokio::spawn(parks(tell, released_there));
                    let waiting = tokio::spawn(waits(stopped));
                    parked.await.unwrap();
                    waiting.await.unwrap();
                });
            });
            let parked = told.blocking_recv().unwrap();
            let finding = looks.finding(bench);
            assert_eq!((&finding.finding.kind, finding.finding.tier), (&ProblemKind::WorkerBlocked, Tier::Proven));
            assert_eq!(names(bench, &finding), ["parks"]);
            assert!(finding.explanation[1].contains("waits)"), "{finding:?}");
            released.store(true, Ordering::Release);
            parked.unpark();
            looks.cleared(bench);
            stop.send(()).unwrap();
        });
    });
}

#[test]
fn a_poll_that_parks_one_of_two_threads() {
    bench(|bench, runtime| {
        let mut looks = Looks::new(only(|it| it.worker_blocked.poll_ns = 20 * MS));
        let released = Arc::new(AtomicBool::new(false));
        let (tell, told) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        runtime.spawn(parks(tell, released.clone()));
        let parked = told.blocking_recv().unwrap();
        runtime.spawn(waits(stopped));
        bench.until(|model| {
            let idle = model.tasks.values().filter(|task| task.state() == Some(TaskState::Idle));
            (idle.count() == 1).then_some(())
        });
        looks.nothing(bench);
        released.store(true, Ordering::Release);
        parked.unpark();
        stop.send(()).unwrap();
    });
}

#[test]
fn a_task_that_wakes_itself() {
    async fn spins(stop: Arc<AtomicBool>) {
        poll_fn(|cx| match stop.load(Ordering::Relaxed) {
            true => Poll::Ready(()),
            false => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })
        .await;
    }
    async fn yields(stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
    }
    bench(|bench, runtime| {
        for name in ["spins", "yields"] {
            // Single polls take long if the machine does other work meanwhile.
            let mut looks = Looks::new(only(|it| (it.spins.polls_per_second, it.spins.poll_ns) = (100, MS)));
            let stop = Arc::new(AtomicBool::new(false));
            let spinning = match name {
                "spins" => runtime.spawn(spins(stop.clone())),
                _ => runtime.spawn(yields(stop.clone())),
            };
            let finding = looks.finding(bench);
            assert_eq!((&finding.finding.kind, finding.finding.tier), (&ProblemKind::Spins, Tier::Proven));
            assert_eq!(names(bench, &finding), [name]);
            stop.store(true, Ordering::Relaxed);
            runtime.block_on(spinning).unwrap();
            looks.cleared(bench);
        }
    });
}

/// A yielding task asks to be polled again, whichever code does so for it. Nothing else may wake it.
#[test]
fn a_task_that_yields() {
    async fn yields(times: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
            times.fetch_add(1, Ordering::Relaxed);
        }
    }
    bench(|bench, runtime| {
        let (times, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let yielding = runtime.spawn(yields(times.clone(), stop.clone()));
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut seen = 0;
        while (times.load(Ordering::Relaxed) < 10_000 || seen < 10) && Instant::now() < deadline {
            let task = bench
                .sample()
                .tasks
                .values()
                .find(|task| task.origin.name.as_deref().is_some_and(|it| it.ends_with("yields")));
            if let Some(stats) = task.and_then(|task| task.stats()) {
                // The task may have woken itself again since its wakes were read.
                assert!(stats.foreign_wakers == 0 && stats.self_wakes >= stats.wakes, "{stats:?}");
                seen += 1;
            }
        }
        stop.store(true, Ordering::Relaxed);
        runtime.block_on(yielding).unwrap();
        assert!(times.load(Ordering::Relaxed) >= 10_000 && seen >= 10, "it makes progress, and is observed");
    });
}

#[test]
fn two_tasks_that_wake_each_other() {
    async fn passes_on(mut from: mpsc::Receiver<u8>, to: mpsc::Sender<u8>) {
        while let Some(ball) = from.recv().await {
            if to.send(ball).await.is_err() {
                return;
            }
        }
    }
    bench(|bench, runtime| {
        let mut looks = Looks::new(only(|it| (it.spins.polls_per_second, it.spins.poll_ns) = (1, 1_000 * MS)));
        let (there, at_the_one) = mpsc::channel(1);
        let (back, at_the_other) = mpsc::channel(1);
        let ball = there.clone();
        let players = [runtime.spawn(passes_on(at_the_one, back)), runtime.spawn(passes_on(at_the_other, there))];
        ball.blocking_send(1).unwrap();
        looks.nothing(bench);
        players.iter().for_each(|player| player.abort());
    });
}

#[test]
fn futures_and_their_sizes() {
    async fn large(stop: oneshot::Receiver<()>) {
        let buffer = [1_u8; 100_000];
        let _ = stop.await;
        assert_eq!(buffer.len(), 100_000);
    }
    async fn small(stop: oneshot::Receiver<()>) {
        let buffer = vec![1_u8; 100_000];
        let _ = stop.await;
        assert_eq!(buffer.len(), 100_000);
    }
    bench(|bench, runtime| {
        let mut looks = Looks::new(only(|it| it.large_future.bytes = 64 << 10));
        let (stop_large, stopped_large) = oneshot::channel();
        let (stop_small, stopped_small) = oneshot::channel();
        runtime.spawn(small(stopped_small));
        bench.until(|model| (model.tasks.len() == 1).then_some(()));
        looks.nothing(bench);
        let line = line!() + 1;
        runtime.spawn(large(stopped_large));
        let finding = looks.finding(bench);
        assert_eq!((&finding.finding.kind, finding.finding.tier), (&ProblemKind::LargeFuture, Tier::Proven));
        assert!(finding.title.contains(&format!("health.rs:{line} take 97 KiB")), "{}", finding.title);
        stop_large.send(()).unwrap();
        stop_small.send(()).unwrap();
    });
}

#[test]
fn a_lock_that_is_held_and_wanted() {
    async fn holds(mutex: Arc<Mutex<u8>>, stop: oneshot::Receiver<()>) {
        let _guard = mutex.lock().await;
        let _ = stop.await;
    }
    async fn wants(mutex: Arc<Mutex<u8>>) {
        *mutex.lock().await += 1;
    }
    bench(|bench, runtime| {
        let mut looks =
            Looks::new(only(|it| (it.lock_held_long.held_ns, it.lock_held_long.waited_ns) = (20 * MS, 20 * MS)));
        let mutex = Arc::new(Mutex::new(0));
        let (stop, stopped) = oneshot::channel();
        runtime.spawn(holds(mutex.clone(), stopped));
        bench.until(|model| (model.edges.values().any(|edge| edge.body.kind() == "hold")).then_some(()));
        // No task wants it.
        looks.nothing(bench);
        let wanting = runtime.spawn(wants(mutex.clone()));
        let finding = looks.finding(bench);
        assert_eq!((&finding.finding.kind, finding.finding.tier), (&ProblemKind::LockHeldLong, Tier::Proven));
        assert_eq!(names(bench, &finding), ["holds"]);
        let kinds: Vec<&str> = finding.finding.edges.iter().map(|id| bench.model.edges[id].body.kind()).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == "wait").count(), 2, "each wait: {kinds:?}");
        assert_eq!(kinds.iter().filter(|kind| **kind == "hold").count(), 1);
        stop.send(()).unwrap();
        runtime.block_on(wanting).unwrap();
        looks.cleared(bench);
    });
}
