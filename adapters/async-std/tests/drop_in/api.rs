//! A program that names the facade `async_std` compiles and runs unchanged: with the attributes, the macros and the
//! prelude, and with each function that the facade replaces.

use async_std::channel::{self, Receiver, Sender, TryRecvError};
use async_std::future::{self, TimeoutError};
use async_std::io;
use async_std::net::{TcpListener, TcpStream};
use async_std::prelude::*;
use async_std::stream;
use async_std::sync::{
    Arc, Barrier, Condvar, Mutex, MutexGuard, MutexGuardArc, RwLock, RwLockUpgradableReadGuard, Weak,
};
use async_std::task::{self, Builder, Context, JoinHandle, Poll, Task, TaskId};
use async_std::task_local;
use std::cell::Cell;
use std::time::Duration;

task_local! {
    static NUMBER: Cell<u32> = Cell::new(1);
}

static LOCK: Mutex<u32> = Mutex::new(7);
static SETTINGS: RwLock<u32> = RwLock::new(7);

mod program {
    // The attribute turns an async `main` into an ordinary function.
    #[async_std::main]
    async fn main() -> std::io::Result<()> {
        assert_eq!(async_std::task::current().name(), None);
        Ok(())
    }

    pub fn run() -> std::io::Result<()> {
        main()
    }
}

#[test]
fn an_async_main() {
    program::run().unwrap();
}

#[async_std::test]
async fn tasks() -> io::Result<()> {
    let handle: JoinHandle<u8> = task::spawn(async { 1 });
    let (id, own): (TaskId, Task) = (handle.task().id(), handle.task().clone());
    assert!(id == own.id() && format!("{own:?}").contains(&id.to_string()));
    assert!(format!("{handle:?}").starts_with("JoinHandle {"));
    assert_eq!(handle.await, 1);
    assert_eq!(task::spawn_local(async { 2 }).await, 2);
    assert_eq!(task::spawn_blocking(|| 3).await, 3);
    assert_eq!(task::spawn(std::future::pending::<u8>()).cancel().await, None);
    assert_eq!(task::block_on(async { 4 }), 4);
    let builder = || Builder::new().name("five".to_owned());
    assert_eq!(format!("{:?}", builder()), r#"Builder { name: Some("five") }"#);
    let named = builder().spawn(async { task::current().name().map(str::to_owned) })?;
    assert_eq!(named.task().name(), Some("five"));
    assert_eq!(named.await.as_deref(), Some("five"));
    assert_eq!(builder().local(async { 5 })?.await, 5);
    assert_eq!(builder().blocking(async { task::try_current().unwrap().name().map(str::len) }), Some(4));
    assert_eq!(Builder::default().blocking(async { 6 }), 6);
    task::yield_now().await;
    task::sleep(Duration::from_millis(1)).await;
    let poll = |_: &mut Context<'_>| Poll::Ready(7);
    assert_eq!(future::poll_fn(|cx| Poll::Ready(task::ready!(poll(cx)))).await, 7);
    Ok(())
}

#[async_std::test]
async fn task_locals() {
    NUMBER.with(|number| number.set(2));
    let of_another = task::spawn(async { NUMBER.with(Cell::get) }).await;
    assert_eq!((NUMBER.with(Cell::get), of_another), (2, 1));
    let outside = task::spawn_blocking(|| NUMBER.try_with(Cell::get).is_err()).await;
    assert!(outside);
}

#[async_std::test]
async fn channels() {
    let (sender, receiver): (Sender<u8>, Receiver<u8>) = channel::bounded(2);
    sender.send(1).await.unwrap();
    sender.try_send(2).unwrap();
    assert!(sender.try_send(3).unwrap_err().is_full());
    let mut stream = receiver.clone();
    assert_eq!((receiver.recv().await, stream.next().await), (Ok(1), Some(2)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let weak = sender.downgrade();
    drop(sender);
    assert!(weak.upgrade().is_none() && receiver.recv().await.is_err());
    let (sender, receiver) = channel::unbounded();
    task::spawn_blocking(move || sender.send_blocking(4)).await.unwrap();
    assert_eq!(receiver.collect::<Vec<u8>>().await, [4]);
}

#[async_std::test]
async fn locks() {
    *LOCK.lock().await += 1;
    assert_eq!(*LOCK.try_lock().unwrap(), 8);
    let (read, upgradable) = (SETTINGS.read().await, SETTINGS.upgradable_read().await);
    assert_eq!((*read, *upgradable), (7, 7));
    drop(read);
    *RwLockUpgradableReadGuard::upgrade(upgradable).await += 1;
    assert_eq!(*SETTINGS.write().await, 8);

    let value: Arc<Mutex<dyn std::fmt::Debug + Send>> = Arc::new(Mutex::new(9));
    let weak: Weak<_> = Arc::downgrade(&value);
    assert_eq!(format!("{:?}", &*weak.upgrade().unwrap().lock().await), "9");
    let owned: MutexGuardArc<u8> = Arc::new(Mutex::from(9)).lock_arc().await;
    assert_eq!(*owned, 9);

    let barrier = Arc::new(Barrier::new(2));
    let other = task::spawn({
        let barrier = barrier.clone();
        async move { barrier.wait().await.is_leader() }
    });
    assert!(barrier.wait().await.is_leader() != other.await);
}

#[async_std::test]
async fn conditions() {
    let pair = Arc::new((Mutex::new(0), Condvar::default()));
    assert_eq!(format!("{:?}", pair.1), "Condvar { .. }");
    let adds = task::spawn({
        let pair = pair.clone();
        async move {
            let (mutex, condvar) = &*pair;
            for _ in 0..4 {
                let mut guard = condvar.wait_until(mutex.lock().await, |number| *number % 2 == 1).await;
                *guard += 1;
                condvar.notify_one();
            }
        }
    });
    let (mutex, condvar) = &*pair;
    for n in 0..4 {
        let mut guard: MutexGuard<'_, u32> = mutex.lock().await;
        *guard += 1;
        condvar.notify_all();
        guard = match n {
            0 => {
                while *guard % 2 == 1 {
                    guard = condvar.wait(guard).await;
                }
                guard
            }
            1 => {
                let (guard, result) = condvar.wait_timeout_until(guard, Duration::MAX, |number| *number % 2 == 0).await;
                assert!(!result.timed_out() && format!("{result:?}") == "WaitTimeoutResult(false)");
                guard
            }
            2 => loop {
                let (again, result) = condvar.wait_timeout(guard, Duration::MAX).await;
                assert!(!result.timed_out());
                guard = again;
                if guard.is_multiple_of(2) {
                    break guard;
                }
            },
            _ => condvar.wait_until(guard, |number| *number % 2 == 0).await,
        };
        assert_eq!(*guard, 2 * (n + 1));
    }
    adds.await;
    let (guard, result) = condvar.wait_timeout(mutex.lock().await, Duration::from_millis(1)).await;
    assert!(*guard == 8 && result.timed_out());
}

#[async_std::test]
async fn time() {
    let error: Result<u8, TimeoutError> = future::timeout(Duration::ZERO, future::pending()).await;
    assert_eq!(error.unwrap_err().to_string(), "future has timed out");
    assert_eq!(future::ready(1).timeout(Duration::MAX).await, Ok(1));
    let error = io::timeout(Duration::ZERO, future::pending::<io::Result<()>>()).await;
    assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
    let ticks = stream::interval(Duration::from_millis(1));
    assert!(format!("{ticks:?}").starts_with("Interval {"));
    assert_eq!(ticks.take(3).count().await, 3);
    let real: real::stream::Interval = stream::interval(Duration::ZERO).into();
    assert_eq!(stream::Interval::from(real).next().await, Some(()));
}

#[async_std::test]
async fn what_is_async_stds_own() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let echoes = task::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        stream.write_all(&byte).await
    });
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"x").await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    assert_eq!(text, "x");
    echoes.await?;
    assert_eq!(async { 1 }.join(async { 2 }).await, (1, 2));
    let is_folder = async_std::fs::metadata(".").await?.is_dir();
    async_std::println!("{is_folder}").await;
    Ok(())
}
