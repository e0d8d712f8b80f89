//! Two tasks read the same `RwLock`, and each wants to write before it stops reading.

use std::sync::Arc;
use tokio::sync::{Barrier, RwLock};

#[tokio::main]
pub async fn main() {
    let balance = Arc::new(RwLock::new(100));
    let both_read = Arc::new(Barrier::new(2));
    let buy = tokio::spawn(buy(balance.clone(), both_read.clone()));
    let sell = tokio::spawn(sell(balance, both_read));
    buy.await.unwrap();
    sell.await.unwrap();
}

async fn buy(balance: Arc<RwLock<i64>>, both_read: Arc<Barrier>) {
    let enough = balance.read().await;
    both_read.wait().await;
    *balance.write().await -= 10; // waits here
    drop(enough);
}

async fn sell(balance: Arc<RwLock<i64>>, both_read: Arc<Barrier>) {
    let before = balance.read().await;
    both_read.wait().await;
    *balance.write().await += 10; // waits here
    drop(before);
}
