//! A barrier for three, and two tasks. Who might still come cannot be known, so nothing may be claimed.

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
