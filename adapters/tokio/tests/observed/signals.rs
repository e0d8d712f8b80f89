//! The primitives by which tasks signal each other: the waiting tasks, their lines, and the tasks that could unblock
//! them.

use crate::common::{Bench, bench, waits};
use insight_model::{Edge, EdgeBody, Model};
use insight_protocol::PartyRole;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::{Barrier, Notify, OnceCell, SetOnce, broadcast, mpsc, oneshot, watch};
use tokio::task::AbortHandle;

/// tokio's own channels, which steer the tasks and are unobserved.
type Signal = Arc<real::sync::Notify>;

/// One way to wait, and one to end the wait.
struct Scene {
    wait: Pin<Box<dyn Future<Output = ()> + Send>>,
    release: Box<dyn FnOnce() + Send>,
    /// The task that could unblock the waiter. The wait also ends without it.
    freer: Option<AbortHandle>,
}

/// The facts that insight must show.
struct Expect {
    kind: &'static str,
    operation: &'static str,
    reason: &'static str,
    /// The end of the line that waits.
    line: &'static str,
    /// The tasks that could unblock it, and the number of unknown ones.
    freers: (&'static [&'static str], u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Claimed,
    Dropped,
    Aborted,
    FreerGone,
}

/// Waits until the operation is over or `give_up`. The task lives on in both cases, so its end does not end the wait.
async fn waiter(operation: impl Future<Output = ()>, give_up: Signal) {
    tokio::select! {
        () = operation => {}
        () = give_up.notified() => {}
    }
    pending().await
}

/// The line of this file with `text` at its end.
fn line_of(text: &str) -> u32 {
    let lines = include_str!("signals.rs").lines().zip(1_u32..);
    let lines: Vec<u32> = lines.filter(|(line, _)| line.ends_with(text)).map(|(_, number)| number).collect();
    assert_eq!(lines.len(), 1, "{text}: {lines:?}");
    lines[0]
}

fn check(scene: fn(&Runtime) -> Scene, expect: &Expect) {
    for ending in [Ending::Claimed, Ending::Dropped, Ending::Aborted, Ending::FreerGone] {
        bench(|bench, runtime| check_ending(bench, runtime, scene(runtime), expect, ending));
    }
}

fn check_ending(bench: &mut Bench, runtime: &Runtime, scene: Scene, expect: &Expect, ending: Ending) {
    let give_up = Signal::default();
    let task = runtime.spawn(waiter(scene.wait, give_up.clone()));
    let of_waiter = |model: &Model| {
        let name =
            |edge: &Edge| model.tasks.get(&edge.task).and_then(|task| task.origin.name.clone()).unwrap_or_default();
        let of = |edge: &&Edge| name(edge).contains("waiter");
        waits(model).into_iter().find(of).cloned()
    };
    let names = |model: &Model, edge: &Edge| {
        let EdgeBody::Wait { operation, .. } = &edge.body else { unreachable!() };
        let freers = model.freers(&model.resources[&edge.resource], operation);
        let names: Vec<String> = freers.known.iter().map(|freer| model.task_label(freer.task)).collect();
        (names, freers.unknown)
    };
    let as_expected = |(names, unknown): &(Vec<String>, u64)| {
        names.len() == expect.freers.0.len()
            && names.iter().zip(expect.freers.0).all(|(name, expect)| name.contains(expect))
            && *unknown == expect.freers.1
    };
    let edge = bench.until(|model| of_waiter(model).filter(|edge| as_expected(&names(model, edge))));
    let EdgeBody::Wait { operation, reason, .. } = &edge.body else { unreachable!() };
    let kind = bench.model.resources[&edge.resource].kind.to_string();
    assert_eq!((&*kind, &*operation.to_string(), &**reason), (expect.kind, expect.operation, expect.reason));
    let line = edge.location.as_ref().map(|location| location.place.line);
    assert_eq!(line, Some(line_of(expect.line)), "{kind} {operation}");
    let model = bench.after_settling();
    assert!(model.problems.is_empty(), "{:?}", model.problems);
    assert_eq!(of_waiter(model).map(|edge| edge.id), Some(edge.id), "it still waits, by the same edge");

    match (ending, scene.freer) {
        (Ending::FreerGone, Some(freer)) => freer.abort(),
        (Ending::Claimed | Ending::FreerGone, _) => (scene.release)(),
        (Ending::Dropped, _) => give_up.notify_one(),
        (Ending::Aborted, _) => task.abort(),
    }
    bench.until(|model| of_waiter(model).is_none().then_some(()));
    match ending {
        // The future is dropped before it is finished.
        Ending::Aborted => bench.until(|_| task.is_finished().then_some(())),
        _ => assert!(!task.is_finished(), "only the wait is over"),
    }
    if matches!(ending, Ending::Claimed | Ending::FreerGone) {
        let holds = |edge: &Edge| matches!(edge.body, EdgeBody::Hold { .. });
        bench.until(|model| (!model.edges.values().any(holds)).then_some(()));
    }
}

fn on(signal: &Signal) -> Box<dyn FnOnce() + Send> {
    let signal = signal.clone();
    Box::new(move || signal.notify_one())
}

#[test]
fn oneshot_recv() {
    async fn has_the_sender(sender: oneshot::Sender<u8>, go: Signal) {
        go.notified().await;
        let _ = sender.send(1);
    }
    fn scene(runtime: &Runtime) -> Scene {
        let go = Signal::default();
        let (sender, receiver) = oneshot::channel();
        let freer = runtime.spawn(has_the_sender(sender, go.clone()));
        let wait = Box::pin(async move {
            drop(receiver.await); // oneshot recv
        });
        Scene { wait, release: on(&go), freer: Some(freer.abort_handle()) }
    }
    let (reason, line) = ("waiting for a message", "// oneshot recv");
    check(scene, &Expect { kind: "oneshot", operation: "recv", reason, line, freers: (&[], 1) });
}

#[test]
fn oneshot_closed() {
    async fn has_the_receiver(receiver: oneshot::Receiver<u8>, go: Signal) {
        tokio::select! {
            _ = receiver => {}
            _ = go.notified() => {}
        }
        pending().await
    }
    fn scene(runtime: &Runtime) -> Scene {
        let go = Signal::default();
        let (mut sender, receiver) = oneshot::channel::<u8>();
        let freer = runtime.spawn(has_the_receiver(receiver, go.clone()));
        let wait = Box::pin(async move {
            sender.closed().await; // oneshot closed
        });
        Scene { wait, release: on(&go), freer: Some(freer.abort_handle()) }
    }
    let expect = Expect {
        kind: "oneshot",
        operation: "closed",
        reason: "waiting for the channel to close",
        line: "// oneshot closed",
        freers: (&["has_the_receiver"], 0),
    };
    check(scene, &expect);
}

async fn sends_once_more(sender: watch::Sender<u8>, go: Signal) {
    sender.send_modify(|_| {});
    go.notified().await;
    let _ = sender.send(2);
    pending().await
}

#[test]
fn watch_changed() {
    fn scene(runtime: &Runtime) -> Scene {
        let go = Signal::default();
        let (sender, mut receiver) = watch::channel(0);
        // The channel outlives each single handle.
        drop((sender.clone(), receiver.clone()));
        let mut sent = receiver.clone();
        let freer = runtime.spawn(sends_once_more(sender, go.clone()));
        // A later message would end one wait, and the next wait is another edge.
        runtime.block_on(sent.changed()).unwrap();
        drop(sent);
        let wait = Box::pin(async move {
            while receiver.changed().await.is_ok_and(|()| *receiver.borrow() == 0) {} // watch changed
        });
        Scene { wait, release: on(&go), freer: Some(freer.abort_handle()) }
    }
    let expect = Expect {
        kind: "watch",
        operation: "changed",
        reason: "waiting for a new value",
        line: "// watch changed",
        freers: (&["sends_once_more"], 0),
    };
    check(scene, &expect);
}

#[test]
fn watch_wait_for() {
    fn scene(runtime: &Runtime) -> Scene {
        let go = Signal::default();
        let (sender, mut receiver) = watch::channel(0);
        let idle = sender.clone();
        let mut sent = receiver.clone();
        let freer = runtime.spawn(sends_once_more(sender, go.clone()));
        // A later message would end one wait, and the next wait is another edge.
        runtime.block_on(sent.changed()).unwrap();
        drop(sent);
        let wait = Box::pin(async move {
            let found = receiver.wait_for(|value| *value == 2).await.is_ok(); // watch wait_for
            drop((idle, found));
        });
        // The other sender keeps the channel open, so the value must come from the task.
        drop(freer);
        Scene { wait, release: on(&go), freer: None }
    }
    let expect = Expect {
        kind: "watch",
        operation: "changed",
        reason: "waiting for a new value",
        line: "// watch wait_for",
        freers: (&["sends_once_more"], 1),
    };
    check(scene, &expect);
}

#[test]
fn watch_closed() {
    async fn listens(mut receiver: watch::Receiver<u8>, go: Signal) {
        tokio::select! {
            _ = receiver.changed() => {}
            _ = go.notified() => {}
        }
        drop(receiver);
        pending().await
    }
    fn scene(runtime: &Runtime) -> Scene {
        let go = Signal::default();
        let sender = watch::Sender::new(0);
        let freer = runtime.spawn(listens(sender.subscribe(), go.clone()));
        let wait = Box::pin(async move {
            sender.closed().await; // watch closed
        });
        Scene { wait, release: on(&go), freer: Some(freer.abort_handle()) }
    }
    let expect = Expect {
        kind: "watch",
        operation: "closed",
        reason: "waiting for the channel to close",
        line: "// watch closed",
        freers: (&["listens"], 0),
    };
    check(scene, &expect);
}

#[test]
fn broadcast_recv() {
    async fn announces(sender: broadcast::Sender<u8>, weak: broadcast::WeakSender<u8>, go: Signal) {
        let _ = sender.send(1);
        go.notified().await;
        let _ = sender.send(2);
        drop(weak);
        pending().await
    }
    fn scene(runtime: &Runtime) -> Scene {
        let go = Signal::default();
        let (sender, mut receiver) = broadcast::channel(3);
        let weak = sender.downgrade();
        let freer = runtime.spawn(announces(sender, weak, go.clone()));
        let wait = Box::pin(async move {
            while receiver.recv().await == Ok(1) {} // broadcast recv
        });
        Scene { wait, release: on(&go), freer: Some(freer.abort_handle()) }
    }
    let expect = Expect {
        kind: "broadcast",
        operation: "recv",
        reason: "waiting for a message",
        line: "// broadcast recv",
        freers: (&["announces"], 1),
    };
    check(scene, &expect);
}

#[test]
fn broadcast_closed() {
    async fn hears(mut receiver: broadcast::Receiver<u8>, go: Signal) {
        tokio::select! {
            _ = receiver.recv() => {}
            _ = go.notified() => {}
        }
        drop(receiver);
        pending().await
    }
    fn scene(runtime: &Runtime) -> Scene {
        let go = Signal::default();
        let (sender, receiver) = broadcast::channel::<u8>(1);
        let freer = runtime.spawn(hears(receiver, go.clone()));
        let wait = Box::pin(async move {
            sender.closed().await; // broadcast closed
        });
        Scene { wait, release: on(&go), freer: Some(freer.abort_handle()) }
    }
    let expect = Expect {
        kind: "broadcast",
        operation: "closed",
        reason: "waiting for the channel to close",
        line: "// broadcast closed",
        freers: (&["hears"], 0),
    };
    check(scene, &expect);
}

/// Runs the future that `channel` makes, until its task is known to have the sender. It ends with the receiver.
fn check_closed<F, R>(channel: fn() -> (F, R))
where
    F: Future<Output = ()> + Send + 'static,
{
    bench(|bench, runtime| {
        let (closed, receiver) = channel();
        let task = runtime.spawn(closed);
        let has_the_sender = |model: &Model| {
            let [wait] = waits(model)[..] else { return None };
            let is_sender = |edge: &Edge| match &edge.body {
                EdgeBody::Party { role: PartyRole::Sender, exclusive } => *exclusive && edge.task == wait.task,
                _ => false,
            };
            model.edges_of_resource(wait.resource).any(is_sender).then_some(())
        };
        bench.until(has_the_sender);
        drop(receiver);
        bench.until(|_| task.is_finished().then_some(()));
    });
}

#[test]
fn a_task_that_waits_for_closed_has_the_sender() {
    check_closed(|| {
        let (sender, receiver) = mpsc::channel::<u8>(1);
        (async move { sender.closed().await }, receiver)
    });
    check_closed(|| {
        let (sender, receiver) = mpsc::unbounded_channel::<u8>();
        (async move { sender.closed().await }, receiver)
    });
    check_closed(|| {
        let (mut sender, receiver) = oneshot::channel::<u8>();
        (async move { sender.closed().await }, receiver)
    });
    check_closed(|| {
        let (sender, receiver) = watch::channel::<u8>(1);
        (async move { sender.closed().await }, receiver)
    });
    check_closed(|| {
        let (sender, receiver) = broadcast::channel::<u8>(1);
        (async move { sender.closed().await }, receiver)
    });
}

#[test]
fn notified() {
    fn borrowed(_: &Runtime) -> Scene {
        let notify = Arc::new(Notify::new());
        let held = notify.clone();
        let wait = Box::pin(async move {
            held.notified().await; // notified
        });
        Scene { wait, release: Box::new(move || notify.notify_one()), freer: None }
    }
    fn owned(_: &Runtime) -> Scene {
        let notify = Arc::new(Notify::new());
        let wait = Box::pin(notify.clone().notified_owned()); // owned by the future
        Scene { wait, release: Box::new(move || notify.notify_waiters()), freer: None }
    }
    fn of_a_static(_: &Runtime) -> Scene {
        static NOTIFY: Notify = Notify::const_new();
        let wait = Box::pin(async {
            let mut notified = std::pin::pin!(NOTIFY.notified()); // from a static
            assert!(!notified.as_mut().enable());
            notified.await;
        });
        Scene { wait, release: Box::new(|| NOTIFY.notify_waiters()), freer: None }
    }
    let (kind, operation, reason) = ("notify", "notified", "waiting to be notified");
    let freers: (&[&str], u64) = (&[], 1);
    check(borrowed, &Expect { kind, operation, reason, line: "// notified", freers });
    check(owned, &Expect { kind, operation, reason, line: "// owned by the future", freers });
    check(of_a_static, &Expect { kind, operation, reason, line: "// from a static", freers });
}

#[test]
fn barrier() {
    fn scene(runtime: &Runtime) -> Scene {
        let barrier = Arc::new(Barrier::new(3));
        let (one, two, handle) = (barrier.clone(), barrier, runtime.handle().clone());
        let wait = Box::pin(async move {
            one.wait().await; // barrier
        });
        let release = move || {
            for barrier in [two.clone(), two] {
                handle.spawn(async move { barrier.wait().await.is_leader() });
            }
        };
        Scene { wait, release: Box::new(release), freer: None }
    }
    let reason = "waiting for the others at the barrier";
    let line = "// barrier";
    check(scene, &Expect { kind: "barrier", operation: "wait", reason, line, freers: (&[], 2) });
}

#[test]
fn once_cell() {
    async fn makes_it(cell: Arc<OnceCell<u8>>, started: real::sync::oneshot::Sender<()>, go: Signal) {
        let make = || async {
            started.send(()).unwrap();
            go.notified().await;
            1
        };
        cell.get_or_init(make).await;
        pending().await
    }
    fn scene(runtime: &Runtime) -> Scene {
        let go = Signal::default();
        let cell = Arc::new(OnceCell::new());
        let (started, is_started) = real::sync::oneshot::channel();
        let freer = runtime.spawn(makes_it(cell.clone(), started, go.clone()));
        is_started.blocking_recv().unwrap();
        let wait = Box::pin(async move {
            cell.get_or_init(|| async { 3 }).await; // once_cell
        });
        Scene { wait, release: on(&go), freer: Some(freer.abort_handle()) }
    }
    let reason = "waiting for another task to make the value";
    let line = "// once_cell";
    check(scene, &Expect { kind: "once_cell", operation: "init", reason, line, freers: (&["makes_it"], 0) });
}

#[test]
fn set_once() {
    fn scene(_: &Runtime) -> Scene {
        let value = Arc::new(SetOnce::new());
        let held = value.clone();
        let wait = Box::pin(async move {
            held.wait().await; // set_once
        });
        Scene { wait, release: Box::new(move || value.set(1).unwrap()), freer: None }
    }
    let reason = "waiting for the value to be set";
    check(scene, &Expect { kind: "once_cell", operation: "wait", reason, line: "// set_once", freers: (&[], 1) });
}

#[test]
fn threads_that_block() {
    let waits_at = |bench: &mut Bench, kind: &str, line: &str| {
        let (task, location) = bench.until(|model| {
            let of = |edge: &&Edge| model.resources.get(&edge.resource).is_some_and(|on| on.kind.as_str() == kind);
            let edge = waits(model).into_iter().find(of)?;
            let idle = model.tasks[&edge.task].state() == Some(insight_protocol::TaskState::Idle);
            idle.then(|| (edge.task, edge.location.clone()))
        });
        assert_eq!(bench.model.tasks[&task].origin.kind.as_str(), "blocking");
        assert_eq!(location.map(|location| location.place.line), Some(line_of(line)));
    };
    bench(|bench, runtime| {
        let (sender, receiver) = oneshot::channel();
        let task = runtime.spawn_blocking(move || receiver.blocking_recv()); // blocking oneshot
        waits_at(bench, "oneshot", "// blocking oneshot");
        sender.send(1).unwrap();
        assert_eq!(runtime.block_on(task).unwrap(), Ok(1));
        let (sender, mut receiver) = broadcast::channel(1);
        let task = runtime.spawn_blocking(move || receiver.blocking_recv()); // blocking broadcast
        waits_at(bench, "broadcast", "// blocking broadcast");
        sender.send(1).unwrap();
        assert_eq!(runtime.block_on(task).unwrap(), Ok(1));
    });
}

#[test]
fn a_receiver_that_is_lent_to_a_select() {
    async fn gives_up(mut receiver: oneshot::Receiver<u8>, give_up: Signal, go: Signal) {
        tokio::select! {
            _ = &mut receiver => {}
            () = give_up.notified() => {}
        }
        // The poll that gives it up may have polled it first. The next one does not.
        real::task::yield_now().await;
        go.notified().await;
        assert!(receiver.try_recv().is_err());
        pending::<()>().await
    }
    bench(|bench, runtime| {
        let (give_up, go) = (Signal::default(), Signal::default());
        let (sender, receiver) = oneshot::channel();
        let task = runtime.spawn(gives_up(receiver, give_up.clone(), go.clone()));
        bench.until(|model| (waits(model).len() == 1).then_some(()));
        give_up.notify_one();
        // A lent receiver keeps its place and its waker, so its wait stays open. `polled` says that the task gave it up.
        let model = bench.after_settling();
        let waits_on = |wait: &&&Edge| model.resources[&wait.resource].kind.as_str() == "oneshot";
        let polled: Vec<Option<bool>> = waits(model).iter().filter(waits_on).map(|wait| wait.waiter().polled).collect();
        assert_eq!(polled, [Some(false)]);
        go.notify_one();
        bench.until(|model| waits(model).is_empty().then_some(()));
        task.abort();
        bench.until(|model| model.edges.is_empty().then_some(()));
        assert!(!bench.model.resources.is_empty(), "the sender is still there");
        drop(sender);
    });
}

/// A few tasks share one primitive of each kind, and some of them are aborted.
async fn storm(round: u64) -> u64 {
    let notify = Arc::new(Notify::new());
    let barrier = Arc::new(Barrier::new(3));
    let cell = Arc::new(OnceCell::new());
    let value = Arc::new(SetOnce::new());
    let (state, _) = watch::channel(0);
    let (news, _) = broadcast::channel(2);
    let mut tasks = Vec::new();
    let mut replies = Vec::new();
    for n in 0..6 {
        let (notify, barrier, cell, value) = (notify.clone(), barrier.clone(), cell.clone(), value.clone());
        let (state, mut seen, news, mut heard) = (state.clone(), state.subscribe(), news.clone(), news.subscribe());
        let (reply, answer) = oneshot::channel();
        replies.push(answer);
        tasks.push(tokio::spawn(async move {
            if n % 2 == 0 {
                barrier.wait().await;
            }
            let made = cell.get_or_try_init(async || {
                tokio::task::yield_now().await;
                if n % 3 == 0 { Err(()) } else { Ok(n) }
            });
            let _ = made.await;
            state.send_modify(|count| *count += 1);
            let _ = news.send(n);
            drop((state, news));
            tokio::select! {
                biased;
                _ = notify.notified() => {}
                _ = seen.wait_for(|count| *count >= 6) => notify.notify_waiters(),
            }
            tokio::select! {
                _ = notify.clone().notified_owned() => {}
                _ = heard.recv() => {}
                _ = seen.changed() => {}
            }
            let _ = value.set(n);
            let _ = reply.send(*value.wait().await);
        }));
    }
    drop((state, news));
    tasks[(round % 6) as usize].abort();
    // The barrier may lack one task now.
    for _ in 0..2 {
        let barrier = barrier.clone();
        let late = tokio::spawn(async move { barrier.wait().await.is_leader() });
        tokio::task::yield_now().await;
        late.abort();
    }
    notify.notify_waiters();
    let mut sum = 0;
    for (task, reply) in tasks.into_iter().zip(replies) {
        tokio::select! {
            answer = reply => sum += answer.unwrap_or(0),
            () = tokio::time::sleep(std::time::Duration::from_millis(20)) => task.abort(),
        }
    }
    sum
}

#[test]
fn what_is_recorded_of_a_storm_breaks_no_rule() {
    for round in 0..100 {
        bench(|bench, runtime| {
            let storm = runtime.spawn(storm(round));
            // Each sample is checked.
            bench.until(|model| {
                assert!(model.problems.is_empty(), "{:?}", model.problems);
                storm.is_finished().then_some(())
            });
            runtime.block_on(storm).unwrap();
        });
    }
}
