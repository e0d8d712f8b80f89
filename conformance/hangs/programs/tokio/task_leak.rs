//! Each of many requests spawns a task that waits for a shutdown that never comes. The number of tasks grows.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let shutdown = Arc::new(Notify::new());
    loop {
        for _ in 0..10 {
            tokio::spawn(on_shutdown(shutdown.clone()));
        }
        sleep(Duration::from_millis(10)).await;
    }
}

async fn on_shutdown(shutdown: Arc<Notify>) {
    shutdown.notified().await;
}
