//! async-std as an adapter of the protocol, on which a conformance suite runs its cases. async-std has no such module.

use crate::channel::{Receiver, Sender};
use crate::executor::EXECUTOR;
use crate::sync;
use insight_probe::adapter::{Adapter, Channel, Descriptor, Lock, Resources, Spawned};
use insight_probe::{Outcome, ResourceKind};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// async-std's one executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStd;

impl Adapter for AsyncStd {
    type Task = Task;

    fn descriptor(&self) -> Descriptor {
        EXECUTOR.descriptor()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        crate::task::block_on(future)
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) -> Task {
        Task(crate::task::spawn(future))
    }

    fn resources<R: Resources>(&self, resources: &mut R) {
        resources.lock::<Mutex>();
        resources.lock::<RwLock>();
        resources.channel::<Bounded>();
    }
}

/// A task of [`AsyncStd`].
#[derive(Debug)]
pub struct Task(crate::task::JoinHandle<()>);

impl Future for Task {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Task>, cx: &mut Context<'_>) -> Poll<Outcome> {
        // The handle passes on the task's panic.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx))) {
            Ok(poll) => poll.map(|()| Outcome::Returned),
            Err(_) => Poll::Ready(Outcome::Panicked),
        }
    }
}

impl Spawned for Task {
    fn cancel(self) {
        // The first poll asks for the cancel; nothing waits for it to finish.
        let _ = pin!(self.0.cancel()).poll(&mut Context::from_waker(Waker::noop()));
    }

    fn detach(self) {}
}

/// A mutex.
#[derive(Debug)]
pub struct Mutex(sync::Mutex<()>);

impl Lock for Mutex {
    const KIND: ResourceKind = ResourceKind::Mutex;

    type Guard<'a> = sync::MutexGuard<'a, ()>;

    fn new() -> Mutex {
        Mutex(sync::Mutex::new(()))
    }

    fn acquire(&self) -> impl Future<Output = sync::MutexGuard<'_, ()>> + Send {
        self.0.lock()
    }
}

/// An rwlock, held to write.
#[derive(Debug)]
pub struct RwLock(sync::RwLock<()>);

impl Lock for RwLock {
    const KIND: ResourceKind = ResourceKind::Rwlock;

    type Guard<'a> = sync::RwLockWriteGuard<'a, ()>;

    fn new() -> RwLock {
        RwLock(sync::RwLock::new(()))
    }

    fn acquire(&self) -> impl Future<Output = sync::RwLockWriteGuard<'_, ()>> + Send {
        self.0.write()
    }
}

/// A bounded channel.
#[derive(Clone, Copy, Debug)]
pub struct Bounded;

impl Channel for Bounded {
    const KIND: ResourceKind = ResourceKind::Channel;

    type Sender = Sender<u64>;
    type Receiver = Receiver<u64>;

    fn new(capacity: usize) -> (Sender<u64>, Receiver<u64>) {
        crate::channel::bounded(capacity)
    }

    fn send(sender: &mut Sender<u64>, number: u64) -> impl Future<Output = bool> + Send {
        let send = sender.send(number);
        async { send.await.is_ok() }
    }

    fn recv(receiver: &mut Receiver<u64>) -> impl Future<Output = Option<u64>> + Send {
        let recv = receiver.recv();
        async { recv.await.ok() }
    }
}
