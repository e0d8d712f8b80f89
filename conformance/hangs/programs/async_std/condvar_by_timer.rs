//! Consumers wait for a condition. A task that sleeps most of the time makes it true.

use async_std::sync::{Arc, Condvar, Mutex};
use async_std::task;
use std::time::Duration;

type Stock = Arc<(Mutex<u64>, Condvar)>;

#[async_std::main]
pub async fn main() {
    let stock = Arc::new((Mutex::new(0), Condvar::new()));
    for _ in 0..2 {
        task::spawn(consume(stock.clone()));
    }
    loop {
        task::sleep(Duration::from_secs(1)).await;
        *stock.0.lock().await += 1;
        stock.1.notify_all();
    }
}

async fn consume(stock: Stock) {
    loop {
        let mut left = stock.1.wait_until(stock.0.lock().await, |left| *left > 0).await;
        *left -= 1;
    }
}
