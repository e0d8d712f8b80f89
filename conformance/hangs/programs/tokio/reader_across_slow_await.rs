//! A reader keeps its guard across a slow request. Other tasks read at the same time. A writer waits at times, but not for
//! long.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::RwLock;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let routes = Arc::new(RwLock::new(0));
    for number in 0..4 {
        tokio::spawn(read(routes.clone(), Duration::from_millis(300 + 100 * number)));
    }
    tokio::spawn(write(routes)).await.unwrap();
}

async fn read(routes: Arc<RwLock<u64>>, request: Duration) {
    loop {
        let guard = routes.read().await;
        sleep(request).await;
        drop(guard);
        sleep(Duration::from_millis(10)).await;
    }
}

async fn write(routes: Arc<RwLock<u64>>) {
    loop {
        *routes.write().await += 1;
        sleep(Duration::from_secs(1)).await;
    }
}
