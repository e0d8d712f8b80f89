//! Programs in the shapes that smol's users write. They must compile unchanged, and do the same.

use smol::io::{self, AsyncReadExt, AsyncWriteExt};
use smol::lock::{Barrier, Mutex, OnceCell, RwLock, Semaphore};
use smol::prelude::*;
use smol::{Async, Executor, LocalExecutor, Task, Timer, Unblock, channel, future, net, stream, unblock};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3600);

static EXECUTOR: Executor = Executor::new();
static LOCK: Mutex<u8> = Mutex::new(0);

thread_local! {
    static LOCAL: LocalExecutor<'static> = const { LocalExecutor::new() };
}

/// An executor of its own for spawned tasks, which threads run until they are stopped.
struct Pool {
    executor: Arc<Executor<'static>>,
    threads: Vec<std::thread::JoinHandle<()>>,
    stop: channel::Sender<()>,
}

impl Pool {
    fn new(count: usize) -> Pool {
        let executor = Arc::new(Executor::default());
        let (stop, stopped) = channel::unbounded::<()>();
        let threads = (0..count).map(|_| {
            let (executor, stopped) = (executor.clone(), stopped.clone());
            std::thread::spawn(move || future::block_on(executor.run(stopped.recv())).unwrap_err().to_string().clear())
        });
        Pool { threads: threads.collect(), executor, stop }
    }

    fn spawn<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Task<T> {
        self.executor.spawn(future)
    }

    fn stop(self) {
        drop(self.stop);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(self.executor.is_empty());
    }
}

#[test]
fn tasks() {
    let pool = Pool::new(2);
    let tasks: Vec<Task<u32>> = (0..10).map(|n| pool.spawn(async move { n * n })).collect();
    let sum = smol::block_on(async {
        let mut sum = 0;
        for task in tasks {
            sum += task.await;
        }
        sum
    });
    assert_eq!(sum, 285);
    let (sender, receiver) = channel::bounded(1);
    pool.spawn(async move { sender.send(1).await.unwrap() }).detach();
    assert_eq!(receiver.recv_blocking(), Ok(1));
    pool.stop();

    let panics = smol::spawn(async { panic!("on purpose") });
    assert!(catch_unwind(AssertUnwindSafe(|| smol::block_on(panics))).is_err());
    let task: Task<u8> = smol::spawn(future::ready(1));
    assert_eq!(*task.metadata(), ());
    assert!(format!("{task:?}").starts_with("Task"));
    assert_eq!(smol::block_on(task.fallible()), Some(1));
    let task = smol::spawn(future::pending::<()>());
    assert!(!task.is_finished());
    assert_eq!(smol::block_on(task.cancel()), None);
    let task = smol::spawn(future::pending::<()>()).fallible();
    assert!(!task.is_finished() && format!("{task:?}").starts_with("FallibleTask"));
    assert_eq!(smol::block_on(task.cancel()), None);
    smol::spawn(async {}).fallible().detach();
}

#[test]
fn executors() {
    let task = EXECUTOR.spawn(async { *LOCK.lock().await += 1 });
    smol::block_on(EXECUTOR.run(task));
    assert_eq!(*LOCK.lock_blocking(), 1);
    assert!(EXECUTOR.is_empty() && !EXECUTOR.try_tick());
    let mut tasks = vec![];
    EXECUTOR.spawn_many([future::ready(1), future::ready(2)], &mut tasks);
    assert!(EXECUTOR.try_tick());
    future::block_on(EXECUTOR.tick());
    assert_eq!(tasks.iter().map(Task::is_finished).collect::<Vec<_>>(), [true, true]);

    // The values that tasks borrow outlive the executor.
    let words = ["one".to_owned(), "two".to_owned()];
    let executor = Executor::new();
    let lengths: Vec<Task<usize>> = words.iter().map(|word| executor.spawn(async move { word.len() })).collect();
    let sum = smol::block_on(executor.run(stream::iter(lengths).then(|task| task).fold(0, |sum, length| sum + length)));
    assert_eq!(sum, 6);
    assert!(format!("{executor:?}").starts_with("Executor"));

    LOCAL.with(|local| {
        let shared = Rc::new(RefCell::new(0));
        let its = shared.clone();
        let task = local.spawn(async move { *its.borrow_mut() += 1 });
        let mut tasks = Vec::new();
        local.spawn_many((0..3).map(|n| future::ready(Rc::new(n))), &mut tasks);
        smol::block_on(local.run(async {
            task.await;
            assert_eq!(*tasks.remove(2).await, 2);
        }));
        assert_eq!(*shared.borrow(), 1);
        assert!(local.is_empty() && !local.try_tick() && format!("{local:?}").starts_with("LocalExecutor"));
    });
    // An executor in the task of another, and a block_on in a poll.
    let (outer, inner) = (Executor::new(), LocalExecutor::new());
    let task = outer.spawn(async { smol::block_on(Executor::new().run(async { 7 })) });
    assert_eq!(smol::block_on(inner.run(outer.run(inner.spawn(task)))), 7);
    // A future that panics.
    assert!(catch_unwind(AssertUnwindSafe(|| smol::block_on(outer.run(async { panic!("on purpose") })))).is_err());
    assert_eq!(smol::block_on(outer.run(outer.spawn(async { 8 }))), 8);
}

/// As in smol, an executor cannot become one of a longer or shorter lifetime, but it can be lent for a shorter one.
#[test]
fn lifetimes() {
    fn run<'a>(executor: &Executor<'a>, value: &'a u8) -> u8 {
        future::block_on(executor.run(executor.spawn(async move { *value })))
    }
    let value = 3;
    assert_eq!(run(&Executor::new(), &value), 3);
    assert_eq!(run(&EXECUTOR, &4), 4);
}

#[test]
fn timers() {
    smol::block_on(async {
        let begun = Instant::now();
        let short = Duration::from_millis(2);
        assert!(Timer::after(short).await >= begun + short);
        assert_eq!(Timer::at(begun).await, begun);
        let ticks: Vec<Instant> = Timer::interval(short).take(2).collect().await;
        assert_eq!(ticks[1] - ticks[0], short);
        let mut timer = Timer::interval_at(begun, HOUR);
        assert_eq!(timer.next().await, Some(begun));
        timer.set_at(begun);
        assert_eq!((&mut timer).await, begun);
        timer.set_interval_at(begun, short);
        assert_eq!(timer.next().await, Some(begun));
        timer.set_interval(short);
        timer.next().await.unwrap();
        timer.clear();
        assert!(!timer.will_fire() && future::poll_once(&mut timer).await.is_none());
        timer.set_after(Duration::ZERO);
        assert!(timer.will_fire() && format!("{timer:?}").contains("Timer"));
        timer.await;
        assert!(future::poll_once(Timer::never()).await.is_none());
        let timeout = async {
            Timer::after(short).await;
            Err(io::ErrorKind::TimedOut)
        };
        assert_eq!(async { future::pending().await }.or(timeout).await, Err::<(), _>(io::ErrorKind::TimedOut));
    });
}

#[test]
fn closures_and_io() -> io::Result<()> {
    smol::block_on(async {
        assert_eq!(unblock(|| 1 + 1).await, 2);
        let mut file = Unblock::new(std::io::Cursor::new(b"text".to_vec()));
        let mut text = String::new();
        file.read_to_string(&mut text).await?;
        assert_eq!(text, "text");

        let listener = net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = smol::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await?;
            io::Result::Ok(all)
        });
        let mut client = Async::<std::net::TcpStream>::connect(address).await?;
        client.write_all(b"hello").await?;
        drop(client);
        assert_eq!(server.await?, b"hello");
        assert!(smol::fs::metadata(".").await?.is_dir());
        let mut child = smol::process::Command::new("true").spawn()?;
        assert!(child.status().await?.success());
        Ok(())
    })
}

#[test]
fn the_rest() {
    let cell = OnceCell::new();
    let (shared, permits, barrier) = (RwLock::new(1), Semaphore::new(1), Barrier::new(1));
    smol::block_on(async {
        assert_eq!(*cell.get_or_init(|| async { 5 }).await, 5);
        *shared.write().await += 1;
        assert_eq!(*shared.read().await, 2);
        let _permit = permits.acquire().await;
        assert!(barrier.wait().await.is_leader());
        let (left, right) = future::zip(async { 1 }, future::yield_now()).await;
        assert_eq!((left, right), (1, ()));
        assert_eq!(future::or(future::ready(1), future::pending()).await, 1);
        let pinned = async { 2 };
        smol::pin!(pinned);
        assert_eq!(pinned.await, 2);
        let poll = future::poll_fn(|cx| {
            let mut ready = std::pin::pin!(future::ready(3));
            std::task::Poll::Ready(smol::ready!(ready.as_mut().poll(cx)))
        });
        assert_eq!(poll.await, 3);
    });
}

#[test]
fn to_smols_own_and_back() {
    let executor = Executor::from(real::Executor::new());
    let task = Task::from(executor.real().spawn(async { 1 }));
    let fallible: async_task::FallibleTask<u8> = executor.spawn(async { 2 }).fallible().into();
    let own: real::Task<u8> = executor.spawn(async { 3 }).into();
    let sum = executor.run(async { task.await + smol::FallibleTask::from(fallible).await.unwrap() + own.await });
    assert_eq!(future::block_on(sum), 6);
    assert!(executor.into_inner().is_empty());
    let local: real::LocalExecutor<'_> = LocalExecutor::from(real::LocalExecutor::new()).into();
    assert!(local.is_empty());
    let timer: real::Timer = Timer::from(real::Timer::never()).into();
    assert!(!timer.will_fire());
}
