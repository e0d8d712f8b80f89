//! A long computation that yields every ten milliseconds, on a runtime of one thread. The other task is never late.

use std::hint::black_box;
use std::time::{Duration, Instant};
use tokio::task::yield_now;
use tokio::time::sleep;

#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    tokio::spawn(factorise());
    tokio::spawn(serve()).await.unwrap();
}

async fn factorise() {
    let mut number: u64 = 1;
    loop {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(10) {
            number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        yield_now().await;
    }
}

async fn serve() {
    loop {
        sleep(Duration::from_millis(50)).await;
    }
}
