//! A computation without an await for hundreds of milliseconds at a time, on a runtime of one thread. Another task is late
//! each time.

use std::hint::black_box;
use std::time::{Duration, Instant};

#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    tokio::spawn(factorise());
    tokio::spawn(serve()).await.unwrap();
}

async fn factorise() {
    let mut number: u64 = 1;
    loop {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(300) {
            number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        tokio::task::yield_now().await;
    }
}

async fn serve() {
    loop {
        tokio::task::yield_now().await;
    }
}
