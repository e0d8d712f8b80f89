//! The load of `stress/load.rs` on async-std.

#[path = "../stress/handles.rs"]
mod handles;
#[path = "../stress/load.rs"]
mod load;

fn main() {
    let arguments = load::begin();
    async_std::task::block_on(load::stress(arguments));
    load::end();
}

/// The functions that the load needs, for async-std.
mod runtime {
    use super::handles::caught;
    pub use super::handles::crowd;
    pub use async_std::channel::{Receiver, Sender, bounded as channel};
    use async_std::prelude::FutureExt;
    use async_std::sync::Condvar;
    pub use async_std::sync::{Mutex, RwLock};
    use async_std::task::{JoinHandle, spawn_blocking};
    pub use async_std::task::{sleep, spawn, yield_now};
    use std::future::Future;
    use std::sync::Arc;
    use std::time::Duration;

    pub async fn join(task: JoinHandle<()>) {
        caught(task).await;
    }

    pub async fn abort(task: JoinHandle<()>) {
        caught(task.cancel()).await;
    }

    pub fn let_go(task: JoinHandle<()>) {
        drop(task);
    }

    pub async fn blocking(closure: impl FnOnce() + Send + 'static) {
        spawn_blocking(closure).await;
    }

    pub async fn timeout<T>(time: Duration, wait: impl Future<Output = T>) -> Option<T> {
        async_std::future::timeout(time, wait).await.ok()
    }

    pub async fn first_of(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
        one.race(other).await;
    }

    pub async fn both(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
        one.join(other).await;
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

    /// async-std has no semaphore, so its users build one from a number and a condition variable.
    pub struct Semaphore {
        free: Mutex<usize>,
        freed: Condvar,
    }

    impl Semaphore {
        pub fn new(permits: usize) -> Semaphore {
            Semaphore { free: Mutex::new(permits), freed: Condvar::new() }
        }
    }

    struct Permit(Arc<Semaphore>);

    impl Drop for Permit {
        fn drop(&mut self) {
            // A drop cannot wait for the lock, so a new task adds the permit.
            let semaphore = self.0.clone();
            spawn(async move {
                *semaphore.free.lock().await += 1;
                // This wakes all waiting tasks. If it woke only one, and that task stopped waiting before it had the
                // lock, the other tasks would sleep for ever.
                semaphore.freed.notify_all();
            });
        }
    }

    pub async fn acquire(semaphore: &Arc<Semaphore>) -> impl Send + use<> {
        acquire_owned(semaphore).await
    }

    pub async fn acquire_owned(semaphore: &Arc<Semaphore>) -> impl Send + use<> {
        let free = semaphore.free.lock().await;
        *semaphore.freed.wait_until(free, |free| *free > 0).await -= 1;
        Permit(semaphore.clone())
    }
}
