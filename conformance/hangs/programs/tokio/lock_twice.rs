//! A function locks a mutex and calls another function that locks it too, while the first guard is still alive.

use std::sync::Arc;
use tokio::sync::Mutex;

#[tokio::main]
pub async fn main() {
    let inventory = Arc::new(Mutex::new(vec![3, 4]));
    tokio::spawn(restock(inventory)).await.unwrap();
}

async fn restock(inventory: Arc<Mutex<Vec<u64>>>) {
    let mut shelf = inventory.lock().await;
    shelf.push(total(&inventory).await);
}

async fn total(inventory: &Mutex<Vec<u64>>) -> u64 {
    inventory.lock().await.iter().sum() // waits here
}
