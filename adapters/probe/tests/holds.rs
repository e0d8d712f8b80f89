//! Holders of a resource that several can hold, in futures that are polled by hand. Every message is checked.

use insight_model::{EdgeBody, Model};
use insight_probe::*;
use insight_protocol::{EdgeId, HoldMode, Message, ResourceId, ResourceKind, TaskId};
use insight_test_kit::{Bench, NEVER, bench_with};
use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, RwLock};
use std::task::{Context, Poll, Waker};

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

/// The length, the capacity, and each hold: its task, mode and units.
type Holding = (Option<u64>, Option<u64>, Vec<(u64, HoldMode, u64)>);

/// No resource ever has more units in use than its capacity.
fn no_units_beyond_capacity(model: &Model) {
    let mut units: BTreeMap<ResourceId, u64> = BTreeMap::new();
    for edge in model.edges.values() {
        if let EdgeBody::Hold { units: held, .. } = &edge.body {
            *units.entry(edge.resource).or_default() += held;
        }
    }
    for (resource, units) in units {
        let capacity = model.resources[&resource].capacity;
        assert!(capacity.is_none_or(|capacity| units <= capacity), "{units} of {capacity:?} of {resource}");
    }
}

/// The newest task.
fn newest(bench: &mut Bench) -> u64 {
    bench.sample().tasks.keys().next_back().expect("a task").0
}

/// The newest lock or semaphore.
fn held(bench: &mut Bench) -> Holding {
    let model = bench.sample();
    let kinds = [ResourceKind::Rwlock, ResourceKind::Semaphore];
    let resource = model.resources.values().rfind(|resource| kinds.contains(&resource.kind)).expect("one");
    let holds = model.edges_of_resource(resource.id).filter_map(|edge| match &edge.body {
        EdgeBody::Hold { mode, units, .. } => Some((edge.task.0, mode.clone(), *units)),
        _ => None,
    });
    let mut holds: Vec<_> = holds.collect();
    holds.sort_by_key(|(task, _, units)| (*task, *units));
    (resource.length, resource.capacity, holds)
}

fn bench() -> MutexGuard<'static, Bench> {
    let mut bench = bench_with(|| {
        std::mem::forget(hold(&EARLY, Mode::Permit, 1));
        EARLY.added(1);
        Bench::start(RecorderConfig::default(), NEVER)
    });
    bench.invariant = Some(no_units_beyond_capacity);
    bench
}

/// It has a holder since before recording began.
static EARLY: Holders = Holders::semaphore(HandOff::Fifo, Location::caller(), 2);

type Task<'a> = Pin<Box<Observed<Pin<Box<dyn Future<Output = ()> + 'a>>>>>;

#[track_caller]
fn task<'a>(future: impl Future<Output = ()> + 'a) -> Task<'a> {
    let future: Pin<Box<dyn Future<Output = ()> + 'a>> = Box::pin(future);
    Box::pin(Observed::new(future, &EXECUTOR, Kind::Task, Location::caller()))
}

fn poll(task: &mut Task<'_>) -> Poll<()> {
    task.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[track_caller]
fn hold(holders: &Holders, mode: Mode, units: usize) -> Held<'_> {
    holders.acquired(mode, units, Acquirer::NONE, &EXECUTOR, Location::caller())
}

/// A task that keeps the hold of `take` until it is dropped, and the task's ID.
fn keeps<'a>(bench: &mut Bench, take: impl FnOnce() -> Held<'a> + 'a) -> (u64, Task<'a>) {
    let mut task = task(async move {
        let _held = take();
        pending::<()>().await
    });
    assert!(poll(&mut task).is_pending());
    (newest(bench), task)
}

#[test]
fn readers_and_then_a_writer() {
    let bench = &mut *bench();
    static LOCK: Holders = Holders::rwlock(HandOff::Fifo, Location::caller());
    let (first, one) = keeps(bench, || hold(&LOCK, Mode::Shared, 1));
    let (second, two) = keeps(bench, || hold(&LOCK, Mode::Shared, 1));
    assert_eq!(held(bench), (Some(2), None, vec![(first, HoldMode::Shared, 1), (second, HoldMode::Shared, 1)]));
    drop(one);
    assert_eq!(held(bench), (Some(1), None, vec![(second, HoldMode::Shared, 1)]));
    drop(two);
    assert_eq!(held(bench), (Some(0), None, vec![]));

    let mut writer = task(async {
        let mut held = hold(&LOCK, Mode::Exclusive, 1);
        std::future::ready(()).await;
        yield_once().await;
        held.downgrade();
        yield_once().await;
    });
    assert!(poll(&mut writer).is_pending());
    let id = newest(bench);
    assert_eq!(held(bench), (Some(1), None, vec![(id, HoldMode::Exclusive, 1)]));
    assert!(poll(&mut writer).is_pending());
    let (third, _three) = keeps(bench, || hold(&LOCK, Mode::Shared, 1));
    assert_eq!(held(bench), (Some(2), None, vec![(id, HoldMode::Shared, 1), (third, HoldMode::Shared, 1)]));
    assert!(poll(&mut writer).is_ready());
    assert_eq!(held(bench), (Some(1), None, vec![(third, HoldMode::Shared, 1)]));
}

/// Pending once.
async fn yield_once() {
    let mut polled = false;
    std::future::poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await
}

#[test]
fn permits_are_split_merged_added_and_taken_away() {
    let bench = &mut *bench();
    let permits = Holders::semaphore(HandOff::Fifo, Location::caller(), 5);
    let (id, whole) = {
        let held = Mutex::new(None);
        let mut taker = task(async { *held.lock().unwrap() = Some(hold(&permits, Mode::Permit, 4)) });
        let id = newest(bench);
        assert!(poll(&mut taker).is_ready());
        drop(taker);
        (id, held.into_inner().unwrap().unwrap())
    };
    assert_eq!(held(bench), (Some(4), Some(5), vec![(id, HoldMode::Permit, 4)]), "also after the task's end");
    let mut whole = whole;
    let part = whole.split(1);
    permits.added(2);
    // The task has ended and has no more messages, but its units still count.
    assert_eq!(held(bench), (Some(4), Some(7), vec![]));
    whole.merge(part);
    drop(whole);
    permits.taken_away(6);
    assert_eq!(held(bench), (Some(0), Some(1), vec![]));

    permits.added(8);
    let mut splits = task(async {
        let mut whole = hold(&permits, Mode::Permit, 4);
        let mut part = whole.split(3);
        yield_once().await;
        let nothing = part.split(0);
        let all = part.split(3);
        part.merge(nothing);
        yield_once().await;
        part.merge(all);
        whole.merge(part);
        yield_once().await;
    });
    let id = newest(bench);
    for expect in [vec![1, 3], vec![1, 3], vec![4]] {
        assert!(poll(&mut splits).is_pending());
        let expect: Vec<_> = expect.into_iter().map(|units| (id, HoldMode::Permit, units)).collect();
        assert_eq!(held(bench), (Some(4), Some(9), expect));
    }
    assert!(poll(&mut splits).is_ready());
    assert_eq!(held(bench), (Some(0), Some(9), vec![]));
}

#[test]
fn many_holders() {
    let bench = &mut *bench();
    let count = if cfg!(miri) { 40 } else { 1_000 };
    let permits = Holders::semaphore(HandOff::Fifo, Location::caller(), count);
    let mut tasks = Vec::new();
    for _ in 0..count {
        let mut keeper = task(async {
            let _held = hold(&permits, Mode::Permit, 1);
            pending::<()>().await
        });
        assert!(poll(&mut keeper).is_pending());
        tasks.push(keeper);
    }
    let (length, _, holds) = held(bench);
    assert_eq!((length, holds.len()), (Some(count as u64), count));
    // Every second hold ends, in no particular order, and as many begin.
    for n in (0..count).step_by(2) {
        let index = (n * 7) % tasks.len();
        drop(tasks.swap_remove(index));
    }
    assert_eq!(held(bench).2.len(), count / 2);
    drop(tasks);
    assert_eq!(held(bench), (Some(0), Some(count as u64), vec![]));
}

#[test]
fn a_guard_that_is_elsewhere() {
    let bench = &mut *bench();
    let permits = Holders::semaphore(HandOff::Fifo, Location::caller(), 3);
    // Acquired outside of tasks, so the holder is unknown.
    let nobody = hold(&permits, Mode::Permit, 1);
    let (id, keeper) = keeps(bench, || hold(&permits, Mode::Permit, 1));
    assert_eq!(held(bench), (Some(2), Some(3), vec![(id, HoldMode::Permit, 1)]));
    // Dropped on a thread without tasks.
    std::thread::scope(|scope| {
        scope.spawn(|| drop(nobody));
    });
    assert_eq!(held(bench), (Some(1), Some(3), vec![(id, HoldMode::Permit, 1)]));
    // A task leaks the hold and ends, all between two samples. The hold stays for ever, and was this task's.
    let mut leaks = task(async { std::mem::forget(hold(&permits, Mode::Permit, 2)) });
    let leaker = newest(bench);
    assert!(poll(&mut leaks).is_ready());
    drop((leaks, keeper));
    assert_eq!(held(bench), (Some(2), Some(3), vec![(leaker, HoldMode::Permit, 2)]));
    assert!(bench.sample().tasks.get(&TaskId(leaker)).is_none_or(|task| task.outcome().is_some()));
    drop(permits);
    assert!(bench.sample().edges.is_empty(), "gone with the semaphore");
}

/// The holder of the newest mutex.
fn holder(bench: &mut Bench) -> Option<u64> {
    let model = bench.sample();
    let mutex = model.resources.values().rfind(|resource| resource.kind == ResourceKind::Mutex)?;
    model.edges_of_resource(mutex.id).find(|edge| matches!(edge.body, EdgeBody::Hold { .. })).map(|edge| edge.task.0)
}

#[test]
fn a_mutex_whose_guard_is_elsewhere() {
    let bench = &mut *bench();
    let lock = Lock::new(Type::Mutex(HandOff::Fifo), Location::caller());
    // A task leaks the hold and ends, all between two samples.
    let mut leaks = task(async {
        let _mark = lock.acquired(&EXECUTOR, Location::caller(), Acquirer::NONE);
    });
    let leaker = newest(bench);
    assert!(poll(&mut leaks).is_ready());
    drop(leaks);
    assert_eq!(holder(bench), Some(leaker));
    // Another task uses its guard, and then a thread without tasks.
    let mut uses = task(async { lock.used(&EXECUTOR) });
    let user = newest(bench);
    assert!(poll(&mut uses).is_ready());
    assert_eq!(holder(bench), Some(user));
    lock.used(&EXECUTOR);
    assert_eq!(holder(bench), None);
    lock.released();
}

/// The holds of the newest lock: the edge, the units, the time, and whether it is transferable.
fn holds(bench: &mut Bench) -> Vec<(EdgeId, u64, u64, bool)> {
    let model = bench.sample();
    let resource = model.resources.keys().next_back().expect("a lock");
    let hold = |edge: &insight_model::Edge| match edge.body {
        EdgeBody::Hold { units, transferable, .. } => Some((edge.id, units, edge.since_ns, transferable)),
        _ => None,
    };
    model.edges_of_resource(resource).filter_map(hold).collect()
}

/// r[edge.hold.transferable]
#[test]
fn hold_that_becomes_transferable_has_the_same_facts_and_ends_once() {
    let check = |bench: &mut Bench, release: &mut dyn FnMut()| {
        let [(before, units, since_ns, _)] = holds(bench)[..] else { panic!("one hold") };
        let word = bench.recorder.guard_word(before);
        let mut messages = Vec::new();
        bench.recorder.make_transferable(before, &mut messages);
        let types: Vec<&str> = messages.iter().map(Message::type_name).collect();
        assert_eq!(types, ["edge.closed", "edge.hold"]);
        bench.fold(messages);
        let [(edge, now, since, true)] = holds(bench)[..] else { panic!("one transferable hold") };
        assert!(edge != before && (now, since) == (units, since_ns));
        assert_eq!((bench.recorder.guard_word(edge), bench.recorder.guard_word(before)), (word, None));
        release();
        assert_eq!(holds(bench), []);
        // Its end was sent.
        let mut messages = Vec::new();
        bench.recorder.make_transferable(edge, &mut messages);
        assert_eq!(messages, []);
    };
    let bench = &mut *bench();
    let lock = Lock::new(Type::Mutex(HandOff::Fifo), Location::caller());
    let mut locks = task(async {
        let _mark = lock.acquired(&EXECUTOR, Location::caller(), Acquirer::NONE);
        pending::<()>().await
    });
    assert!(poll(&mut locks).is_pending());
    check(bench, &mut || lock.released());
    drop(locks);
    drop(lock);
    static LOCK: Holders = Holders::rwlock(HandOff::Fifo, Location::caller());
    let (_, reader) = keeps(bench, || hold(&LOCK, Mode::Shared, 1));
    let mut reader = Some(reader);
    check(bench, &mut || reader = None);
}

#[test]
fn what_was_held_before_recording_began_is_not_counted_as_free() {
    let bench = &mut *bench();
    let (id, keeper) = keeps(bench, || hold(&EARLY, Mode::Permit, 1));
    assert_eq!(held(bench), (None, Some(3), vec![(id, HoldMode::Permit, 1)]), "how many are taken is not known");
    drop(keeper);
    assert_eq!(held(bench), (None, Some(3), vec![]));
    // A task that gets all units proves that no other task has any.
    let (id, _keeper) = keeps(bench, || hold(&EARLY, Mode::Permit, 3));
    assert_eq!(held(bench), (Some(3), Some(3), vec![(id, HoldMode::Permit, 3)]));
}

#[test]
fn where_and_since_when() {
    let bench = &mut *bench();
    let lock = Holders::rwlock(HandOff::Fifo, Location::caller());
    let line = line!() + 2;
    let mut taker = task(async {
        let _held = hold(&lock, Mode::Exclusive, 1);
        pending::<()>().await
    });
    let before = bench.recorder.now_ns();
    assert!(poll(&mut taker).is_pending());
    let after = bench.recorder.now_ns();
    let model = bench.sample();
    let hold = model.edges.values().find(|edge| edge.body.kind() == "hold").unwrap();
    assert_eq!(hold.location.as_ref().unwrap().place.line, line);
    assert!((before..=after).contains(&hold.since_ns), "{before} {} {after}", hold.since_ns);
}

/// Real locks on several threads, while the recorder samples all the time. Its messages never contradict each other.
#[test]
fn holds_that_come_and_go() {
    let bench = &mut *bench();
    let rounds = if cfg!(miri) { 20 } else { 5_000 };
    let (lock, holders) = (RwLock::new(()), Holders::rwlock(HandOff::Fifo, Location::caller()));
    let (permits, semaphore) = (AtomicU64::new(4), Holders::semaphore(HandOff::Fifo, Location::caller(), 4));
    let running = AtomicU64::new(3);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (lock, holders, permits, semaphore, running) = (&lock, &holders, &permits, &semaphore, &running);
            scope.spawn(move || {
                let mut worker = task(async {
                    for n in 0..rounds {
                        if (n + thread) % 4 == 0 {
                            let real = lock.write().unwrap();
                            let mut held = hold(holders, Mode::Exclusive, 1);
                            if n % 8 < 4 {
                                held.downgrade();
                            }
                            drop(held);
                            drop(real);
                        } else {
                            let _real = lock.read().unwrap();
                            drop(hold(holders, Mode::Shared, 1));
                        }
                        let take = |free: u64| free.checked_sub(2);
                        if permits.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok() {
                            let mut held = hold(semaphore, Mode::Permit, 2);
                            let part = held.split(1);
                            held.merge(part);
                            drop(held);
                            permits.fetch_add(2, Ordering::AcqRel);
                        }
                    }
                });
                assert!(poll(&mut worker).is_ready());
                running.fetch_sub(1, Ordering::Relaxed);
            });
        }
        while running.load(Ordering::Relaxed) > 0 {
            bench.sample();
        }
    });
    drop((holders, semaphore));
    assert!(bench.sample().edges.is_empty());
}
