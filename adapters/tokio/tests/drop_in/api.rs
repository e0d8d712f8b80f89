//! Types, traits, macros and panics of the facade are tokio's.

use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc::error::{SendTimeoutError, TryRecvError, TrySendError};
use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard, mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet, LocalSet};

static COUNTER: Mutex<u64> = Mutex::const_new(7);

#[test]
fn auto_traits() {
    fn send_sync<T: Send + Sync>() {}
    fn send<T: Send>() {}
    fn unpin<T: Unpin>() {}
    fn unwind_safe<T: UnwindSafe + RefUnwindSafe>() {}
    fn value<T: Send + Sync>(_: T) {}
    fn future<F: Future + Send>(_: F) {}
    send_sync::<mpsc::Sender<u8>>();
    send_sync::<mpsc::Receiver<u8>>();
    send_sync::<mpsc::UnboundedSender<u8>>();
    send_sync::<mpsc::WeakSender<u8>>();
    send_sync::<mpsc::OwnedPermit<u8>>();
    send_sync::<Mutex<u8>>();
    send::<MutexGuard<'_, u8>>();
    send::<OwnedMutexGuard<u8>>();
    send_sync::<JoinHandle<u8>>();
    send_sync::<Runtime>();
    unpin::<mpsc::Receiver<u8>>();
    unpin::<mpsc::Sender<u8>>();
    unpin::<Mutex<u8>>();
    unpin::<JoinHandle<u8>>();
    unpin::<JoinSet<u8>>();
    unwind_safe::<Runtime>();
    unwind_safe::<Handle>();
    unwind_safe::<JoinHandle<u8>>();
    let mutex = Arc::new(Mutex::new(1));
    value(mutex.lock());
    value(mutex.clone().lock_owned());
    let (sender, mut receiver) = mpsc::channel::<u8>(1);
    future(sender.send(1));
    future(sender.reserve());
    future(receiver.recv());
    let dynamic: Arc<Mutex<dyn Fn() -> u8 + Send>> = Arc::new(Mutex::new(|| 1));
    assert_eq!(dynamic.try_lock().unwrap()(), 1);
    // As with tokio's, no warning if it is dropped: hyper's tests do so, and deny warnings.
    #[deny(unused_must_use)]
    fn dropped(channel: fn() -> oneshot::Receiver<u8>) {
        channel();
    }
    dropped(|| oneshot::channel().1);
    fn not_static(text: &str) -> OwnedMutexGuard<&str> {
        Arc::new(Mutex::new(text)).try_lock_owned().unwrap()
    }
    assert_eq!(*not_static("lent"), "lent");
}

#[tokio::test]
async fn mutex_and_its_guards() {
    *COUNTER.lock().await += 1;
    assert_eq!(*COUNTER.lock().await, 8);
    let pair = Arc::new(Mutex::new((1, String::from("a"))));
    let guard = pair.lock().await;
    assert_eq!(format!("{pair:?}"), "Mutex { data: <locked> }");
    assert!(std::ptr::eq(MutexGuard::mutex(&guard), &*pair));
    assert!(pair.try_lock().is_err() && pair.clone().try_lock_owned().is_err());
    let mut name = MutexGuard::map(guard, |pair| &mut pair.1);
    name.push('b');
    let first = tokio::sync::MappedMutexGuard::try_map(name, |name| name.get_mut(0..1)).unwrap();
    assert_eq!((&*first, pair.try_lock().is_err()), ("a", true));
    drop(first);
    let owned = OwnedMutexGuard::map(pair.clone().lock_owned().await, |pair| &mut pair.0);
    assert_eq!((*owned, pair.try_lock().is_err()), (1, true));
    drop(owned);
    assert_eq!(Arc::into_inner(pair).unwrap().into_inner(), (1, String::from("ab")));
}

#[tokio::test(start_paused = true)]
async fn bounded_channel() {
    let (sender, mut receiver) = mpsc::channel(2);
    let weak = sender.downgrade();
    sender.send(1).await.unwrap();
    sender.reserve().await.unwrap().send(2);
    assert!(matches!(sender.try_send(3), Err(TrySendError::Full(3))));
    let late = sender.send_timeout(3, Duration::from_secs(1)).await;
    assert!(matches!(late, Err(SendTimeoutError::Timeout(3))));
    assert_eq!((receiver.len(), sender.capacity(), sender.max_capacity()), (2, 0, 2));
    assert_eq!((receiver.recv().await, receiver.try_recv()), (Some(1), Ok(2)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let permit = sender.clone().reserve_owned().await.unwrap();
    assert!(permit.same_channel_as_sender(&sender));
    drop(permit.send(4));
    for (value, permit) in sender.try_reserve_many(1).unwrap().enumerate() {
        permit.send(value);
    }
    let mut all = Vec::new();
    assert_eq!(receiver.recv_many(&mut all, 9).await, 2);
    assert_eq!(all, [4, 0]);
    assert_eq!((sender.strong_count(), receiver.sender_weak_count()), (1, 1));
    drop(weak.upgrade().unwrap());
    drop(sender);
    assert!(weak.upgrade().is_none());
    assert_eq!(receiver.recv().await, None);
}

#[tokio::test]
async fn unbounded_channel() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    sender.send(1).unwrap();
    assert!(sender.same_channel(&sender.clone()));
    assert_eq!(receiver.recv().await, Some(1));
    receiver.close();
    sender.closed().await;
    assert!(sender.send(2).is_err() && sender.is_closed());
    assert_eq!(receiver.recv().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawning() {
    let here = Handle::current();
    assert_eq!(here.spawn(async { 1 }).await.unwrap(), 1);
    assert_eq!(tokio::task::spawn_blocking(move || here.block_on(async { 2 })).await.unwrap(), 2);
    let mut set: JoinSet<u32> = (0..3).map(|n| async move { n }).collect();
    set.spawn_blocking(|| 3);
    let mut all = set.join_all().await;
    all.sort();
    assert_eq!(all, [0, 1, 2, 3]);
    let stuck = tokio::spawn(std::future::pending::<()>());
    stuck.abort();
    assert!(stuck.await.unwrap_err().is_cancelled());
    assert!(tokio::spawn(async { panic!("on purpose") }).await.unwrap_err().is_panic());
    let (a, b) = tokio::join!(async { 1 }, async { 2 });
    assert_eq!(a + b, 3);
    tokio::select! {
        _ = tokio::time::sleep(Duration::from_secs(60)) => unreachable!(),
        _ = tokio::task::yield_now() => {}
    }
}

#[test]
fn local_tasks() {
    let runtime = Builder::new_current_thread().enable_all().thread_name("own").build().unwrap();
    let local = LocalSet::new();
    let first = local.spawn_local(async { std::rc::Rc::new(1) });
    let both = local.block_on(&runtime, async move {
        let second = tokio::task::spawn_local(async { std::rc::Rc::new(2) });
        *first.await.unwrap() + *second.await.unwrap()
    });
    assert_eq!(both, 3);
    let mut set = JoinSet::new();
    set.spawn_local_on(async { 5 }, &local);
    assert_eq!(runtime.block_on(local.run_until(set.join_next())).unwrap().unwrap(), 5);
}

#[test]
fn blocking_calls() {
    let (sender, mut receiver) = mpsc::channel(1);
    let thread = std::thread::spawn(move || (0..3).for_each(|n| sender.blocking_send(n).unwrap()));
    assert_eq!([receiver.blocking_recv(), receiver.blocking_recv(), receiver.blocking_recv()], [0, 1, 2].map(Some));
    thread.join().unwrap();
    assert_eq!(receiver.blocking_recv(), None);
    assert_eq!(*Mutex::new(1).blocking_lock(), 1);
}

#[tokio::test]
#[should_panic(expected = "Cannot block the current thread from within a runtime")]
async fn blocking_in_a_task_panics() {
    let _ = Mutex::new(1).blocking_lock();
}
