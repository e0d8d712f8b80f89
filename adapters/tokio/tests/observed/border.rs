//! Conversions to tokio's own types and back, and the facts that are observed of them.

use crate::common::{Bench, bench, summary};
use insight_model::EdgeBody;
use insight_probe::task_name;
use insight_protocol::Tier;
use real::sync as own;
use std::future::{Future, pending};
use std::pin::Pin;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Barrier, Notify, OnceCell, Semaphore, SetOnce, broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet, LocalSet};
use tokio::time::{Duration, Interval, Sleep, interval, sleep};

const LONG: Duration = Duration::from_secs(3600);

/// A name, the number of observed waits, and a future that comes to wait.
type Row = (&'static str, usize, Pin<Box<dyn Future<Output = ()> + Send>>);

fn row<T>(name: &'static str, waits: usize, work: impl Future<Output = T> + Send + 'static) -> Row {
    (name, waits, Box::pin(async { drop(work.await) }))
}

/// Checks that the task's waits are observed and that nothing is proven of it, since any task may have the other ends.
fn check(bench: &mut Bench, runtime: &Runtime, (name, waits, work): Row) {
    let task = task_name(name, || runtime.spawn(work));
    bench.until(|model| {
        let seen = model.tasks.values().find(|task| task.origin.name.as_deref() == Some(name))?;
        let of_task = model.edges.values().filter(|edge| edge.task == seen.id);
        let open = of_task.filter(|edge| matches!(edge.body, EdgeBody::Wait { .. })).count();
        (open == waits && seen.stats().is_some()).then_some(())
    });
    let model = bench.after_settling();
    let proven = model.problems.values().filter(|problem| problem.tier == Tier::Proven);
    assert_eq!(proven.count(), 0, "{name}: {}", summary(model));
    task.abort();
    bench.until(|model| model.tasks.values().all(|task| task.origin.name.as_deref() != Some(name)).then_some(()));
}

#[test]
fn what_was_tokios_own_is_observed() {
    let rows = vec![
        row("mpsc::Receiver", 1, async {
            let (_sender, receiver) = own::mpsc::channel::<u8>(1);
            mpsc::Receiver::from(receiver).recv().await
        }),
        row("mpsc::Sender", 1, async {
            let (sender, _receiver) = own::mpsc::channel::<u8>(1);
            let sender = mpsc::Sender::from(sender);
            sender.send(1).await.unwrap();
            sender.send(2).await
        }),
        row("mpsc::UnboundedReceiver", 1, async {
            let (_sender, receiver) = own::mpsc::unbounded_channel::<u8>();
            mpsc::UnboundedReceiver::from(receiver).recv().await
        }),
        row("mpsc::UnboundedSender", 1, async {
            let (sender, _receiver) = own::mpsc::unbounded_channel::<u8>();
            mpsc::UnboundedSender::from(sender).closed().await;
        }),
        row("oneshot::Receiver", 1, async {
            let (_sender, receiver) = own::oneshot::channel::<u8>();
            oneshot::Receiver::from(receiver).await
        }),
        row("oneshot::Sender", 1, async {
            let (sender, _receiver) = own::oneshot::channel::<u8>();
            oneshot::Sender::from(sender).closed().await;
        }),
        row("watch::Receiver", 1, async {
            let (_sender, receiver) = own::watch::channel(1);
            watch::Receiver::from(receiver).changed().await
        }),
        row("watch::Sender", 1, async {
            let (sender, _receiver) = own::watch::channel(1);
            watch::Sender::from(sender).closed().await;
        }),
        row("broadcast::Receiver", 1, async {
            let (_sender, receiver) = own::broadcast::channel::<u8>(1);
            broadcast::Receiver::from(receiver).recv().await
        }),
        row("broadcast::Sender", 1, async {
            let (sender, _receiver) = own::broadcast::channel::<u8>(1);
            broadcast::Sender::from(sender).closed().await;
        }),
        row("Notify", 1, async { Notify::from(own::Notify::new()).notified().await }),
        row("Semaphore", 1, async { drop(Semaphore::from(own::Semaphore::new(1)).acquire_many(2).await) }),
        row("SetOnce", 1, async { *SetOnce::<u8>::from(own::SetOnce::new()).wait().await }),
        row("OnceCell", 0, async {
            let cell: OnceCell<u8> = own::OnceCell::new().into();
            *cell.get_or_init(pending).await
        }),
        row("Sleep", 1, async { Sleep::from(real::time::sleep(LONG)).await }),
        row("Interval", 1, async {
            let mut interval = Interval::from(real::time::interval(LONG));
            interval.tick().await;
            interval.tick().await
        }),
        // An unobserved task.
        row("JoinHandle", 0, async { JoinHandle::from(real::spawn(sleep(LONG))).await }),
        row("JoinSet", 0, async {
            let mut set = real::task::JoinSet::new();
            set.spawn(sleep(LONG));
            JoinSet::from(set).join_next().await
        }),
        row("Handle", 1, async { Handle::from(real::runtime::Handle::current()).spawn(sleep(LONG)).await }),
    ];
    bench(|bench, runtime| {
        let other = Runtime::from(real::runtime::Builder::new_multi_thread().enable_all().build().unwrap());
        rows.into_iter().for_each(|row| check(bench, runtime, row));
        other.into_inner().shutdown_background();
    });
}

#[test]
fn an_end_that_is_tokios_own_may_be_anywhere() {
    let rows = vec![
        row("mpsc::Sender", 1, async {
            let (sender, mut receiver) = mpsc::channel::<u8>(1);
            let own = sender.into_inner();
            (receiver.recv().await, own)
        }),
        row("mpsc::Receiver", 1, async {
            let (sender, receiver) = mpsc::channel::<u8>(1);
            let own = receiver.into_inner();
            sender.send(1).await.unwrap();
            (sender.send(2).await, own)
        }),
        row("mpsc::UnboundedSender", 1, async {
            let (sender, mut receiver) = mpsc::unbounded_channel::<u8>();
            let own = sender.into_inner();
            (receiver.recv().await, own)
        }),
        row("mpsc::UnboundedReceiver", 1, async {
            let (sender, receiver) = mpsc::unbounded_channel::<u8>();
            let own = receiver.into_inner();
            (sender.closed().await, own)
        }),
        row("oneshot::Sender", 1, async {
            let (sender, receiver) = oneshot::channel::<u8>();
            let own = sender.into_inner();
            (receiver.await, own)
        }),
        row("oneshot::Receiver", 1, async {
            let (mut sender, receiver) = oneshot::channel::<u8>();
            let own = receiver.into_inner();
            (sender.closed().await, own)
        }),
        row("watch::Sender", 1, async {
            let (sender, mut receiver) = watch::channel(1);
            let own = sender.into_inner();
            (receiver.changed().await, own)
        }),
        row("watch::Receiver", 1, async {
            let (sender, receiver) = watch::channel(1);
            let own = receiver.into_inner();
            (sender.closed().await, own)
        }),
        row("broadcast::Sender", 1, async {
            let (sender, mut receiver) = broadcast::channel::<u8>(1);
            let own = sender.into_inner();
            (receiver.recv().await, own)
        }),
        row("broadcast::Receiver", 1, async {
            let (sender, receiver) = broadcast::channel::<u8>(1);
            let own = receiver.into_inner();
            (sender.closed().await, own)
        }),
        // tokio's own type, which is unobserved.
        row("Notify", 0, async { Notify::new().into_inner().notified().await }),
        row("Barrier", 0, async { Barrier::new(2).into_inner().wait().await }),
        row("Semaphore", 0, async { drop(Semaphore::new(0).into_inner().acquire().await) }),
        row("SetOnce", 0, async { *own::SetOnce::<u8>::from(SetOnce::new()).wait().await }),
        row("OnceCell", 0, async { *own::OnceCell::<u8>::from(OnceCell::new()).get_or_init(pending).await }),
        row("Sleep", 0, async { sleep(LONG).into_inner().await }),
        row("Interval", 0, async {
            let mut interval = interval(LONG).into_inner();
            interval.tick().await;
            interval.tick().await
        }),
        row("JoinHandle", 0, async {
            let handle = tokio::spawn(sleep(LONG));
            handle.into_inner().await
        }),
        row("JoinSet", 0, async {
            let mut set = JoinSet::new();
            set.spawn(sleep(LONG));
            set.into_inner().join_next().await
        }),
    ];
    bench(|bench, runtime| {
        let _own: real::task::LocalSet = LocalSet::from(LocalSet::new().into_inner()).into();
        rows.into_iter().for_each(|row| check(bench, runtime, row));
    });
}

#[cfg(all(feature = "stream", feature = "util"))]
#[test]
fn streams_and_utilities_are_observed() {
    use insight_probe::name;
    use tokio::stream::StreamExt;
    use tokio::stream::wrappers::{
        BroadcastStream, IntervalStream, JoinSetStream, ReceiverStream, UnboundedReceiverStream, WatchStream,
    };
    use tokio::util::sync::{CancellationToken, PollSemaphore, PollSender};
    use tokio::util::task::{AbortOnDropHandle, TaskTracker};

    let rows = vec![
        row("ReceiverStream", 1, async {
            let (sender, receiver) = mpsc::channel(1);
            sender.send(7).await.unwrap();
            let mut stream = ReceiverStream::new(receiver);
            assert_eq!(stream.next().await, Some(7));
            (stream.next().await, sender.into_inner())
        }),
        row("UnboundedReceiverStream", 1, async {
            let (sender, receiver) = mpsc::unbounded_channel();
            sender.send(7).unwrap();
            let mut stream = UnboundedReceiverStream::new(receiver);
            assert_eq!(stream.next().await, Some(7));
            (stream.next().await, sender.into_inner())
        }),
        row("WatchStream", 1, async {
            let (sender, receiver) = watch::channel(7);
            let mut stream = WatchStream::new(receiver);
            assert_eq!(stream.next().await, Some(7));
            (stream.next().await, sender.into_inner())
        }),
        row("BroadcastStream", 1, async {
            let (sender, receiver) = broadcast::channel(1);
            sender.send(7).unwrap();
            let mut stream = BroadcastStream::new(receiver);
            assert_eq!(stream.next().await, Some(Ok(7)));
            (stream.next().await, sender.into_inner())
        }),
        row("IntervalStream", 1, async {
            let mut stream = IntervalStream::new(interval(LONG));
            assert!(stream.next().await.is_some());
            stream.next().await
        }),
        row("JoinSetStream", 1, async {
            let mut set = JoinSet::new();
            set.spawn(sleep(LONG));
            JoinSetStream::new(set).next().await
        }),
        // A dropped operation no longer waits.
        row("no stream", 0, async {
            let (_sender, receiver) = mpsc::channel::<u8>(1);
            let mut stream = ReceiverStream::new(receiver);
            tokio::select! {
                biased;
                _ = stream.next() => {}
                () = tokio::task::yield_now() => {}
            }
            drop(stream);
            pending::<()>().await
        }),
        row("CancellationToken", 1, async {
            let token = CancellationToken::new();
            name(&token, "token");
            token.clone().cancelled().await;
        }),
        row("a child of a CancellationToken", 1, async {
            CancellationToken::new().child_token().cancelled_owned().await
        }),
        row("run_until_cancelled", 2, async { CancellationToken::new().run_until_cancelled(sleep(LONG)).await }),
        row("TaskTracker", 1, async {
            let tracker = TaskTracker::new();
            let _tracked = AbortOnDropHandle::new(tracker.spawn(sleep(LONG)));
            tracker.close();
            tracker.wait().await;
        }),
        row("AbortOnDropHandle", 1, async { AbortOnDropHandle::new(tokio::spawn(sleep(LONG))).await }),
        row("PollSemaphore", 1, async {
            let mut semaphore = PollSemaphore::new(std::sync::Arc::new(Semaphore::new(1)));
            let _permit = semaphore.next().await;
            semaphore.add_permits(1);
            std::future::poll_fn(|cx| semaphore.poll_acquire_many(cx, 2)).await.is_some()
        }),
        row("PollSender", 1, async {
            let (sender, receiver) = mpsc::channel(1);
            let (mut sender, _own) = (PollSender::new(sender), receiver.into_inner());
            std::future::poll_fn(|cx| sender.poll_reserve(cx)).await.unwrap();
            sender.send_item(7).unwrap();
            std::future::poll_fn(|cx| sender.poll_reserve(cx)).await
        }),
    ];
    bench(|bench, runtime| {
        rows.into_iter().for_each(|row| check(bench, runtime, row));
        // To tokio's own and back.
        let token = CancellationToken::from(tokio_util::sync::CancellationToken::new());
        assert_eq!(CancellationToken::from(tokio_util::sync::CancellationToken::from(token.clone())), token);
    });
}
