//! A task forgets its guard by `mem::forget` and ends. The mutex is locked for ever.

use std::sync::Arc;
use tokio::sync::Mutex;

#[tokio::main]
pub async fn main() {
    let settings = Arc::new(Mutex::new(0));
    tokio::spawn(leak(settings.clone())).await.unwrap();
    tokio::spawn(reload(settings)).await.unwrap();
}

async fn leak(settings: Arc<Mutex<u64>>) {
    let guard = settings.lock().await;
    std::mem::forget(guard);
}

async fn reload(settings: Arc<Mutex<u64>>) {
    *settings.lock().await += 1;
}
