//! The load of `stress/load.rs` on smol.

#[path = "../stress/handles.rs"]
mod handles;
#[path = "../stress/load.rs"]
mod load;

use smol::{Executor, Timer, channel};
use std::thread;
use std::time::Duration;

static EXECUTOR: Executor<'static> = Executor::new();

fn main() {
    let arguments = load::begin();
    let (stop, stopped) = channel::bounded::<()>(1);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| smol::block_on(EXECUTOR.run(stopped.recv())));
        }
        smol::block_on(async {
            load::stress(arguments).await;
            // Some tasks have no other task that waits for them.
            while !EXECUTOR.is_empty() {
                Timer::after(Duration::from_millis(1)).await;
            }
        });
        drop(stop);
    });
    drop(stopped);
    load::end();
}

/// The functions that the load needs, for smol.
mod runtime {
    use super::EXECUTOR;
    use super::handles::caught;
    pub use super::handles::crowd;
    pub use smol::channel::{Receiver, Sender, bounded as channel};
    pub use smol::future::yield_now;
    use smol::future::{or, zip};
    pub use smol::lock::{Mutex, RwLock, Semaphore};
    use smol::{Task, Timer, unblock};
    use std::future::Future;
    use std::sync::Arc;
    use std::time::Duration;

    pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Task<()> {
        EXECUTOR.spawn(future)
    }

    pub async fn join(task: Task<()>) {
        caught(task).await;
    }

    pub async fn abort(task: Task<()>) {
        // Half of the tasks are cancelled by dropping their handle.
        if fastrand::bool() { caught(task.cancel()).await } else { drop(task) }
    }

    pub fn let_go(task: Task<()>) {
        task.detach();
    }

    pub async fn blocking(closure: impl FnOnce() + Send + 'static) {
        unblock(closure).await;
    }

    pub async fn sleep(time: Duration) {
        Timer::after(time).await;
    }

    pub async fn timeout<T>(time: Duration, wait: impl Future<Output = T>) -> Option<T> {
        let too_late = async {
            sleep(time).await;
            None
        };
        or(async { Some(wait.await) }, too_late).await
    }

    pub async fn first_of(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
        smol::future::race(one, other).await;
    }

    pub async fn both(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
        zip(one, other).await;
    }

    pub async fn send(sender: &Sender<u64>, value: u64) {
        let _ = sender.send(value).await;
    }

    pub async fn receive(receiver: &mut Receiver<u64>) {
        let _ = receiver.recv().await;
    }

    pub fn question() -> (Sender<()>, impl Future) {
        let (answers, asked) = channel(1);
        (answers, async move { asked.recv().await })
    }

    pub fn answer(answers: Sender<()>) {
        let _ = answers.try_send(());
    }

    pub async fn lock_owned(mutex: &Arc<Mutex<u64>>) -> impl Send + use<> {
        mutex.lock_arc().await
    }

    pub async fn read_owned(lock: &Arc<RwLock<u64>>) -> impl Send + use<> {
        lock.read_arc().await
    }

    pub async fn write_owned(lock: &Arc<RwLock<u64>>) -> impl Send + use<> {
        lock.write_arc().await
    }

    pub async fn acquire(semaphore: &Arc<Semaphore>) -> impl Send {
        semaphore.acquire().await
    }

    pub async fn acquire_owned(semaphore: &Arc<Semaphore>) -> impl Send + use<> {
        semaphore.acquire_arc().await
    }
}
