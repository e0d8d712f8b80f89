//! A task holds a guard while it waits for another task, which needs the lock.

use smol::lock::Mutex;
use std::sync::Arc;

pub fn main() {
    smol::block_on(run());
}

async fn run() {
    let report = Arc::new(Mutex::new(0));
    smol::spawn(parent(report)).await;
}

async fn parent(report: Arc<Mutex<u64>>) {
    let mut sum = report.lock().await;
    let child = smol::spawn(child(report.clone()));
    *sum += child.await; // waits here
}

async fn child(report: Arc<Mutex<u64>>) -> u64 {
    *report.lock().await + 1 // waits here
}
