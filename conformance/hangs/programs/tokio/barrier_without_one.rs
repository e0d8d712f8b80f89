//! A barrier for three tasks, and only two of them. A third one might still come, so a tool must not report a hang.

use std::sync::Arc;
use tokio::sync::Barrier;

#[tokio::main]
pub async fn main() {
    let start = Arc::new(Barrier::new(3));
    let left = tokio::spawn(runner(start.clone()));
    let right = tokio::spawn(runner(start));
    left.await.unwrap();
    right.await.unwrap();
}

async fn runner(start: Arc<Barrier>) {
    start.wait().await;
}
