//! A task acquires a permit in a loop with a timer. The loop keeps the queued future for its next turn, and the branch of
//! the timer acquires another permit of the same semaphore.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let connections = Arc::new(Semaphore::new(1));
    let taken = Arc::new(Notify::new());
    tokio::spawn(query(connections.clone(), taken.clone()));
    taken.notified().await;
    tokio::spawn(batch(connections)).await.unwrap();
}

async fn query(connections: Arc<Semaphore>, taken: Arc<Notify>) {
    let _connection = connections.acquire().await.unwrap();
    taken.notify_one();
    sleep(Duration::from_millis(200)).await;
}

async fn batch(connections: Arc<Semaphore>) {
    let mut next = Box::pin(connections.acquire()); // waits here
    loop {
        tokio::select! {
            permit = &mut next => return drop(permit),
            () = sleep(Duration::from_millis(20)) => drop(connections.acquire().await), // waits here
        }
    }
}
