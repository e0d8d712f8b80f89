//! Two tasks, each with a permit of a pool of three, wait in turn for a mutex and for another permit. The third permit is
//! always free, so the apparent circle has a way out.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let pool = Arc::new(Semaphore::new(3));
    let schema = Arc::new(Mutex::new(0));
    let left = tokio::spawn(migrate(pool.clone(), schema.clone()));
    let right = tokio::spawn(migrate(pool, schema));
    left.await.unwrap();
    right.await.unwrap();
}

async fn migrate(pool: Arc<Semaphore>, schema: Arc<Mutex<u64>>) {
    loop {
        let _connection = pool.acquire().await.unwrap();
        let mut version = schema.lock().await;
        let _second = pool.acquire().await.unwrap();
        sleep(Duration::from_millis(700)).await;
        *version += 1;
    }
}
