//! A task reads, and reads again while it does. Between the two a writer came, and tokio's `RwLock` lets nobody pass a
//! writer that waits.

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
    // Until the writer is in the queue nobody else may read, and afterwards neither.
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
