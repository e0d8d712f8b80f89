//! `notify_waiters` reaches only who waits already, and stores nothing. The task comes later, and waits for ever. Anybody
//! with the handle could notify again, so nothing may be claimed.

use std::sync::Arc;
use tokio::sync::Notify;

#[tokio::main]
pub async fn main() {
    let ready = Arc::new(Notify::new());
    ready.notify_waiters();
    tokio::spawn(wait(ready)).await.unwrap();
}

async fn wait(ready: Arc<Notify>) {
    ready.notified().await;
}
