//! tokio as an adapter of the protocol, on which a conformance suite runs its cases. tokio has no such module.

use crate::executor::EXECUTOR;
use crate::runtime::Runtime;
use crate::sync;
use crate::sync::mpsc::{Receiver, Sender};
use crate::task::JoinHandle;
use insight_probe::adapter::{Adapter, Channel, Descriptor, Lock, Resources, Spawned, Timer};
use insight_probe::{Outcome, ResourceKind};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// tokio, with a runtime of its own.
#[derive(Debug)]
pub struct Tokio(Runtime);

impl From<Runtime> for Tokio {
    fn from(runtime: Runtime) -> Tokio {
        Tokio(runtime)
    }
}

impl Adapter for Tokio {
    type Task = Task;

    fn descriptor(&self) -> Descriptor {
        EXECUTOR.descriptor()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) -> Task {
        Task(self.0.spawn(future))
    }

    fn resources<R: Resources>(&self, resources: &mut R) {
        resources.lock::<sync::Mutex<()>>();
        resources.lock::<sync::RwLock<()>>();
        resources.lock::<sync::Semaphore>();
        resources.channel::<Bounded>();
        resources.timer::<Tokio>();
    }
}

/// A task of [`Tokio`].
#[derive(Debug)]
pub struct Task(JoinHandle<()>);

impl Future for Task {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Task>, cx: &mut Context<'_>) -> Poll<Outcome> {
        Pin::new(&mut self.0).poll(cx).map(|end| match end {
            Ok(()) => Outcome::Returned,
            Err(error) if error.is_panic() => Outcome::Panicked,
            Err(_) => Outcome::Cancelled,
        })
    }
}

impl Spawned for Task {
    fn cancel(self) {
        self.0.abort();
    }

    fn detach(self) {}
}

impl Lock for sync::Mutex<()> {
    const KIND: ResourceKind = ResourceKind::Mutex;

    type Guard<'a> = sync::MutexGuard<'a, ()>;

    fn new() -> Self {
        sync::Mutex::new(())
    }

    fn acquire(&self) -> impl Future<Output = sync::MutexGuard<'_, ()>> + Send {
        self.lock()
    }
}

/// The lock is held to write.
impl Lock for sync::RwLock<()> {
    const KIND: ResourceKind = ResourceKind::Rwlock;

    type Guard<'a> = sync::RwLockWriteGuard<'a, ()>;

    fn new() -> Self {
        sync::RwLock::new(())
    }

    fn acquire(&self) -> impl Future<Output = sync::RwLockWriteGuard<'_, ()>> + Send {
        self.write()
    }
}

/// A semaphore with one permit.
impl Lock for sync::Semaphore {
    const KIND: ResourceKind = ResourceKind::Semaphore;

    type Guard<'a> = sync::SemaphorePermit<'a>;

    fn new() -> Self {
        sync::Semaphore::new(1)
    }

    fn acquire(&self) -> impl Future<Output = sync::SemaphorePermit<'_>> + Send {
        let acquire = sync::Semaphore::acquire(self);
        async { acquire.await.expect("it is never closed") }
    }
}

/// A bounded channel, [`mpsc::channel`](sync::mpsc::channel).
#[derive(Clone, Copy, Debug)]
pub struct Bounded;

impl Channel for Bounded {
    const KIND: ResourceKind = ResourceKind::Channel;

    type Sender = Sender<u64>;
    type Receiver = Receiver<u64>;

    fn new(capacity: usize) -> (Sender<u64>, Receiver<u64>) {
        sync::mpsc::channel(capacity)
    }

    fn send(sender: &mut Sender<u64>, number: u64) -> impl Future<Output = bool> + Send {
        let send = sender.send(number);
        async { send.await.is_ok() }
    }

    fn recv(receiver: &mut Receiver<u64>) -> impl Future<Output = Option<u64>> + Send {
        receiver.recv()
    }
}

impl Timer for Tokio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        crate::time::sleep(duration)
    }
}
