//! The load of `stress/load.rs` on tokio.

#[path = "stress/load.rs"]
mod load;

fn main() {
    let arguments = load::begin();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("the runtime can be built");
    runtime.block_on(load::stress(arguments));
    load::end();
}

/// The functions that the load needs, for tokio.
mod runtime {
    use std::future::Future;
    use std::sync::Arc;
    use std::time::{Duration, Instant};
    pub use tokio::spawn;
    pub use tokio::sync::mpsc::{Receiver, Sender, channel};
    use tokio::sync::oneshot;
    pub use tokio::sync::{Mutex, RwLock, Semaphore};
    pub use tokio::task::yield_now;
    use tokio::task::{JoinHandle, JoinSet};
    pub use tokio::time::sleep;

    pub async fn crowd<F>(tasks: usize, deadline: Instant, mut next: impl FnMut() -> F) -> u64
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut live = JoinSet::new();
        let mut ended = 0;
        loop {
            while live.len() < tasks && Instant::now() < deadline {
                live.spawn(next());
            }
            match live.join_next().await {
                Some(_) => ended += 1,
                None => return ended,
            }
        }
    }

    pub async fn join(task: JoinHandle<()>) {
        let _ = task.await;
    }

    pub async fn abort(task: JoinHandle<()>) {
        task.abort();
        let _ = task.await;
    }

    pub fn let_go(task: JoinHandle<()>) {
        drop(task);
    }

    pub async fn blocking(closure: impl FnOnce() + Send + 'static) {
        let _ = tokio::task::spawn_blocking(closure).await;
    }

    pub async fn timeout<T>(time: Duration, wait: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(time, wait).await.ok()
    }

    pub async fn first_of(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
        tokio::select! {
            () = one => {}
            () = other => {}
        }
    }

    pub async fn both(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
        tokio::join!(one, other);
    }

    pub async fn send(sender: &Sender<u64>, value: u64) {
        let _ = sender.send(value).await;
    }

    pub async fn receive(receiver: &mut Receiver<u64>) {
        receiver.recv().await;
    }

    pub fn question() -> (oneshot::Sender<()>, impl Future) {
        oneshot::channel()
    }

    pub fn answer(answers: oneshot::Sender<()>) {
        let _ = answers.send(());
    }

    pub async fn lock_owned(mutex: &Arc<Mutex<u64>>) -> impl Send + use<> {
        mutex.clone().lock_owned().await
    }

    pub async fn read_owned(lock: &Arc<RwLock<u64>>) -> impl Send + use<> {
        lock.clone().read_owned().await
    }

    pub async fn write_owned(lock: &Arc<RwLock<u64>>) -> impl Send + use<> {
        lock.clone().write_owned().await
    }

    pub async fn acquire(semaphore: &Arc<Semaphore>) -> impl Send {
        semaphore.acquire().await.expect("the semaphores are never closed")
    }

    pub async fn acquire_owned(semaphore: &Arc<Semaphore>) -> impl Send + use<> {
        semaphore.clone().acquire_owned().await.expect("the semaphores are never closed")
    }
}
