//! A task holds a lock for long, and another one tries to take it with a timeout, again and again.

use async_std::future::timeout;
use async_std::sync::{Arc, Mutex};
use async_std::task;
use std::time::Duration;

#[async_std::main]
pub async fn main() {
    let device = Arc::new(Mutex::new(0));
    task::spawn(stream(device.clone()));
    loop {
        if let Ok(mut device) = timeout(Duration::from_millis(800), device.lock()).await {
            *device += 1;
        }
        task::sleep(Duration::from_millis(100)).await;
    }
}

async fn stream(device: Arc<Mutex<u64>>) {
    loop {
        let mut device = device.lock().await;
        task::sleep(Duration::from_secs(2)).await;
        *device += 1;
    }
}
