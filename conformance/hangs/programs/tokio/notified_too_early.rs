//! `notify_waiters` reaches only tasks that already wait, and stores nothing. The task comes later, and waits for ever. Any
//! user of the handle could notify again, so a tool must not report a hang.

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
