//! A task reads again while it reads. It may do so, since no writer waits.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::RwLock;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let tree = Arc::new(RwLock::new(1));
    let left = tokio::spawn(walk(tree.clone()));
    let right = tokio::spawn(walk(tree));
    left.await.unwrap();
    right.await.unwrap();
}

async fn walk(tree: Arc<RwLock<u64>>) {
    loop {
        let root = tree.read().await;
        let leaf = tree.read().await;
        sleep(Duration::from_secs(1)).await;
        println!("{}", *root + *leaf);
    }
}
