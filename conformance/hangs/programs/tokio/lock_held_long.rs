//! A lock is held across a request that takes minutes, and other tasks wait for the lock.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify};
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let session = Arc::new(Mutex::new(0));
    let locked = Arc::new(Notify::new());
    tokio::spawn(refresh(session.clone(), locked.clone()));
    locked.notified().await;
    tokio::spawn(handle(session)).await.unwrap();
}

async fn refresh(session: Arc<Mutex<u64>>, locked: Arc<Notify>) {
    let mut token = session.lock().await;
    locked.notify_one();
    sleep(Duration::from_secs(3600)).await; // waits here
    *token += 1;
}

async fn handle(session: Arc<Mutex<u64>>) {
    println!("{}", session.lock().await); // waits here
}
