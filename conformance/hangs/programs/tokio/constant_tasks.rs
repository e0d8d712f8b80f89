//! Two thousand waiting tasks, all spawned at one place. Their number does not grow: a new task replaces each that ends.

use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let mut clients = JoinSet::new();
    for number in 0..2000 {
        clients.spawn(client(1000 + number));
    }
    while clients.join_next().await.is_some() {
        clients.spawn(client(2000));
    }
}

async fn client(ms: u64) {
    sleep(Duration::from_millis(ms)).await;
}
