//! A task has one of the two permits of a semaphore and acquires two more, so that it needs three.

use std::sync::Arc;
use tokio::sync::Semaphore;

#[tokio::main]
pub async fn main() {
    let slots = Arc::new(Semaphore::new(2));
    tokio::spawn(upload(slots)).await.unwrap();
}

async fn upload(slots: Arc<Semaphore>) {
    let _connection = slots.acquire().await.unwrap();
    let _both_halves = slots.acquire_many(2).await.unwrap(); // waits here
}
