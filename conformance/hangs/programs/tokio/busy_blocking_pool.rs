//! A pool of two threads for blocking closures, with a queue that is never empty. It makes progress: each closure ends soon.

use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, spawn_blocking};

pub fn main() {
    let runtime = Builder::new_multi_thread().max_blocking_threads(2).enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let mut users = JoinSet::new();
    for _ in 0..8 {
        users.spawn(hash_passwords());
    }
    users.join_all().await;
}

async fn hash_passwords() {
    loop {
        spawn_blocking(|| std::thread::sleep(Duration::from_millis(250))).await.unwrap();
    }
}
