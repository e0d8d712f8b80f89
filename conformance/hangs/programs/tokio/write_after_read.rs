//! A task reads from an `RwLock`, and finds that it has to change the value. It asks for the lock to write while its guard
//! to read is alive.

use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::RwLock;

#[tokio::main]
pub async fn main() {
    let cache = Arc::new(RwLock::new(HashMap::new()));
    tokio::spawn(look_up(cache)).await.unwrap();
}

async fn look_up(cache: Arc<RwLock<HashMap<u64, u64>>>) {
    let found = cache.read().await;
    if !found.contains_key(&7) {
        cache.write().await.insert(7, 49); // waits here
    }
}
