//! A guard is held across the join of a child that does not need the lock. A third task waits for the lock.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let report = Arc::new(Mutex::new(0));
    tokio::spawn(watch(report.clone()));
    tokio::spawn(parent(report)).await.unwrap();
}

async fn parent(report: Arc<Mutex<u64>>) {
    loop {
        let mut sum = report.lock().await;
        *sum += tokio::spawn(child()).await.unwrap();
    }
}

async fn child() -> u64 {
    sleep(Duration::from_millis(800)).await;
    1
}

async fn watch(report: Arc<Mutex<u64>>) {
    loop {
        println!("{}", report.lock().await);
        sleep(Duration::from_millis(100)).await;
    }
}
