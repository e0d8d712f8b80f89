//! A task reads, and reads again while it has its first guard. In between, a writer came. A new reader of tokio's `RwLock`
//! does not pass a waiting writer.

use std::sync::Arc;
use tokio::sync::{Notify, RwLock};

#[tokio::main]
pub async fn main() {
    let routes = Arc::new(RwLock::new(vec!["/"]));
    let reads = Arc::new(Notify::new());
    let reader = tokio::spawn(reader(routes.clone(), reads.clone()));
    tokio::spawn(writer(routes, reads));
    reader.await.unwrap();
}

async fn reader(routes: Arc<RwLock<Vec<&'static str>>>, reads: Arc<Notify>) {
    let first = routes.read().await;
    reads.notify_one();
    // Repeats until the writer is in the queue. From then on no other task may read.
    while routes.try_read().is_ok() {
        tokio::task::yield_now().await;
    }
    let again = routes.read().await; // waits here
    println!("{first:?} {again:?}");
}

async fn writer(routes: Arc<RwLock<Vec<&'static str>>>, reads: Arc<Notify>) {
    reads.notified().await;
    routes.write().await.push("/prototype"); // waits here
}
