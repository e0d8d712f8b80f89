//! A hold ends before its lock is free: a task that the release wakes no longer observes the hold.

use futures_lite::future::{block_on, poll_once};
use insight_probe::{Executor, Kind, Observed};
use insight_sync::lock::*;
use insight_test_kit::by_hand;
use std::future::Future;
use std::panic::Location;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex as StdMutex};
use std::task::{Context, Wake, Waker};

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

/// Asks the test to sample, and waits until it has.
struct Look {
    ask: Sender<bool>,
    looked: StdMutex<Receiver<()>>,
}

impl Look {
    fn look(&self, held: bool) {
        self.ask.send(held).unwrap();
        self.looked.lock().unwrap().recv().unwrap();
    }
}

/// The real lock wakes a waiter when it is free.
impl Wake for Look {
    fn wake(self: Arc<Self>) {
        self.look(false);
    }
}

/// The body of the test's task, which has a thread of its own.
type Body = fn(Arc<Look>);

/// Polls `waits` once, with a waker that asks the test to sample.
fn poll_with(look: &Arc<Look>, waits: impl Future) -> impl Sized {
    let mut waits = Box::pin(waits);
    let waker = Waker::from(look.clone());
    assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    waits
}

fn check(name: &str, body: Body) {
    by_hand(|bench, _| {
        let (ask, asked) = channel();
        let (answer, looked) = channel();
        let look = Arc::new(Look { ask, looked: StdMutex::new(looked) });
        let thread = std::thread::spawn(move || {
            block_on(Observed::new(async move { body(look) }, &EXECUTOR, Kind::Task, Location::caller()));
        });
        let mut woken = 0;
        for held in asked {
            let holds = bench.edges().iter().filter(|edge| edge.contains(" holds ")).count();
            assert_eq!(holds, usize::from(held), "{name}");
            woken += usize::from(!held);
            answer.send(()).unwrap();
        }
        thread.join().unwrap();
        assert!(woken > 0, "{name} woke nobody");
    });
}

/// `$guard` is held until `$ends`, by which `$waits` is woken.
macro_rules! releases {
    ($($test:ident, $name:ident: $primitive:expr, $guard:expr => $waits:expr;)+) => {$(
        #[test]
        fn $test() {
            check(stringify!($test), |look| {
                let $name = Arc::new($primitive);
                let guard = $guard;
                look.look(true);
                let waiter = poll_with(&look, $waits);
                drop(guard);
                drop(waiter);
            });
        }
    )+};
}

releases! {
    a_mutex_guard, mutex: Mutex::new(1), mutex.try_lock().unwrap() => mutex.lock();
    a_mutex_guard_arc, mutex: Mutex::new(1), mutex.try_lock_arc().unwrap() => mutex.lock_arc();
    a_read_guard, lock: RwLock::new(1), lock.try_read().unwrap() => lock.write();
    a_read_guard_arc, lock: RwLock::new(1), lock.try_read_arc().unwrap() => lock.write_arc();
    an_upgradable_guard, lock: RwLock::new(1), lock.try_upgradable_read().unwrap() => lock.upgradable_read();
    an_upgradable_guard_arc, lock: RwLock::new(1), lock.try_upgradable_read_arc().unwrap() => lock.write();
    a_write_guard, lock: RwLock::new(1), lock.try_write().unwrap() => lock.read();
    a_write_guard_arc, lock: RwLock::new(1), lock.try_write_arc().unwrap() => lock.read_arc();
    a_permit, permits: Semaphore::new(1), permits.try_acquire().unwrap() => permits.acquire();
    a_permit_arc, permits: Semaphore::new(1), permits.try_acquire_arc().unwrap() => permits.acquire_arc();
}

/// The turn to make a value ends with the future that makes it.
#[test]
fn a_turn() {
    check("a_turn", |look| {
        let cell = OnceCell::new();
        let mut makes = Box::pin(cell.get_or_init(std::future::pending::<u8>));
        assert!(block_on(poll_once(makes.as_mut())).is_none());
        look.look(true);
        let waiter = poll_with(&look, cell.get_or_init(async || 1));
        drop(makes);
        drop(waiter);
    });
}

/// The task gives up an upgrade, which frees the lock.
#[test]
fn an_upgrade() {
    fn given_up(look: &Arc<Look>, lock: &RwLock<u8>, upgrade: impl Future, others: impl Sized) {
        let mut upgrade = Box::pin(upgrade);
        assert!(block_on(poll_once(upgrade.as_mut())).is_none());
        drop(others);
        look.look(true);
        let waiter = poll_with(look, lock.read());
        drop(upgrade);
        drop(waiter);
    }
    check("an_upgrade", |look| {
        let lock = RwLock::new(1);
        let others = lock.try_read().unwrap();
        given_up(&look, &lock, RwLockUpgradableReadGuard::upgrade(lock.try_upgradable_read().unwrap()), others);
        let lock = Arc::new(RwLock::new(1));
        let others = lock.try_read_arc().unwrap();
        given_up(&look, &lock, RwLockUpgradableReadGuardArc::upgrade(lock.try_upgradable_read_arc().unwrap()), others);
    });
}

/// Other tasks may read from the downgrade on, and the hold is a shared one by then.
#[test]
fn a_downgrade() {
    by_hand(|bench, _| {
        let (ask, asked) = channel();
        let (answer, looked) = channel();
        let look = Arc::new(Look { ask, looked: StdMutex::new(looked) });
        let thread = std::thread::spawn(move || {
            let body = async move {
                let lock = RwLock::new(1);
                let write = lock.try_write().unwrap();
                look.look(true);
                let waiter = poll_with(&look, lock.read());
                let read = RwLockWriteGuard::downgrade(write);
                drop((read, waiter));
            };
            block_on(Observed::new(body, &EXECUTOR, Kind::Task, Location::caller()));
        });
        let mut modes = Vec::new();
        for _ in asked {
            let edges = bench.edges();
            let mode = |edge: &String| {
                edge.split_once(" holds ").and_then(|(_, hold)| hold.split(' ').next().map(str::to_owned))
            };
            modes.extend(edges.iter().filter_map(mode));
            answer.send(()).unwrap();
        }
        thread.join().unwrap();
        assert_eq!(modes, ["exclusive", "shared"]);
    });
}
