//! A function locks a mutex and calls another function that locks it too.

use async_std::sync::{Arc, Mutex};
use async_std::task;

#[async_std::main]
pub async fn main() {
    let inventory = Arc::new(Mutex::new(vec![3, 4]));
    task::spawn(restock(inventory)).await;
}

async fn restock(inventory: Arc<Mutex<Vec<u64>>>) {
    let mut shelf = inventory.lock().await;
    shelf.push(total(&inventory).await);
}

async fn total(inventory: &Mutex<Vec<u64>>) -> u64 {
    inventory.lock().await.iter().sum() // waits here
}
