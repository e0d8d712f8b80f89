//! A task holds a guard while it waits for another task, which needs the lock.

use async_std::sync::{Arc, Mutex};
use async_std::task;

#[async_std::main]
pub async fn main() {
    let report = Arc::new(Mutex::new(0));
    task::spawn(parent(report)).await;
}

async fn parent(report: Arc<Mutex<u64>>) {
    let mut sum = report.lock().await;
    let child = task::spawn(child(report.clone()));
    *sum += child.await; // waits here
}

async fn child(report: Arc<Mutex<u64>>) -> u64 {
    *report.lock().await + 1 // waits here
}
