//! Facts that the recorder takes of futures that are polled by hand.

use super::bench;
use insight_model::{EdgeBody, Model, Task};
use insight_probe::*;
use insight_protocol::{Message, Outcome, TaskState};
use insight_test_kit::Bench;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

thread_local! {
    static RUNNING: Cell<u64> = const { Cell::new(0) };
}

static EXECUTOR: Executor = Executor::new("hand", "1.0", || match RUNNING.get() {
    0 => None,
    id => Some(id),
});

/// Questions about a program that is polled by hand.
trait Asks {
    /// Number of tasks, resources and edges. A test that leaks a task leaves some to the next. Library tasks are not counted:
    /// the recorder forgets them a while after their last use.
    fn alive(&mut self) -> (usize, usize, usize);
    /// The newest task.
    fn task(&mut self) -> Task;
    /// The open waits as `task operation need`.
    fn waits(&mut self) -> Vec<String>;
    /// The outcomes of the tasks that have ended.
    fn ends(&mut self) -> Vec<Outcome>;
}

impl Asks for Bench {
    fn alive(&mut self) -> (usize, usize, usize) {
        let model = self.sample();
        let is_partial = |id: &insight_protocol::TaskId| model.tasks.get(id).is_some_and(|task| task.origin.partial);
        let tasks = model.tasks.values().filter(|task| !task.origin.partial).count();
        (tasks, model.resources.len(), model.edges.values().filter(|edge| !is_partial(&edge.task)).count())
    }

    fn task(&mut self) -> Task {
        self.sample().tasks.values().next_back().expect("a task").clone()
    }

    fn waits(&mut self) -> Vec<String> {
        let model = self.sample();
        let waits = model.edges.values().filter_map(|edge| match &edge.body {
            EdgeBody::Wait { operation, need, .. } => Some(format!("{} {operation} {need}", edge.task)),
            _ => None,
        });
        waits.collect()
    }

    fn ends(&mut self) -> Vec<Outcome> {
        self.sample();
        self.outcomes().into_iter().map(|(_, outcome)| outcome).collect()
    }
}

#[track_caller]
fn observe<F: Future>(future: F) -> Pin<Box<Observed<F>>> {
    Box::pin(Observed::new(future, &EXECUTOR, Kind::Task, Location::caller()))
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn site(op: Op) -> Site {
    Site { executor: &EXECUTOR, op, need: 1, location: Some(Location::caller()) }
}

/// Keeps one waker of each kind, and is ready once it is open.
#[derive(Default)]
struct Gate(Mutex<(Vec<Waker>, bool)>);

impl Gate {
    async fn pass(&self) {
        poll_fn(|cx| {
            let mut gate = self.0.lock().unwrap();
            if !gate.0.iter().any(|waker| waker.will_wake(cx.waker())) {
                gate.0.push(cx.waker().clone());
            }
            if gate.1 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await
    }

    fn open(&self) {
        let mut gate = self.0.lock().unwrap();
        gate.1 = true;
        gate.0.drain(..).for_each(Waker::wake);
    }

    fn wakers(&self) -> usize {
        self.0.lock().unwrap().0.len()
    }
}

/// Pending once.
async fn poll_once() {
    let mut polled = false;
    poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await
}

#[test]
fn states_polls_and_wakes() {
    let mut bench = bench();
    let before = bench.alive();
    let gate = Gate::default();
    let mut task = observe(gate.pass());
    let check = |bench: &mut Bench, state: TaskState, polls: u64, wakes: u64, foreign: u64| {
        let stats = bench.task().stats().expect("stats of an observed task");
        assert_eq!((stats.state, stats.polls, stats.wakes), (Some(state), polls, wakes));
        assert_eq!(stats.foreign_wakers, foreign);
        assert_eq!(stats.poll_ns_log2.iter().sum::<u64>(), polls);
    };
    check(&mut bench, TaskState::Scheduled, 0, 0, 0);
    assert!(poll(&mut task).is_pending());
    check(&mut bench, TaskState::Idle, 1, 0, 1);
    assert!(poll(&mut task).is_pending());
    assert_eq!(gate.wakers(), 1, "the same waker from poll to poll");
    gate.open();
    check(&mut bench, TaskState::Scheduled, 2, 1, 0);
    assert!(poll(&mut task).is_ready());
    assert_eq!(bench.ends(), [Outcome::Returned]);
    assert_eq!(bench.alive(), before);
}

#[test]
fn who_woke_it() {
    let mut bench = bench();
    let gate = Arc::new(Gate::default());
    let (waits, opens) = (gate.clone(), gate.clone());
    let mut sleeper = observe(async move { waits.pass().await });
    let id = bench.task().id;
    assert!(poll(&mut sleeper).is_pending());
    let mut opener = observe(async move {
        opens.open();
        std::future::pending::<()>().await;
    });
    assert!(poll(&mut opener).is_pending());
    let by = bench.task().id;
    assert_eq!(bench.sample().tasks[&id].stats().as_ref().unwrap().woken_by, Some(by));
    assert!(poll(&mut sleeper).is_ready());

    let mut own = observe(async {
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        })
        .await
    });
    assert!(poll(&mut own).is_pending());
    let stats = bench.task().stats().unwrap();
    assert_eq!((stats.self_wakes, stats.wakes, stats.state), (1, 1, Some(TaskState::Scheduled)));
}

#[test]
fn ends() {
    let mut bench = bench();
    drop(observe(async {}));
    let mut dropped = observe(std::future::pending::<()>());
    assert!(poll(&mut dropped).is_pending());
    drop(dropped);
    let mut panics = observe(async { panic!("on purpose") });
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut panics))).is_err());
    drop(panics);
    ObservedClosure::new(|| 1, &EXECUTOR, Location::caller()).call();
    drop(ObservedClosure::new(|| 1, &EXECUTOR, Location::caller()));
    let closure = ObservedClosure::new(|| panic!("on purpose"), &EXECUTOR, Location::caller());
    let _: Result<(), _> = catch_unwind(AssertUnwindSafe(|| closure.call()));
    // The future panics when it is dropped.
    let bomb = Bomb;
    let panics = observe(async move { drop(bomb) });
    assert!(catch_unwind(AssertUnwindSafe(|| drop(panics))).is_err());
    use Outcome::{Cancelled, Panicked, Returned};
    assert_eq!(bench.ends(), [Cancelled, Cancelled, Panicked, Returned, Cancelled, Panicked, Panicked]);
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

/// An adapter's primitive does this: it takes its caller's location.
struct Made(Resource);

impl Default for Made {
    #[track_caller]
    fn default() -> Made {
        Made(Resource::new(Type::Notify, Location::caller(), None))
    }
}

#[test]
fn what_the_standard_library_makes_for_the_program_has_no_place() {
    let mut bench = bench();
    let line = line!() + 1;
    let made = (Made::default(), Arc::<Made>::default(), Vec::<Made>::new().pop().unwrap_or_default());
    for resource in [&made.0, &made.1, &made.2] {
        // Recorded by now at the latest.
        blocking(&resource.0, &site(Op::Notified), || ());
    }
    let resources = bench.sample().resources.values().rev().take(3);
    let lines: Vec<_> = resources.map(|it| it.location.as_ref().map(|at| at.place.line)).collect();
    assert_eq!(lines, [None, None, Some(line)]);
}

#[test]
fn waits_open_and_close() {
    let mut bench = bench();
    let before = bench.alive();
    let channel = Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), Some(1));
    let (first, second) = (Gate::default(), Gate::default());
    let mut task = observe(async {
        let mut first = pin!(waiting(&channel, site(Op::Recv), first.pass()));
        let mut second = pin!(waiting(&channel, site(Op::Send), second.pass()));
        // Like `select!`.
        poll_fn(|cx| {
            let ready = first.as_mut().poll(cx).is_ready() | second.as_mut().poll(cx).is_ready();
            if ready { Poll::Ready(()) } else { Poll::Pending }
        })
        .await
    });
    let id = bench.task().id;
    assert!(poll(&mut task).is_pending());
    assert_eq!(bench.waits(), [format!("{id} recv 1"), format!("{id} send 1")]);
    assert_eq!(bench.task().stats().unwrap().foreign_wakers, 0, "the wakers of waits are not foreign");
    assert_eq!(first.wakers() + second.wakers(), 2);
    first.open();
    assert!(poll(&mut task).is_ready());
    assert!(bench.waits().is_empty());

    let gate = Gate::default();
    let mut given_up = observe(waiting(&channel, site(Op::Recv), gate.pass()));
    assert!(poll(&mut given_up).is_pending());
    assert_eq!(bench.waits().len(), 1);
    drop(given_up);
    assert!(bench.waits().is_empty());
    drop(task);
    drop(channel);
    assert_eq!(bench.alive(), before);
}

#[test]
fn a_wait_moves_with_its_future() {
    let mut bench = bench();
    let channel = Arc::new(Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), None));
    let gate = Gate::default();
    let mut operation = Box::pin(waiting(&*channel, site(Op::Recv), gate.pass()));
    let mut first = observe(poll_fn(|cx| operation.as_mut().poll(cx)));
    assert!(poll(&mut first).is_pending());
    let before = bench.waits();
    drop(first);
    let mut second = observe(poll_fn(|cx| operation.as_mut().poll(cx)));
    let id = bench.task().id;
    assert!(poll(&mut second).is_pending());
    assert_eq!(bench.waits(), [format!("{id} recv 1")]);
    assert_ne!(bench.waits(), before);
}

#[test]
fn holds() {
    let mut bench = bench();
    static LOCK: Lock = Lock::new(Type::Mutex(HandOff::Fifo), Location::caller());
    let holder = |model: &Model| {
        let hold = model.edges.values().find(|edge| edge.body.kind() == "hold")?;
        Some((hold.task, hold.id))
    };
    let mut task = observe(async {
        LOCK.acquired(&EXECUTOR, Location::caller(), Acquirer::NONE);
        std::future::pending::<()>().await;
    });
    let id = bench.task().id;
    assert!(poll(&mut task).is_pending());
    let (by, edge) = holder(bench.sample()).expect("held");
    assert_eq!(by, id);
    LOCK.released();
    let mut again = observe(async {
        LOCK.acquired(&EXECUTOR, Location::caller(), Acquirer::NONE);
        LOCK.released();
        LOCK.acquired(&EXECUTOR, Location::caller(), Acquirer::NONE);
        std::future::pending::<()>().await;
    });
    assert!(poll(&mut again).is_pending());
    let (by, other) = holder(bench.sample()).expect("held again");
    assert_ne!((by, other), (id, edge), "another task's hold is another edge");
    LOCK.released();
    assert_eq!(holder(bench.sample()), None);
    // Outside of tasks, so the holder is unknown.
    LOCK.acquired(&EXECUTOR, Location::caller(), Acquirer::NONE);
    assert_eq!(holder(bench.sample()), None);
    LOCK.released();
}

#[test]
fn parties_are_exclusive_only_in_the_task_s_own_future() {
    let mut bench = bench();
    let channel = Arc::new(Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), None));
    let parties = |bench: &mut Bench| {
        let model = bench.sample();
        let parties = model.edges.values().filter_map(|edge| match &edge.body {
            EdgeBody::Party { exclusive, .. } => Some((edge.task, *exclusive)),
            _ => None,
        });
        parties.collect::<Vec<_>>()
    };
    let used = |party: &Party| party.used(&channel, Role::Sender, &EXECUTOR, Location::caller());

    let own = Party::new();
    let mut owner = observe(async move {
        // Held across an await, so the handle is part of the future.
        let own = own;
        used(&own);
        std::future::pending::<()>().await;
        used(&own);
    });
    let first = bench.task().id;
    assert!(poll(&mut owner).is_pending());
    assert_eq!(parties(&mut bench), [(first, true)]);
    drop(owner);
    assert_eq!(parties(&mut bench), []);

    // A task that it spawns may take the handle along.
    let mut spawner = observe(async {
        let own = Party::new();
        used(&own);
        drop(observe(async {}));
        poll_once().await;
        used(&own);
        std::future::pending::<()>().await;
        used(&own);
    });
    let first = bench.task().id;
    assert!(poll(&mut spawner).is_pending());
    assert_eq!(parties(&mut bench), [(first, false)]);
    assert!(poll(&mut spawner).is_pending());
    assert_eq!(parties(&mut bench), [(first, true)]);
    drop(spawner);
    assert_eq!(parties(&mut bench), []);

    let shared = Arc::new(Party::new());
    let mut users: Vec<_> = (0..9)
        .map(|_| {
            let shared = shared.clone();
            let mut user = observe(async move {
                used(&shared);
                std::future::pending::<()>().await;
            });
            let id = bench.task().id;
            assert!(poll(&mut user).is_pending());
            (id, user)
        })
        .collect();
    let last = parties(&mut bench);
    assert!(matches!(last[..], [(_, false)]), "one handle, one edge, not exclusive: {last:?}");
    assert_ne!(last[0].0, users[8].0, "a handle that many tasks use is followed no further");
    users.clear();
    drop(shared);
    assert_eq!(parties(&mut bench), []);
}

#[test]
fn ends_that_are_used_outside_of_tasks() {
    let mut bench = bench();
    let channel = Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), Some(1));
    let counts = |bench: &mut Bench| {
        let model = bench.sample();
        let seen = model.resources.values().next_back().expect("a channel");
        let parties = seen.edges.len();
        (parties, seen.outside_senders.unwrap_or(0), seen.outside_receivers.unwrap_or(0))
    };
    let here = Location::caller();
    let sender = Arc::new(End::new(channel.clone(), Handle::Sender, &EXECUTOR));
    let receiver = End::new(channel.clone(), Handle::Receiver, &EXECUTOR);
    assert_eq!(counts(&mut bench), (0, 0, 0), "nobody has used them");
    receiver.used(here);
    receiver.used(here);
    assert_eq!(counts(&mut bench), (0, 0, 1));

    // A handle that tasks and others share.
    let shared = sender.clone();
    let uses = move || {
        let shared = shared.clone();
        let mut uses = observe(async move { shared.used(Location::caller()) });
        assert!(poll(&mut uses).is_ready());
        uses
    };
    let _first = uses();
    assert_eq!(counts(&mut bench), (1, 0, 1));
    sender.used(here);
    assert_eq!(counts(&mut bench), (0, 1, 1));
    let _second = uses();
    sender.used(here);
    assert_eq!(counts(&mut bench).1, 1, "and are counted once");

    // Only this task has it now.
    let mut takes = observe(async move {
        let receiver = receiver;
        receiver.used(Location::caller());
        std::future::pending::<()>().await;
        drop(receiver);
    });
    assert!(poll(&mut takes).is_pending());
    assert_eq!(counts(&mut bench).2, 0);
    drop((takes, uses, sender));
    assert_eq!((counts(&mut bench).1, counts(&mut bench).2), (0, 0));

    // From now on it is the real handle, and unobserved.
    End::new(channel.clone(), Handle::Receiver, &EXECUTOR).leave(&[Handle::Sender]);
    assert_eq!(counts(&mut bench), (0, 1, 1));
}

#[test]
fn a_waker_that_is_lost() {
    let mut bench = bench();
    let gate = Arc::new(Gate::default());
    let (passes, id) = (gate.clone(), |bench: &mut Bench| bench.task().id);
    let mut task = observe(async move { passes.pass().await });
    let id = id(&mut bench);
    let lost = |bench: &mut Bench| bench.sample().tasks[&id].stats().as_ref().is_some_and(|stats| stats.lost_waker);
    assert!(!lost(&mut bench), "it was not polled yet");
    assert!(poll(&mut task).is_pending());
    assert!(!lost(&mut bench), "somebody has its waker");
    gate.0.lock().unwrap().0.clear();
    assert!(lost(&mut bench));
    assert!(poll(&mut task).is_pending());
    assert!(!lost(&mut bench), "it was polled again");
    gate.open();
    assert!(!lost(&mut bench), "it was woken");
    assert!(poll(&mut task).is_ready());

    // A waker of an earlier poll that is dropped later does not count for the last poll.
    let gate = Arc::new(Gate::default());
    let passes = gate.clone();
    let mut task = observe(async move {
        passes.pass().await;
        std::future::pending::<()>().await;
    });
    let id = bench.task().id;
    assert!(poll(&mut task).is_pending());
    let earlier = gate.0.lock().unwrap().0[0].clone();
    gate.open();
    assert!(poll(&mut task).is_pending());
    drop(earlier);
    assert!(bench.sample().tasks[&id].stats().as_ref().is_some_and(|stats| !stats.lost_waker));
    drop(task);

    // A task that waits for ever on purpose.
    let mut waits = observe(std::future::pending::<()>());
    let task = bench.task().id;
    assert!(poll(&mut waits).is_pending());
    assert!(bench.sample().tasks[&task].stats().as_ref().is_some_and(|stats| !stats.lost_waker));
}

#[test]
fn a_task_that_is_not_given_its_future_is_cancelled() {
    let mut bench = bench();
    let spawned = Spawned::<std::future::Ready<()>>::new(&EXECUTOR, Kind::Task, Location::caller());
    let task = bench.task().id;
    drop(spawned);
    assert_eq!(bench.ends(), [Outcome::Cancelled]);
    assert!(!bench.sample().tasks.contains_key(&task));
    // While it is given one, it has not lost its waker.
    let spawned = Spawned::new(&EXECUTOR, Kind::Task, Location::caller());
    let mut future = Box::pin(spawned.observe(std::future::ready(())));
    assert_eq!(bench.ends(), [Outcome::Cancelled]);
    assert!(poll(&mut future).is_ready());
    assert_eq!(bench.ends(), [Outcome::Cancelled, Outcome::Returned]);
}

/// The poll may never end, for example because it blocks its thread.
#[test]
fn a_wait_is_seen_before_the_poll_ends_that_opened_it() {
    let bench = RefCell::new(bench());
    let resource = Resource::new(Type::Notify, Location::caller(), None);
    let since = |bench: &mut Bench| {
        let model = bench.sample();
        let wait = model.edges.values().find(|edge| matches!(edge.body, EdgeBody::Wait { .. }));
        wait.map(|wait| wait.since_ns)
    };
    let before = bench.borrow().recorder.now_ns();
    let mut in_poll = None;
    let mut task = observe(async {
        let mut wait = pin!(waiting(&resource, site(Op::Notified), std::future::pending::<()>()));
        poll_fn(|cx| {
            assert!(wait.as_mut().poll(cx).is_pending());
            in_poll = in_poll.or(since(&mut bench.borrow_mut()));
            Poll::<()>::Pending
        })
        .await;
    });
    assert!(poll(&mut task).is_pending());
    let after = since(&mut bench.borrow_mut());
    drop(task);
    assert!(in_poll.is_some_and(|since| since >= before), "{in_poll:?}");
    assert_eq!(after, in_poll, "what was told stays so");
}

#[test]
fn joins_end_with_their_task() {
    let mut bench = bench();
    let mut target = observe(std::future::pending::<()>());
    let mut joining = Joining::new(target.task_ref());
    let target_id = bench.task().id;
    let gate = Gate::default();
    let mut joiner = observe(async {
        let mut pass = pin!(gate.pass());
        poll_fn(|cx| joining.poll(&EXECUTOR, cx, |cx| pass.as_mut().poll(cx))).await;
    });
    assert!(poll(&mut target).is_pending());
    assert!(poll(&mut joiner).is_pending());
    let parties = |model: &Model| {
        let parties = model.edges.values().filter(|edge| edge.body.kind() == "party");
        parties.map(|edge| edge.task).collect::<Vec<_>>()
    };
    assert_eq!(parties(bench.sample()), [target_id]);
    drop(target);
    assert_eq!(parties(bench.sample()), []);
    assert!(!bench.sample().tasks.contains_key(&target_id));
    gate.open();
    assert!(poll(&mut joiner).is_ready());
}

#[test]
fn a_task_that_something_else_spawned_is_partial() {
    let mut bench = bench();
    let channel = Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), None);
    let gate = Gate::default();
    let mut operation = Box::pin(waiting(&channel, site(Op::Recv), gate.pass()));
    RUNNING.set(77);
    assert!(poll(&mut operation).is_pending());
    RUNNING.set(0);
    let task = bench.task();
    assert!(task.origin.partial && task.stats().is_none());
    assert_eq!(task.executor_task_id(), Some(77));
    assert_eq!(bench.waits(), [format!("{} recv 1", task.id)]);
    drop(operation);
    assert!(bench.waits().is_empty());

    // Within the poll of an observed task, but not that task's wait.
    let gate = Gate::default();
    let operation = Mutex::new(Box::pin(waiting(&channel, site(Op::Recv), gate.pass())));
    let mut outer = observe(poll_fn(|_| {
        RUNNING.set(78);
        let inner = poll(&mut *operation.lock().unwrap());
        RUNNING.set(0);
        inner
    }));
    let outer_id = bench.task().id;
    assert!(poll(&mut outer).is_pending());
    let inner = bench.task();
    assert!(inner.origin.partial && inner.id != outer_id);
    assert_eq!(bench.waits(), [format!("{} recv 1", inner.id)]);
}

#[test]
fn blocking_waits_do_not_run() {
    let mut bench = bench();
    let channel = Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), None);
    ObservedClosure::new(
        || {
            let id = bench.task().id;
            assert_eq!(bench.task().state(), Some(TaskState::Running));
            let waits = blocking(&channel, &site(Op::Recv), || {
                assert_eq!(bench.task().state(), Some(TaskState::Idle));
                bench.waits()
            });
            assert_eq!(waits, [format!("{id} recv 1")]);
            assert_eq!(bench.task().state(), Some(TaskState::Running));
        },
        &EXECUTOR,
        Location::caller(),
    )
    .call();
    assert!(bench.waits().is_empty());
}

#[test]
fn messages_come_in_an_order_that_a_fold_can_take() {
    let mut bench = bench();
    let before = bench.alive();
    let threads = if cfg!(miri) { 2 } else { 4 };
    let rounds = if cfg!(miri) { 3 } else { 300 };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..rounds {
                    let channel = Arc::new(Resource::new(
                        Type::Channel(HandOff::Fifo, Closing::ByReceivers),
                        Location::caller(),
                        None,
                    ));
                    let mut task = observe(async {
                        let party = Party::new();
                        party.used(&channel, Role::Sender, &EXECUTOR, Location::caller());
                        let mut pending = pin!(waiting(&*channel, site(Op::Recv), std::future::pending::<()>()));
                        poll_fn(|cx| {
                            let _ = pending.as_mut().poll(cx);
                            Poll::<()>::Pending
                        })
                        .await;
                    });
                    let _ = poll(&mut task);
                    // Ended on another thread.
                    std::thread::spawn(move || std::hint::black_box(0)).join().unwrap();
                    drop(task);
                }
            });
        }
        for _ in 0..rounds {
            bench.sample();
        }
    });
    assert_eq!(bench.alive(), before);
    let mut open = std::collections::HashSet::new();
    for message in &bench.messages {
        let fresh = match message {
            Message::TaskSpawned(m) => open.insert(("task", m.id.0)),
            Message::TaskStats(m) => open.contains(&("task", m.id.0)),
            Message::TaskCompleted(m) => open.remove(&("task", m.id.0)),
            Message::ResourceCreated(m) => open.insert(("resource", m.id.0)),
            Message::ResourceUpdated(m) => open.contains(&("resource", m.id.0)),
            Message::ResourceDropped(m) => open.remove(&("resource", m.id.0)),
            Message::EdgeParty(m) => {
                open.contains(&("task", m.task.0))
                    && open.contains(&("resource", m.resource.0))
                    && open.insert(("edge", m.id.0))
            }
            Message::EdgeWait(m) => {
                open.contains(&("task", m.task.0))
                    && open.contains(&("resource", m.resource.0))
                    && open.insert(("edge", m.id.0))
            }
            Message::EdgeClosed(m) => open.remove(&("edge", m.id.0)),
            _ => true,
        };
        assert!(fresh, "out of order: {message:?}");
    }
    assert!(open.is_empty());
}
