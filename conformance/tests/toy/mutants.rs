//! Adapters with one mistake each, and the cases that they fail.

use crate::executor::Toy;
use insight_conformance::adapter::Suite;
use insight_probe::adapter::{Adapter, Descriptor, Lock, Resources, Spawned};
use insight_probe::{
    Acquirer, Capability, Executor, HandOff, Joining, Kind, Observed, Op, Outcome, ResourceKind, Site, SpawnMeta,
    TaskRef, Type, observe, waiting,
};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A mistake of an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    SpawnIsForgotten,
    SpawnIsReportedTwice,
    RootIsForgotten,
    EveryTaskIsLocal,
    JoinIsForgotten,
    PlaceIsTheAdapters,
    CancelDetaches,
    MutexIsNotDeclared,
    /// The hold ends after the lock is free.
    ReleaseIsLate,
    /// The wait for the lock is not reported.
    WaitIsForgotten,
}

static MUTANT: Executor = Executor::new("mutant", "1.0", || None).observing(&[
    Capability::Tasks,
    Capability::TaskTimes,
    Capability::ForeignWakers,
    Capability::Joins,
    Capability::Mutexes,
]);

struct Mutant<const WRONG: u8>(Toy);

struct Task<const WRONG: u8>(crate::executor::JoinHandle, Joining);

const ALL: [Wrong; 11] = [
    Wrong::Nothing,
    Wrong::SpawnIsForgotten,
    Wrong::SpawnIsReportedTwice,
    Wrong::RootIsForgotten,
    Wrong::EveryTaskIsLocal,
    Wrong::JoinIsForgotten,
    Wrong::PlaceIsTheAdapters,
    Wrong::CancelDetaches,
    Wrong::MutexIsNotDeclared,
    Wrong::ReleaseIsLate,
    Wrong::WaitIsForgotten,
];

const fn wrong(number: u8) -> Wrong {
    ALL[number as usize]
}

impl<const WRONG: u8> Mutant<WRONG> {
    #[track_caller]
    fn meta() -> SpawnMeta<'static> {
        let meta = SpawnMeta::new(&MUTANT);
        match wrong(WRONG) {
            Wrong::PlaceIsTheAdapters => meta.location(here()),
            Wrong::EveryTaskIsLocal => meta.kind(Kind::Local),
            _ => meta,
        }
    }
}

fn here() -> &'static Location<'static> {
    Location::caller()
}

impl<const WRONG: u8> Adapter for Mutant<WRONG> {
    type Task = Task<WRONG>;

    fn descriptor(&self) -> Descriptor {
        MUTANT.descriptor()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        if wrong(WRONG) == Wrong::RootIsForgotten {
            MUTANT.announce();
            return self.0.block_on(future);
        }
        self.0.block_on(observe(future, SpawnMeta::new(&MUTANT).kind(Kind::BlockOn)))
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) -> Task<WRONG> {
        match wrong(WRONG) {
            Wrong::SpawnIsForgotten => Task(self.0.spawn(future), Joining::new(TaskRef::unseen())),
            Wrong::SpawnIsReportedTwice => {
                let twice: Observed<Observed<F>> = observe(observe(future, Self::meta()), Self::meta());
                let task = twice.task_ref();
                Task(self.0.spawn(twice), Joining::new(task))
            }
            _ => {
                let future = observe(future, Self::meta());
                let task = future.task_ref();
                Task(self.0.spawn(future), Joining::new(task))
            }
        }
    }

    fn resources<R: Resources>(&self, resources: &mut R) {
        if wrong(WRONG) != Wrong::MutexIsNotDeclared {
            resources.lock::<Flag<WRONG>>();
        }
    }
}

impl<const WRONG: u8> Future for Task<WRONG> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Task(handle, joining) = &mut *self;
        let end = match wrong(WRONG) {
            Wrong::JoinIsForgotten => Pin::new(handle).poll(cx),
            _ => joining.poll(&MUTANT, cx, |cx| Pin::new(handle).poll(cx)),
        };
        end.map(|end| if end.is_ok() { Outcome::Returned } else { Outcome::Panicked })
    }
}

impl<const WRONG: u8> Spawned for Task<WRONG> {
    fn cancel(self) {
        if wrong(WRONG) != Wrong::CancelDetaches {
            self.0.cancel();
        }
    }

    fn detach(self) {}
}

/// A mutex around nothing: whether it is taken, and the wakers of the waiting tasks.
struct Flag<const WRONG: u8> {
    lock: insight_probe::Lock,
    state: Mutex<(bool, VecDeque<Waker>)>,
}

struct FlagGuard<'a, const WRONG: u8>(&'a Flag<WRONG>);

impl<const WRONG: u8> Flag<WRONG> {
    fn free(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 = false;
        let next = state.1.pop_front();
        drop(state);
        next.into_iter().for_each(Waker::wake);
    }
}

impl<const WRONG: u8> Lock for Flag<WRONG> {
    const KIND: ResourceKind = ResourceKind::Mutex;

    type Guard<'a> = FlagGuard<'a, WRONG>;

    fn new() -> Flag<WRONG> {
        let lock = insight_probe::Lock::new(Type::Mutex(HandOff::Fifo), Location::caller());
        Flag { lock, state: Mutex::default() }
    }

    fn acquire(&self) -> impl Future<Output = FlagGuard<'_, WRONG>> + Send {
        let at = Location::caller();
        let site = Site { executor: &MUTANT, op: Op::Lock, need: 1, location: Some(at) };
        let take = poll_fn(move |cx| {
            let mut state = self.state.lock().unwrap();
            if std::mem::replace(&mut state.0, true) {
                state.1.push_back(cx.waker().clone());
                return Poll::Pending;
            }
            // The closure has `at`, and is a part of the operation.
            self.lock.acquired(&MUTANT, at, Acquirer::operation(&at));
            Poll::Ready(FlagGuard(self))
        });
        async move {
            match wrong(WRONG) {
                Wrong::WaitIsForgotten => take.await,
                _ => waiting(&self.lock, site, take).await,
            }
        }
    }
}

impl<const WRONG: u8> Drop for FlagGuard<'_, WRONG> {
    fn drop(&mut self) {
        if wrong(WRONG) == Wrong::ReleaseIsLate {
            self.0.free();
        }
        self.0.lock.released();
        if wrong(WRONG) != Wrong::ReleaseIsLate {
            self.0.free();
        }
    }
}

/// Checks that the mutant fails these cases. On a busy machine it may fail others too: its suite waits only one second,
/// since a missing fact takes the whole time.
fn check<const WRONG: u8>(expect_wrong: Wrong, expect: &[&str]) {
    assert_eq!(wrong(WRONG), expect_wrong);
    let report = Suite::new(|| Mutant::<WRONG>(Toy::new())).patience(Duration::from_secs(1)).run();
    let failed: Vec<&str> = report.failures.iter().map(|failure| &*failure.case).collect();
    assert!(expect.iter().all(|case| failed.contains(case)), "{expect_wrong:?} passes one of {expect:?}: {failed:?}");
}

#[test]
fn correct_adapter_passes() {
    assert_eq!(wrong(0), Wrong::Nothing);
    Suite::new(|| Mutant::<0>(Toy::new())).assert();
}

#[test]
fn adapter_that_does_not_observe_fails() {
    let all = [
        "task spawned",
        "task ends",
        "task states",
        "task wakes",
        "task foreign wakers",
        "join",
        "mutex held",
        "mutex released",
        "mutex AB/BA",
    ];
    check::<1>(Wrong::SpawnIsForgotten, &all);
    check::<3>(Wrong::RootIsForgotten, &["task spawned"]);
}

#[test]
fn adapter_that_reports_tasks_wrongly_fails() {
    check::<2>(Wrong::SpawnIsReportedTwice, &["task spawned", "join"]);
    check::<4>(Wrong::EveryTaskIsLocal, &["task spawned"]);
    check::<6>(Wrong::PlaceIsTheAdapters, &["task spawned", "join"]);
    check::<7>(Wrong::CancelDetaches, &["task ends"]);
}

#[test]
fn adapter_with_a_wrong_descriptor_fails() {
    check::<5>(Wrong::JoinIsForgotten, &["join"]);
    check::<8>(Wrong::MutexIsNotDeclared, &["descriptor"]);
}

#[test]
fn adapter_that_reports_locks_wrongly_fails() {
    check::<9>(Wrong::ReleaseIsLate, &["mutex released"]);
    check::<10>(Wrong::WaitIsForgotten, &["mutex held", "mutex released", "mutex AB/BA"]);
}
