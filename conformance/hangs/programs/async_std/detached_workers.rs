//! Workers whose handles were dropped, which detaches them, wait for jobs. The sending task sleeps between two jobs.

use async_std::channel::{Receiver, unbounded};
use async_std::task;
use std::time::Duration;

#[async_std::main]
pub async fn main() {
    let (jobs, queue) = unbounded();
    for _ in 0..3 {
        task::spawn(work(queue.clone()));
    }
    drop(queue);
    while jobs.send(7).await.is_ok() {
        task::sleep(Duration::from_secs(2)).await;
    }
}

async fn work(queue: Receiver<u64>) {
    while queue.recv().await.is_ok() {}
}
