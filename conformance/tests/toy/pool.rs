//! An executor with threads of its own, that is allowed to be odd: each habit is legal.

use crate::resources::RELEASES_LATE;
use insight_probe::adapter::{Adapter, Descriptor, Resources, Spawned};
use insight_probe::{Capability, Executor, Joining, Kind, Observed, Outcome, SpawnMeta, observe};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

/// A habit of an executor that SPEC.md allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    Plain,
    /// It polls each task again, without a wake.
    PollsAgain,
    /// It wraps the future, and wakes the task from a thread a few times, without need.
    WakesWithoutNeed,
    /// Each poll has a thread of its own.
    OneThreadAPoll,
    /// A task is polled first some time after its spawn.
    StartsLate,
    /// The future of an ended or cancelled task is dropped some time later.
    DropsLate,
    /// The handle is another part of the task, which keeps a waker, as `futures::future::RemoteHandle` does.
    RemoteHandle,
    /// The task polls the future only if its own waker was woken, as `FuturesUnordered` does.
    OwnWakers,
    /// The future is in a box of its own.
    Boxed,
    /// A task of the executor's own comes with each spawn, and each spawn has a second `block_on`.
    HelperTasks,
}

pub const HABITS: [Habit; 10] = [
    Habit::Plain,
    Habit::PollsAgain,
    Habit::WakesWithoutNeed,
    Habit::OneThreadAPoll,
    Habit::StartsLate,
    Habit::DropsLate,
    Habit::RemoteHandle,
    Habit::OwnWakers,
    Habit::Boxed,
    Habit::HelperTasks,
];

/// A mistake of an adapter that its stream alone cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    None,
    RootIsForgotten,
    SpawnIsReportedTwice,
    PlaceIsTheAdapters,
    CancelDetaches,
    OutcomeIsAlwaysReturned,
    BlockOnNeverReturns,
    CapabilityIsNotListed,
    ResourceIsNotShown,
    DescriptorHasAnotherVersion,
    /// The hold of a lock ends after the lock is free.
    ReleasesLate,
}

pub static POOL: Executor = Executor::new("pool", "1.0", || None).observing(&[
    Capability::Tasks,
    Capability::TaskTimes,
    Capability::ForeignWakers,
    Capability::Joins,
    Capability::Mutexes,
    Capability::Channels,
    Capability::Timers,
]);

const LATE: Duration = Duration::from_millis(5);
/// How often the habits without need are done for each wake.
const TIMES: usize = 3;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

pub struct Pool {
    pub habit: Habit,
    pub mistake: Mistake,
    queue: Sender<Arc<Task>>,
}

struct Task {
    habit: Habit,
    job: Mutex<Option<Job>>,
    end: Mutex<End>,
    queue: Sender<Arc<Task>>,
    /// Polls without a wake that are left.
    again: AtomicUsize,
}

#[derive(Default)]
struct End {
    outcome: Option<Outcome>,
    joiner: Option<Waker>,
}

impl Pool {
    pub fn new(habit: Habit, mistake: Mistake) -> Pool {
        // A lock does not know its executor. Suites take turns, so this is true for the locks of one case.
        RELEASES_LATE.store(mistake == Mistake::ReleasesLate, Ordering::Relaxed);
        let (queue, woken) = channel::<Arc<Task>>();
        let woken = Arc::new(Mutex::new(woken));
        for _ in 0..2 {
            let woken = woken.clone();
            thread::spawn(move || {
                loop {
                    let task = woken.lock().unwrap().recv();
                    match task {
                        Ok(task) if habit == Habit::OneThreadAPoll => {
                            thread::spawn(|| task.run()).join().unwrap();
                        }
                        Ok(task) => task.run(),
                        Err(_) => break,
                    }
                }
            });
        }
        Pool { habit, mistake, queue }
    }

    fn start(&self, job: Job) -> Arc<Task> {
        let again = AtomicUsize::new(0);
        let (job, end) = (Mutex::new(Some(job)), Mutex::default());
        let task = Arc::new(Task { habit: self.habit, job, end, queue: self.queue.clone(), again });
        if self.habit == Habit::StartsLate {
            let task = task.clone();
            thread::spawn(|| {
                thread::sleep(LATE);
                task.wake();
            });
        } else {
            task.clone().wake();
        }
        task
    }

    #[track_caller]
    fn meta(&self) -> SpawnMeta<'static> {
        match self.mistake {
            Mistake::PlaceIsTheAdapters => here(),
            _ => SpawnMeta::new(&POOL),
        }
    }
}

/// Without `#[track_caller]`, the place is in this file.
fn here() -> SpawnMeta<'static> {
    SpawnMeta::new(&POOL)
}

impl Wake for Task {
    fn wake(self: Arc<Task>) {
        if self.habit == Habit::PollsAgain {
            self.again.store(TIMES, Ordering::Relaxed);
        }
        // The executor may be gone.
        let _ = self.queue.clone().send(self);
    }
}

impl Task {
    fn run(self: Arc<Task>) {
        let waker = Waker::from(self.clone());
        let mut job = self.job.lock().unwrap();
        let Some(future) = job.as_mut() else { return };
        let poll = || future.as_mut().poll(&mut Context::from_waker(&waker));
        let outcome = match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => {
                drop(job);
                let left = self.again.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
                if left.is_ok() {
                    let _ = self.queue.clone().send(self);
                }
                return;
            }
            Ok(Poll::Ready(())) => Outcome::Returned,
            Err(_) => Outcome::Panicked,
        };
        let over = job.take();
        drop(job);
        let mut end = self.end.lock().unwrap();
        end.outcome.get_or_insert(outcome);
        let joiner = end.joiner.take();
        drop(end);
        joiner.into_iter().for_each(Waker::wake);
        self.drops(over);
    }

    fn drops(&self, job: Option<Job>) {
        if self.habit == Habit::DropsLate {
            thread::spawn(|| {
                thread::sleep(LATE);
                drop(job);
            });
        }
    }
}

/// The waker of a thread in `block_on`.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}

fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

impl Adapter for Pool {
    type Task = Handle;

    fn descriptor(&self) -> Descriptor {
        const FEWER: &[Capability] =
            &[Capability::Tasks, Capability::TaskTimes, Capability::Timers, Capability::Channels];
        match self.mistake {
            Mistake::CapabilityIsNotListed => Descriptor { capabilities: FEWER, ..POOL.descriptor() },
            Mistake::DescriptorHasAnotherVersion => Descriptor { version: "2.0", ..POOL.descriptor() },
            _ => POOL.descriptor(),
        }
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        if self.mistake == Mistake::RootIsForgotten {
            POOL.announce();
            return run(future);
        }
        let output = run(observe(future, SpawnMeta::new(&POOL).kind(Kind::BlockOn)));
        if self.mistake == Mistake::BlockOnNeverReturns {
            loop {
                thread::park();
            }
        }
        output
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) -> Handle {
        let meta = self.meta();
        if self.mistake == Mistake::SpawnIsReportedTwice {
            let twice: Observed<Observed<F>> = observe(observe(future, self.meta()), meta);
            let joining = Joining::new(twice.task_ref());
            return Handle::new(self, self.start(Box::pin(twice)), joining);
        }
        let (joining, job): (Joining, Job) = match self.habit {
            Habit::WakesWithoutNeed => {
                let observed = observe(WakesWithoutNeed { inner: Box::pin(future), left: TIMES }, meta);
                (Joining::new(observed.task_ref()), Box::pin(observed))
            }
            Habit::OwnWakers => {
                let woken = Arc::new(OwnWaker { woken: AtomicBool::new(true), outer: Mutex::new(None) });
                let observed = observe(OwnWakers { inner: Box::pin(future), woken }, meta);
                (Joining::new(observed.task_ref()), Box::pin(observed))
            }
            Habit::Boxed => {
                let boxed: Job = Box::pin(future);
                let observed = observe(boxed, meta);
                (Joining::new(observed.task_ref()), Box::pin(observed))
            }
            _ => {
                let observed = observe(future, meta);
                (Joining::new(observed.task_ref()), Box::pin(observed))
            }
        };
        if self.habit == Habit::HelperTasks {
            drop(self.start(Box::pin(observe(async {}, here()))));
            run(observe(async {}, here().kind(Kind::BlockOn)));
        }
        if self.habit == Habit::RemoteHandle {
            let remote = Arc::<Mutex<Remote>>::default();
            let task = self.start(Box::pin(RemoteTask { job: Some(job), remote: remote.clone() }));
            return Handle { remote: Some(remote), ..Handle::new(self, task, joining) };
        }
        Handle::new(self, self.start(job), joining)
    }

    fn resources<R: Resources>(&self, resources: &mut R) {
        if self.mistake != Mistake::ResourceIsNotShown {
            resources.lock::<crate::resources::Flag>();
        }
        resources.channel::<crate::resources::Bounded>();
        resources.timer::<crate::resources::Sleep>();
    }
}

pub struct Handle {
    mistake: Mistake,
    task: Arc<Task>,
    joining: Joining,
    remote: Option<Arc<Mutex<Remote>>>,
}

impl Handle {
    fn new(pool: &Pool, task: Arc<Task>, joining: Joining) -> Handle {
        Handle { mistake: pool.mistake, task, joining, remote: None }
    }
}

impl Future for Handle {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Handle>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Handle { mistake, task, joining, .. } = &mut *self;
        let outcome = joining.poll(&POOL, cx, |cx| {
            let mut end = task.end.lock().unwrap();
            end.joiner = Some(cx.waker().clone());
            end.outcome.clone().map_or(Poll::Pending, Poll::Ready)
        });
        outcome.map(|end| if *mistake == Mistake::OutcomeIsAlwaysReturned { Outcome::Returned } else { end })
    }
}

impl Spawned for Handle {
    fn cancel(self) {
        if self.mistake == Mistake::CancelDetaches {
            return;
        }
        if let Some(remote) = &self.remote {
            remote.lock().unwrap().cancelled = true;
            return wake(remote);
        }
        let job = self.task.job.lock().unwrap().take();
        self.task.drops(job);
    }

    fn detach(self) {
        if let Some(remote) = &self.remote {
            wake(remote);
        }
    }
}

/// The part of a task that its handle has.
#[derive(Default)]
struct Remote {
    cancelled: bool,
    waker: Option<Waker>,
}

fn wake(remote: &Mutex<Remote>) {
    let waker = remote.lock().unwrap().waker.take();
    waker.into_iter().for_each(Waker::wake);
}

struct RemoteTask {
    job: Option<Job>,
    remote: Arc<Mutex<Remote>>,
}

impl Future for RemoteTask {
    type Output = ();

    fn poll(mut self: Pin<&mut RemoteTask>, cx: &mut Context<'_>) -> Poll<()> {
        let mut remote = self.remote.lock().unwrap();
        remote.waker = Some(cx.waker().clone());
        let cancelled = remote.cancelled;
        drop(remote);
        if cancelled {
            self.job = None;
        }
        self.job.as_mut().map_or(Poll::Ready(()), |job| job.as_mut().poll(cx))
    }
}

struct WakesWithoutNeed {
    inner: Job,
    left: usize,
}

impl Future for WakesWithoutNeed {
    type Output = ();

    fn poll(mut self: Pin<&mut WakesWithoutNeed>, cx: &mut Context<'_>) -> Poll<()> {
        if self.left > 0 {
            self.left -= 1;
            let waker = cx.waker().clone();
            thread::spawn(|| waker.wake());
        }
        self.inner.as_mut().poll(cx)
    }
}

struct OwnWakers {
    inner: Job,
    woken: Arc<OwnWaker>,
}

struct OwnWaker {
    woken: AtomicBool,
    outer: Mutex<Option<Waker>>,
}

impl Wake for OwnWaker {
    fn wake(self: Arc<OwnWaker>) {
        self.woken.store(true, Ordering::SeqCst);
        let outer = self.outer.lock().unwrap().clone();
        outer.into_iter().for_each(Waker::wake);
    }
}

impl Future for OwnWakers {
    type Output = ();

    fn poll(mut self: Pin<&mut OwnWakers>, cx: &mut Context<'_>) -> Poll<()> {
        let OwnWakers { inner, woken } = &mut *self;
        *woken.outer.lock().unwrap() = Some(cx.waker().clone());
        if !woken.woken.swap(false, Ordering::SeqCst) {
            return Poll::Pending;
        }
        inner.as_mut().poll(&mut Context::from_waker(&Waker::from(woken.clone())))
    }
}
