//! A task reads, and reads again while a writer waits. A new reader of this `RwLock` does not pass a waiting writer.

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
    // Repeats until the writer waits. From then on no other task may read.
    while routes.try_read().is_some() {
        task::yield_now().await;
    }
    let again = routes.read().await; // waits here
    println!("{first:?} {again:?}");
}

async fn writer(routes: Arc<RwLock<Vec<&'static str>>>) {
    routes.write().await.push("/prototype"); // waits here
}
