//! smol as an adapter of the protocol, on which a conformance suite runs its cases. smol has no such module.

use crate::channel::{Receiver, Sender};
use crate::lock;
use crate::observe::EXECUTOR;
use insight_probe::adapter::{Adapter, Channel, Descriptor, Resources, Spawned, Timer};
use insight_probe::{Outcome, ResourceKind};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// smol's global executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

impl Adapter for Smol {
    type Task = Task;

    fn descriptor(&self) -> Descriptor {
        EXECUTOR.descriptor()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        crate::block_on(future)
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) -> Task {
        Task(crate::spawn(future))
    }

    fn resources<R: Resources>(&self, resources: &mut R) {
        resources.lock::<Mutex>();
        resources.lock::<RwLock>();
        resources.lock::<Semaphore>();
        resources.channel::<Bounded>();
        resources.timer::<Smol>();
    }
}

/// A task of [`Smol`].
#[derive(Debug)]
#[must_use = "tasks get canceled when dropped, use `.detach()` to run them in the background"]
pub struct Task(crate::Task<()>);

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
    fn cancel(self) {}

    fn detach(self) {
        self.0.detach();
    }
}

/// One of async-lock's locks, for the suite.
macro_rules! lock {
    ($(#[$doc:meta])* $Lock:ident($inner:ty), $Guard:ty, $kind:ident, new $value:expr, $acquire:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $Lock($inner);

        impl insight_probe::adapter::Lock for $Lock {
            const KIND: ResourceKind = ResourceKind::$kind;

            type Guard<'a> = $Guard;

            fn new() -> Self {
                $Lock(<$inner>::new($value))
            }

            fn acquire(&self) -> impl Future<Output = Self::Guard<'_>> + Send {
                self.0.$acquire()
            }
        }
    };
}

lock!(
    /// A mutex.
    Mutex(lock::Mutex<()>), lock::MutexGuard<'a, ()>, Mutex, new (), lock
);
lock!(
    /// An rwlock, held to write.
    RwLock(lock::RwLock<()>), lock::RwLockWriteGuard<'a, ()>, Rwlock, new (), write
);
lock!(
    /// A semaphore of one permit.
    Semaphore(lock::Semaphore), lock::SemaphoreGuard<'a>, Semaphore, new 1, acquire
);

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

impl Timer for Smol {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        let timer = crate::Timer::after(duration);
        async {
            timer.await;
        }
    }
}
