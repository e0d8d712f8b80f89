//! A task holds a guard to read while it joins a set of tasks. Each of these tasks wants to write.

use std::sync::Arc;
use tokio::sync::RwLock;
use tokio::task::JoinSet;

#[tokio::main]
pub async fn main() {
    let totals = Arc::new(RwLock::new(vec![0; 2]));
    tokio::spawn(sum(totals)).await.unwrap();
}

async fn sum(totals: Arc<RwLock<Vec<u64>>>) {
    let before = totals.read().await;
    let mut shards = JoinSet::new();
    for index in 0..before.len() {
        shards.spawn(shard(totals.clone(), index));
    }
    // waits here
    while shards.join_next().await.is_some() {}
    println!("{before:?}");
}

async fn shard(totals: Arc<RwLock<Vec<u64>>>, index: usize) {
    totals.write().await[index] += 1; // waits here
}
