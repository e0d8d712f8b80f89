//! The holders and waiters of locks, and their lines.

use futures_lite::future::{block_on, pending, poll_once, yield_now};
use insight_probe::{Executor, Kind, Observed};
use insight_protocol::Tier;
use insight_sync::lock::*;
use insight_test_kit::{Bench, by_hand, line_with};
use std::cell::Cell;
use std::future::Future;
use std::panic::Location;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

fn at(text: &str) -> u32 {
    line_with(include_str!("seen.rs"), text)
}

/// A signal of the test to a task. The task makes progress when it is polled after the signal.
#[derive(Clone, Default)]
struct Step(Rc<Cell<bool>>);

impl Step {
    fn go_on(&self) {
        self.0.set(true);
    }

    /// Waits for the signal. Nothing wakes the task.
    async fn told(&self) {
        std::future::poll_fn(|_| if self.0.take() { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

const NOTHING: [String; 0] = [];

/// The task with `$guard` holds `$primitive` as `$mode` from this line on, until it drops the guard.
macro_rules! holds {
    ($mode:literal, $name:ident: $primitive:expr => $guard:expr) => {
        by_hand(|bench, tasks| {
            let (go_on, step, at) = (Step::default(), Step::default(), line!());
            let told = (go_on.clone(), step.clone());
            let $name = Arc::new($primitive);
            tasks.spawn(async move {
                let guard = $guard;
                told.0.told().await;
                drop(guard);
                told.1.told().await;
            });
            tasks.run();
            let edges = bench.edges();
            let expect = format!(" holds {} :{at}", $mode);
            assert!(matches!(&edges[..], [edge] if edge.ends_with(&expect)), "{expect}: {edges:?}");
            go_on.go_on();
            tasks.nudge();
            assert_eq!(bench.edges(), NOTHING, "{expect}");
            step.go_on();
        });
    };
}

/// A guard that is made of another guard.
macro_rules! made {
    ($guard:ident::$change:ident($from:expr)) => {{
        let from = $from;
        $guard::$change(from)
    }};
}

#[test]
fn each_guard_is_a_hold() {
    holds!("exclusive", mutex: Mutex::new(1) => mutex.lock().await);
    holds!("exclusive", mutex: Mutex::new(1) => mutex.try_lock().unwrap());
    holds!("exclusive", mutex: Mutex::new(1) => mutex.lock_blocking());
    holds!("exclusive", mutex: Mutex::new(1) => mutex.lock_arc().await);
    holds!("exclusive", mutex: Mutex::new(1) => mutex.try_lock_arc().unwrap());
    holds!("exclusive", mutex: Mutex::new(1) => mutex.lock_arc_blocking());

    holds!("shared", lock: RwLock::new(1) => lock.read().await);
    holds!("shared", lock: RwLock::new(1) => lock.try_read().unwrap());
    holds!("shared", lock: RwLock::new(1) => lock.read_blocking());
    holds!("shared", lock: RwLock::new(1) => lock.read_arc().await);
    holds!("shared", lock: RwLock::new(1) => lock.try_read_arc().unwrap());
    holds!("shared", lock: RwLock::new(1) => lock.read_arc_blocking());
    holds!("shared", lock: RwLock::new(1) => lock.upgradable_read().await);
    holds!("shared", lock: RwLock::new(1) => lock.try_upgradable_read().unwrap());
    holds!("shared", lock: RwLock::new(1) => lock.upgradable_read_blocking());
    holds!("shared", lock: RwLock::new(1) => lock.upgradable_read_arc().await);
    holds!("shared", lock: RwLock::new(1) => lock.try_upgradable_read_arc().unwrap());
    holds!("shared", lock: RwLock::new(1) => lock.upgradable_read_arc_blocking());
    holds!("exclusive", lock: RwLock::new(1) => lock.write().await);
    holds!("exclusive", lock: RwLock::new(1) => lock.try_write().unwrap());
    holds!("exclusive", lock: RwLock::new(1) => lock.write_blocking());
    holds!("exclusive", lock: RwLock::new(1) => lock.write_arc().await);
    holds!("exclusive", lock: RwLock::new(1) => lock.try_write_arc().unwrap());
    holds!("exclusive", lock: RwLock::new(1) => lock.write_arc_blocking());

    holds!("permit", permits: Semaphore::new(1) => permits.acquire().await);
    holds!("permit", permits: Semaphore::new(1) => permits.try_acquire().unwrap());
    holds!("permit", permits: Semaphore::new(1) => permits.acquire_blocking());
    holds!("permit", permits: Semaphore::new(1) => permits.acquire_arc().await);
    holds!("permit", permits: Semaphore::new(1) => permits.try_acquire_arc().unwrap());
    holds!("permit", permits: Semaphore::new(1) => permits.acquire_arc_blocking());
}

#[test]
fn a_guard_that_becomes_another() {
    type Read<'a> = RwLockUpgradableReadGuard<'a, u8>;
    type ReadArc = RwLockUpgradableReadGuardArc<u8>;
    type Write<'a> = RwLockWriteGuard<'a, u8>;
    type WriteArc = RwLockWriteGuardArc<u8>;
    holds!("exclusive", lock: RwLock::new(1) => made!(Read::upgrade(lock.upgradable_read().await)).await);
    holds!("exclusive", lock: RwLock::new(1) => made!(Read::try_upgrade(lock.upgradable_read().await)).unwrap());
    holds!("exclusive", lock: RwLock::new(1) => made!(Read::upgrade_blocking(lock.upgradable_read().await)));
    holds!("exclusive", lock: RwLock::new(1) => made!(ReadArc::upgrade(lock.upgradable_read_arc().await)).await);
    holds!("exclusive", lock: RwLock::new(1) => made!(ReadArc::try_upgrade(lock.upgradable_read_arc().await)).unwrap());
    holds!("exclusive", lock: RwLock::new(1) => made!(ReadArc::upgrade_blocking(lock.upgradable_read_arc().await)));
    holds!("shared", lock: RwLock::new(1) => made!(Read::downgrade(lock.upgradable_read().await)));
    holds!("shared", lock: RwLock::new(1) => made!(ReadArc::downgrade(lock.upgradable_read_arc().await)));
    holds!("shared", lock: RwLock::new(1) => made!(Write::downgrade(lock.write().await)));
    holds!("shared", lock: RwLock::new(1) => made!(WriteArc::downgrade(lock.write_arc().await)));
    holds!("shared", lock: RwLock::new(1) => made!(Write::downgrade_to_upgradable(lock.write().await)));
    holds!("shared", lock: RwLock::new(1) => made!(WriteArc::downgrade_to_upgradable(lock.write_arc().await)));
}

/// While the first task holds `$guard`, the second one waits to `$operation` at this line, and then makes progress.
macro_rules! waits {
    ($operation:literal, $name:ident: $primitive:expr, $guard:expr => $waits:expr) => {
        by_hand(|bench, tasks| {
            let (go_on, at) = (Step::default(), line!());
            let told = go_on.clone();
            let primitive = Arc::new($primitive);
            let $name = primitive.clone();
            tasks.spawn(async move {
                let guard = $guard;
                told.told().await;
                drop(guard);
            });
            let (done, $name) = (Rc::new(Cell::new(false)), primitive);
            let is_done = done.clone();
            tasks.spawn(async move {
                let _ = $waits;
                is_done.set(true);
            });
            tasks.run();
            let edges = bench.edges();
            let expect = format!(" waits {} :{at}", $operation);
            let waits: Vec<&String> = edges.iter().filter(|edge| edge.contains(" waits ")).collect();
            assert!(matches!(&waits[..], [edge] if edge.ends_with(&expect)), "{expect}: {edges:?}");
            assert!(!done.get());
            go_on.go_on();
            tasks.nudge();
            assert!(done.get(), "{expect}");
            assert_eq!(bench.edges(), NOTHING, "{expect}");
        });
    };
}

#[test]
fn each_operation_s_wait_has_its_line() {
    waits!("lock", mutex: Mutex::new(1), mutex.lock().await => mutex.lock().await);
    waits!("lock", mutex: Mutex::new(1), mutex.lock_arc().await => mutex.lock_arc().await);
    waits!("read", lock: RwLock::new(1), lock.write().await => lock.read().await);
    waits!("read", lock: RwLock::new(1), lock.write_arc().await => lock.read_arc().await);
    waits!("read", lock: RwLock::new(1), lock.upgradable_read().await => lock.upgradable_read().await);
    waits!("read", lock: RwLock::new(1), lock.write().await => lock.upgradable_read_arc().await);
    waits!("write", lock: RwLock::new(1), lock.read().await => lock.write().await);
    waits!("write", lock: RwLock::new(1), lock.upgradable_read_arc().await => lock.write_arc().await);
    waits!("acquire", permits: Semaphore::new(1), permits.acquire().await => permits.acquire().await);
    waits!("acquire", permits: Semaphore::new(1), permits.acquire_arc().await => permits.acquire_arc().await);
}

/// An upgrade waits for the other readers, which it does not block. New readers wait for the upgrade.
#[test]
fn an_upgrade_waits_for_the_other_readers() {
    async fn upgrades(lock: Arc<RwLock<u8>>, step: [Step; 2]) {
        let read = lock.upgradable_read().await;
        step[0].told().await;
        let mut write = RwLockUpgradableReadGuard::upgrade(read).await;
        *write += 1;
        step[1].told().await;
        drop(write);
    }
    async fn upgrades_owned(lock: Arc<RwLock<u8>>, step: [Step; 2]) {
        let read = lock.upgradable_read_arc().await;
        step[0].told().await;
        let mut write = RwLockUpgradableReadGuardArc::upgrade(read).await;
        *write += 1;
        step[1].told().await;
        drop(write);
    }
    async fn reads(lock: Arc<RwLock<u8>>, step: Step) {
        let _read = lock.read().await;
        step.told().await;
    }
    async fn reads_later(lock: Arc<RwLock<u8>>) {
        drop(lock.read().await);
    }
    let check = |owned: bool| {
        by_hand(|bench, tasks| {
            let lock = Arc::new(RwLock::new(1));
            let (step, leaves) = ([Step::default(), Step::default()], Step::default());
            let (name, read, write) = match owned {
                false => ("upgrades", at("= lock.upgradable_read()"), at("= RwLockUpgradableReadGuard::upgrade(")),
                true => ("upgrades_owned", at("= lock.upgradable_read_arc()"), at("ReadGuardArc::upgrade(")),
            };
            match owned {
                false => tasks.spawn(upgrades(lock.clone(), step.clone())),
                true => tasks.spawn(upgrades_owned(lock.clone(), step.clone())),
            }
            tasks.spawn(reads(lock.clone(), leaves.clone()));
            tasks.run();
            let other = format!("reads holds shared :{}", at("_read = lock.read()"));
            let hold = format!("{name} holds shared :{read}");
            let mut expect = [other.clone(), hold.clone()];
            expect.sort();
            assert_eq!(bench.edges(), expect);
            step[0].go_on();
            tasks.nudge();
            tasks.spawn(reads_later(lock.clone()));
            tasks.run();
            let later = format!("reads_later waits read :{}", at("drop(lock.read()"));
            let wait = format!("{name} waits write :{write}");
            let mut expect = [other, hold, later.clone(), wait];
            expect.sort();
            assert_eq!(bench.edges(), expect);
            leaves.go_on();
            tasks.nudge();
            let exclusive = format!("{name} holds exclusive :{write}");
            let mut expect = [later, exclusive];
            expect.sort();
            assert_eq!(bench.edges(), expect);
            step[1].go_on();
            tasks.nudge();
            assert_eq!(bench.edges(), NOTHING);
            assert_eq!(*lock.try_write().unwrap(), 2);
        });
    };
    check(false);
    check(true);
}

/// The task gives up the upgrade, which frees the lock and ends the hold.
#[test]
fn an_upgrade_that_is_given_up() {
    async fn gives_up(lock: Arc<RwLock<u8>>, other: Step) {
        let read = lock.upgradable_read().await;
        assert!(poll_once(RwLockUpgradableReadGuard::upgrade(read)).await.is_none());
        let read = lock.upgradable_read_arc().await;
        assert!(poll_once(RwLockUpgradableReadGuardArc::upgrade(read)).await.is_none());
        other.told().await;
    }
    by_hand(|bench, tasks| {
        let lock = Arc::new(RwLock::new(1));
        let theirs = lock.try_read().unwrap();
        tasks.spawn(gives_up(lock.clone(), Step::default()));
        tasks.run();
        assert_eq!(bench.edges(), NOTHING);
        drop(theirs);
        assert!(lock.try_write().is_some());
    });
}

#[test]
fn readers_are_counted_by_their_tasks() {
    async fn reads_twice(lock: Arc<RwLock<u8>>) {
        let (_first, _second) = (lock.read().await, lock.read_arc().await);
        pending::<()>().await;
    }
    async fn reads(lock: Arc<RwLock<u8>>) {
        let _read = lock.upgradable_read().await;
        pending::<()>().await;
    }
    by_hand(|bench, tasks| {
        let lock = Arc::new(RwLock::new(1));
        tasks.spawn(reads_twice(lock.clone()));
        tasks.spawn(reads(lock.clone()));
        tasks.run();
        let [both, one] = [at("_first, _second"), at("_read = lock.upgradable_read()")];
        let twice = format!("reads_twice holds shared :{both}");
        assert_eq!(bench.edges(), [format!("reads holds shared :{one}"), twice.clone(), twice]);
        let lengths: Vec<Option<u64>> = bench.sample().resources.values().map(|resource| resource.length).collect();
        assert_eq!(lengths, [Some(3)]);
    });
}

#[test]
fn two_tasks_that_lock_two_mutexes_in_two_orders() {
    async fn first(a: Arc<Mutex<u8>>, b: Arc<Mutex<u8>>, step: Step) {
        let _a = a.lock().await;
        step.told().await;
        *b.lock().await += 1;
    }
    async fn second(a: Arc<Mutex<u8>>, b: Arc<Mutex<u8>>) {
        let _b = b.lock().await;
        *a.lock().await += 1;
    }
    by_hand(|bench, tasks| {
        let (a, b, step) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(1)), Step::default());
        tasks.spawn(first(a.clone(), b.clone(), step.clone()));
        tasks.spawn(second(a.clone(), b.clone()));
        tasks.run();
        assert_eq!(bench.problems(), []);
        step.go_on();
        tasks.nudge();
        let names = vec!["first".to_owned(), "second".to_owned()];
        let mut problems = bench.problems();
        problems.iter_mut().for_each(|(_, _, lines)| lines.sort());
        assert_eq!(problems, [(Tier::Proven, names, vec![at("*b.lock().await"), at("*a.lock().await")])]);
    });
}

/// A guard with a reference of its own may move. It belongs to the task that uses it.
#[test]
fn a_guard_that_moves_to_another_task() {
    async fn takes<G>(guard: impl Future<Output = G>, give: Rc<Cell<Option<G>>>) {
        give.set(Some(guard.await));
        pending::<()>().await;
    }
    async fn uses<G: std::ops::Deref<Target = u8>>(take: Rc<Cell<Option<G>>>) {
        let guard = take.take().expect("was given");
        assert_eq!(*guard, 1);
        pending::<()>().await;
    }
    macro_rules! moves {
        ($mode:literal, $name:ident: $primitive:expr => $guard:expr) => {
            by_hand(|bench, tasks| {
                let ($name, at) = (Arc::new($primitive), line!());
                let give = Rc::new(Cell::new(None));
                tasks.spawn(takes(async move { $guard }, give.clone()));
                tasks.run();
                assert_eq!(bench.edges(), [format!("takes holds {} :{at}", $mode)]);
                tasks.spawn(uses(give));
                tasks.run();
                assert_eq!(bench.edges(), [format!("uses holds {} :{at}", $mode)]);
            });
        };
    }
    moves!("exclusive", mutex: Mutex::new(1) => mutex.lock_arc().await);
    moves!("shared", lock: RwLock::new(1) => lock.read_arc().await);
    moves!("shared", lock: RwLock::new(1) => lock.upgradable_read_arc().await);
    moves!("exclusive", lock: RwLock::new(1) => lock.write_arc().await);
}

#[test]
fn a_value_that_is_being_made() {
    async fn makes(cell: Arc<OnceCell<u8>>, step: Step) {
        let made = cell.get_or_try_init(async || {
            step.told().await;
            Err::<u8, &str>("not this time")
        });
        assert_eq!(made.await, Err("not this time"));
        pending::<()>().await;
    }
    async fn makes_next(cell: Arc<OnceCell<u8>>, step: Step) {
        let value = cell.get_or_init(async || {
            step.told().await;
            7
        });
        assert_eq!(*value.await, 7);
    }
    async fn sets(cell: Arc<OnceCell<u8>>) {
        assert_eq!(cell.set(8).await, Err(8));
    }
    async fn waits(cell: Arc<OnceCell<u8>>) {
        assert_eq!(*cell.wait().await, 7);
    }
    by_hand(|bench, tasks| {
        let (cell, step) = (Arc::new(OnceCell::new()), [Step::default(), Step::default()]);
        tasks.spawn(makes(cell.clone(), step[0].clone()));
        tasks.spawn(makes_next(cell.clone(), step[1].clone()));
        tasks.spawn(sets(cell.clone()));
        tasks.spawn(waits(cell.clone()));
        tasks.run();
        let lines = [at("= cell.get_or_try_init("), at("= cell.get_or_init("), at("cell.set(8)"), at("*cell.wait()")];
        let rest = [format!("sets waits init :{}", lines[2]), format!("waits waits wait :{}", lines[3])];
        let [sets, waits] = &rest;
        let first = [format!("makes holds exclusive :{}", lines[0]), format!("makes_next waits init :{}", lines[1])];
        assert_eq!(bench.edges(), [&*first[0], &*first[1], &**sets, &**waits]);
        step[0].go_on();
        tasks.nudge();
        assert_eq!(bench.edges(), [&*format!("makes_next holds exclusive :{}", lines[1]), &**sets, &**waits]);
        step[1].go_on();
        tasks.nudge();
        assert_eq!(bench.edges(), NOTHING);
    });
}

#[test]
fn how_many_have_come_to_a_barrier() {
    async fn comes(barrier: Arc<Barrier>) {
        barrier.wait().await;
        pending::<()>().await;
    }
    by_hand(|bench, tasks| {
        let barrier = Arc::new(Barrier::new(3));
        for came in 1..=3 {
            tasks.spawn(comes(barrier.clone()));
            tasks.run();
            let wait = format!("comes waits wait :{}", at("barrier.wait().await;"));
            assert_eq!(bench.edges(), vec![wait; came as usize % 3]);
            let model = bench.sample();
            let seen: Vec<_> = model.resources.values().map(|seen| (seen.length, seen.capacity)).collect();
            assert_eq!(seen, [(Some(came % 3), Some(3))]);
        }
    });
}

#[test]
fn permits_that_come_and_go() {
    async fn takes(permits: Arc<Semaphore>, step: Step) {
        let (one, _other) = (permits.acquire().await, permits.acquire_arc().await);
        step.told().await;
        one.forget();
        step.told().await;
    }
    by_hand(|bench, tasks| {
        let (permits, step) = (Arc::new(Semaphore::new(1)), Step::default());
        tasks.spawn(takes(permits.clone(), step.clone()));
        tasks.run();
        assert_eq!(bench.edges().len(), 2);
        let seen = |bench: &mut Bench| {
            let mut seen = bench.sample().resources.values().map(|seen| (seen.length, seen.capacity));
            seen.next().unwrap()
        };
        assert_eq!(seen(bench), (Some(1), Some(1)));
        permits.add_permits(2);
        tasks.run();
        assert_eq!((seen(bench), permits.available_permits()), ((Some(2), Some(3)), 1));
        step.go_on();
        tasks.nudge();
        assert_eq!((seen(bench), permits.available_permits()), ((Some(1), Some(2)), 1));
        step.go_on();
        tasks.nudge();
        assert_eq!((seen(bench), permits.available_permits()), ((Some(0), Some(2)), 2));
    });
}

/// An unobserved task that an observed one polls. Its executor reports that it is another task.
#[test]
fn a_task_that_is_not_observed_within_one_that_is() {
    thread_local! {
        static RUNNING: Cell<Option<u64>> = const { Cell::new(None) };
    }
    static NUMBERS: Executor = Executor::new("numbers", "1.0", || RUNNING.get());
    async fn polls_another(mine: Arc<Mutex<u8>>, theirs: Arc<Mutex<u8>>) {
        let _mine = mine.lock().await;
        let outer = RUNNING.replace(Some(6));
        let _theirs = theirs.try_lock().unwrap();
        let mut waits = pin!(mine.lock());
        // With a waker of its own, like an executor's task.
        assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        RUNNING.set(outer);
        pending::<()>().await;
    }
    by_hand(|bench, _| {
        let body = polls_another(Arc::new(Mutex::new(1)), Arc::new(Mutex::new(1)));
        let mut task = pin!(Observed::new(body, &NUMBERS, Kind::Task, Location::caller()));
        RUNNING.set(Some(5));
        assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        RUNNING.set(None);
        assert_eq!(bench.edges(), [format!("polls_another holds exclusive :{}", at("_mine = mine.lock()"))]);
    });
}

/// A thread that blocks in a task.
#[test]
fn blocking_operations_wait_too() {
    macro_rules! blocks {
        ($operation:literal, $name:ident: $primitive:expr, $guard:expr => $blocks:expr) => {
            by_hand(|bench, _| {
                let (primitive, at) = (Arc::new($primitive), line!());
                let $name = primitive.clone();
                let guard = $guard;
                let $name = primitive.clone();
                let thread = std::thread::spawn(move || {
                    let body = async move { drop($blocks) };
                    block_on(Observed::new(body, &EXECUTOR, Kind::Task, Location::caller()));
                });
                let expect = format!(" waits {} :{at}", $operation);
                bench.until_edges(|edges| matches!(edges, [edge] if edge.ends_with(&expect)));
                drop(guard);
                thread.join().unwrap();
                assert_eq!(bench.edges(), NOTHING);
            });
        };
    }
    static EXECUTOR: Executor = Executor::new("threads", "1.0", || None);
    type Upgradable<'a> = RwLockUpgradableReadGuard<'a, u8>;
    type UpgradableArc = RwLockUpgradableReadGuardArc<u8>;
    blocks!("lock", mutex: Mutex::new(1), mutex.try_lock() => mutex.lock_blocking());
    blocks!("lock", mutex: Mutex::new(1), mutex.try_lock() => mutex.lock_arc_blocking());
    blocks!("read", lock: RwLock::new(1), lock.try_write() => lock.read_blocking());
    blocks!("read", lock: RwLock::new(1), lock.try_write() => lock.read_arc_blocking());
    blocks!("read", lock: RwLock::new(1), lock.try_write() => lock.upgradable_read_blocking());
    blocks!("read", lock: RwLock::new(1), lock.try_write() => lock.upgradable_read_arc_blocking());
    blocks!("write", lock: RwLock::new(1), lock.try_read() => lock.write_blocking());
    blocks!("write", lock: RwLock::new(1), lock.try_read() => lock.write_arc_blocking());
    blocks!("acquire", permits: Semaphore::new(1), permits.try_acquire() => permits.acquire_blocking());
    blocks!("acquire", permits: Semaphore::new(1), permits.try_acquire() => permits.acquire_arc_blocking());
    by_hand(|bench, _| {
        for owned in [false, true] {
            let lock = Arc::new(RwLock::new(1));
            let (guard, its) = (lock.try_read(), lock.clone());
            let thread = std::thread::spawn(move || {
                let body = async move {
                    match owned {
                        false => drop(Upgradable::upgrade_blocking(its.try_upgradable_read().unwrap())),
                        true => drop(UpgradableArc::upgrade_blocking(its.try_upgradable_read_arc().unwrap())),
                    }
                };
                block_on(Observed::new(body, &EXECUTOR, Kind::Task, Location::caller()));
            });
            let line = at(if owned { "UpgradableArc::upgrade_blocking(" } else { "Upgradable::upgrade_blocking(" });
            let (hold, wait) = (format!(" holds shared :{line}"), format!(" waits write :{line}"));
            bench.until_edges(
                |edges| matches!(edges, [first, second] if first.ends_with(&hold) && second.ends_with(&wait)),
            );
            drop(guard);
            thread.join().unwrap();
        }
        let (cell, barrier) = (Arc::new(OnceCell::<u8>::new()), Arc::new(Barrier::new(2)));
        let mut makes = Box::pin(cell.get_or_init(pending));
        assert!(block_on(poll_once(makes.as_mut())).is_none());
        let (its_cell, its_barrier) = (cell.clone(), barrier.clone());
        let thread = std::thread::spawn(move || {
            let body = async move {
                its_barrier.wait_blocking();
                assert_eq!(its_cell.wait_blocking(), &1);
                its_barrier.wait_blocking();
            };
            block_on(Observed::new(body, &EXECUTOR, Kind::Task, Location::caller()));
        });
        let its_cell = cell.clone();
        let makes_next = std::thread::spawn(move || {
            let body = async move { assert_eq!(its_cell.get_or_init_blocking(|| 1), &1) };
            block_on(Observed::new(body, &EXECUTOR, Kind::Task, Location::caller()));
        });
        let has = |edges: &[String], operation: &str, text: &str| {
            let edge = format!(" waits {operation} :{}", at(text));
            edges.iter().any(|found| found.ends_with(&edge))
        };
        bench.until_edges(|edges| has(edges, "init", "its_cell.get_or_init_blocking("));
        bench.until_edges(|edges| has(edges, "wait", "its_barrier.wait_blocking();"));
        barrier.wait_blocking();
        bench.until_edges(|edges| has(edges, "wait", "its_cell.wait_blocking(),"));
        // The task with the turn gives up.
        drop(makes);
        makes_next.join().unwrap();
        barrier.wait_blocking();
        thread.join().unwrap();
    });
}

/// Many tasks do everything at once on several threads, while the recorder samples all the time.
#[test]
fn a_stream_of_many_holders_breaks_no_rule() {
    static EXECUTOR: Executor = Executor::new("threads", "1.0", || None);
    struct All {
        mutex: Arc<Mutex<u64>>,
        lock: Arc<RwLock<u64>>,
        permits: Arc<Semaphore>,
        barrier: Barrier,
        cells: Vec<OnceCell<usize>>,
        made: AtomicUsize,
    }
    async fn works(n: usize, all: Arc<All>) {
        for round in 0..ROUNDS {
            let permit = all.permits.acquire().await;
            match (n * 7 + round) % 9 {
                0 => *all.mutex.lock().await += 1,
                1 => *all.mutex.lock_arc().await += 1,
                2 => *all.lock.write().await += 1,
                3 => {
                    let read = all.lock.upgradable_read().await;
                    yield_now().await;
                    let mut write = RwLockUpgradableReadGuard::upgrade(read).await;
                    *write += 1;
                    drop(RwLockWriteGuard::downgrade(write));
                }
                4 => {
                    let read = all.lock.upgradable_read_arc().await;
                    let upgrade = RwLockUpgradableReadGuardArc::upgrade(read);
                    // Sometimes the task gives up.
                    if let Some(mut write) = poll_once(upgrade).await {
                        *write += 1;
                        drop(RwLockWriteGuardArc::downgrade(write));
                    }
                }
                5 => drop(poll_once(all.lock.write_arc()).await),
                6 => all.permits.acquire_arc().await.forget(),
                7 => *all.mutex.lock_blocking() += 1,
                _ => {
                    let _read = all.lock.read().await;
                    yield_now().await;
                }
            }
            if (n * 7 + round) % 9 == 6 {
                all.permits.add_permits(1);
            }
            drop(permit);
            let cell = &all.cells[round];
            let value = match (n + round) % 5 {
                0 => *cell.get_or_init_blocking(|| all.makes(n)),
                1 => match cell.set(n).await {
                    Ok(value) => *value,
                    Err(_) => *cell.get().unwrap(),
                },
                // The task fails or gives up, and the next one has the turn.
                2 => {
                    let _ = cell.get_or_try_init(async || Err::<usize, ()>(())).await;
                    let _ = poll_once(cell.get_or_init(pending)).await;
                    *cell.get_or_init(async || all.makes(n)).await
                }
                3 => {
                    let made = cell.get_or_init(async || {
                        yield_now().await;
                        all.makes(n)
                    });
                    *made.await
                }
                _ => *cell.wait().await,
            };
            assert_eq!(Some(&value), cell.get());
            all.barrier.wait().await;
        }
    }
    impl All {
        fn makes(&self, n: usize) -> usize {
            self.made.fetch_add(1, Ordering::Relaxed);
            n
        }
    }
    const ROUNDS: usize = 40;
    by_hand(|bench, _| {
        let all = Arc::new(All {
            mutex: Arc::new(Mutex::new(0)),
            lock: Arc::new(RwLock::new(0)),
            permits: Arc::new(Semaphore::new(5)),
            barrier: Barrier::new(5),
            cells: (0..ROUNDS).map(|_| OnceCell::new()).collect(),
            made: AtomicUsize::new(0),
        });
        let tasks: Vec<_> = (0..5)
            .map(|n| {
                let works = Observed::new(works(n, all.clone()), &EXECUTOR, Kind::Task, Location::caller());
                std::thread::spawn(|| block_on(works))
            })
            .collect();
        while !tasks.iter().all(|task| task.is_finished()) {
            let problems = bench.sample().problems().problems;
            assert!(problems.is_empty(), "nothing here is stuck: {problems:?}");
        }
        tasks.into_iter().for_each(|task| task.join().unwrap());
        assert!(all.cells.iter().all(OnceCell::is_initialized));
        assert!(all.made.load(Ordering::Relaxed) <= ROUNDS, "no value is made twice");
        assert_eq!(all.permits.available_permits(), 5);
    });
}

/// A guard that no task's poll acquired has an unknown holder.
#[test]
fn outside_of_tasks() {
    by_hand(|bench, _| {
        let (mutex, lock) = (Arc::new(Mutex::new(1)), RwLock::new(1));
        let _guards = (mutex.try_lock_arc(), lock.try_write());
        assert_eq!(bench.edges(), NOTHING);
    });
}
