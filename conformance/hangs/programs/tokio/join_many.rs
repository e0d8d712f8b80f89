//! A task waits for the ends of a hundred others, which work for a while, and then begins again.

use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    tokio::spawn(rounds()).await.unwrap();
}

async fn rounds() {
    loop {
        let mut parts = JoinSet::new();
        for number in 0..100 {
            parts.spawn(part(number));
        }
        parts.join_all().await;
    }
}

async fn part(number: u64) {
    sleep(Duration::from_millis(500 + number * 10)).await;
}
