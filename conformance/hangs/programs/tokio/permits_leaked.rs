//! Each failed request leaks its permit, since a value that is never dropped keeps it. When all permits are leaked, every
//! request waits.

use std::sync::Arc;
use tokio::sync::Semaphore;

#[tokio::main]
pub async fn main() {
    let limit = Arc::new(Semaphore::new(2));
    for _ in 0..2 {
        tokio::spawn(failed_request(limit.clone())).await.unwrap();
    }
    tokio::spawn(request(limit)).await.unwrap();
}

async fn failed_request(limit: Arc<Semaphore>) {
    let permit = limit.acquire().await.unwrap();
    std::mem::forget(permit);
}

async fn request(limit: Arc<Semaphore>) {
    let _permit = limit.acquire().await.unwrap();
}
