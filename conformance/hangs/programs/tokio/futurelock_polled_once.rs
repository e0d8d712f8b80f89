//! A task makes the future of a lock and polls it once, to be in the queue early. Then it locks by a second future, which
//! is behind the first one.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{Mutex, Notify};
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let table = Arc::new(Mutex::new(0));
    let locked = Arc::new(Notify::new());
    tokio::spawn(holder(table.clone(), locked.clone()));
    locked.notified().await;
    tokio::spawn(impatient(table)).await.unwrap();
}

async fn holder(table: Arc<Mutex<u64>>, locked: Arc<Notify>) {
    let _guard = table.lock().await;
    locked.notify_one();
    sleep(Duration::from_millis(200)).await;
}

async fn impatient(table: Arc<Mutex<u64>>) {
    let mut early = pin!(table.lock()); // waits here
    poll_fn(|context| Poll::Ready(early.as_mut().poll(context).is_ready())).await;
    *table.lock().await += 1; // waits here
    *early.await += 1;
}
