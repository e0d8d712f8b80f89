//! A computation that yields after each part of its work, thousands of times a second. It wakes itself again and again.

use std::hint::black_box;
use std::time::{Duration, Instant};
use tokio::task::yield_now;

#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    tokio::spawn(index()).await.unwrap();
}

async fn index() {
    let mut hash: u64 = 1;
    loop {
        let start = Instant::now();
        while start.elapsed() < Duration::from_micros(100) {
            hash = black_box(hash.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        yield_now().await;
    }
}
