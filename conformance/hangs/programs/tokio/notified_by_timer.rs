//! Tasks wait for a notification. The task that sends it sleeps most of the time.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let refresh = Arc::new(Notify::new());
    for _ in 0..3 {
        tokio::spawn(wait(refresh.clone()));
    }
    tokio::spawn(tick(refresh)).await.unwrap();
}

async fn wait(refresh: Arc<Notify>) {
    loop {
        refresh.notified().await;
    }
}

async fn tick(refresh: Arc<Notify>) {
    loop {
        sleep(Duration::from_secs(2)).await;
        refresh.notify_waiters();
    }
}
