//! A task reads, and reads again while a writer waits. The `RwLock` lets no reader pass a writer.

use async_std::sync::{Arc, RwLock};
use async_std::task;

#[async_std::main]
pub async fn main() {
    let routes = Arc::new(RwLock::new(vec!["/"]));
    task::spawn(reader(routes)).await;
}

async fn reader(routes: Arc<RwLock<Vec<&'static str>>>) {
    let first = routes.read().await;
    task::spawn(writer(routes.clone()));
    // Until the writer waits; from then on nobody else may read.
    while routes.try_read().is_some() {
        task::yield_now().await;
    }
    let again = routes.read().await; // waits here
    println!("{first:?} {again:?}");
}

async fn writer(routes: Arc<RwLock<Vec<&'static str>>>) {
    routes.write().await.push("/prototype"); // waits here
}
