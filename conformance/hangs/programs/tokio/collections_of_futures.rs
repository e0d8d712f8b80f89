//! Tasks that wait for many futures at once, with wakers of their own: `FuturesUnordered`, `Shared`, and `join_all` of 100.
//! Each round ends with the right results.

use futures::FutureExt;
use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use std::time::Duration;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let tasks = [tokio::spawn(unordered()), tokio::spawn(shared()), tokio::spawn(joined())];
    for task in tasks {
        task.await.unwrap();
    }
}

async fn number(number: u64) -> u64 {
    sleep(Duration::from_millis(2000 + number)).await;
    number
}

async fn unordered() {
    loop {
        let mut futures: FuturesUnordered<_> = (0..50).map(number).collect();
        let mut sum = 0;
        while let Some(number) = futures.next().await {
            sum += number;
        }
        expect("FuturesUnordered", sum, 1225);
    }
}

async fn shared() {
    loop {
        let shared = number(7).boxed().shared();
        let tasks: Vec<_> = (0..5).map(|_| tokio::spawn(shared.clone())).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        expect("Shared", sum, 35);
    }
}

async fn joined() {
    loop {
        expect("join_all", join_all((0..100).map(number)).await.iter().sum(), 4950);
    }
}

fn expect(collection: &str, sum: u64, expected: u64) {
    if sum != expected {
        eprintln!("{collection} gave {sum} instead of {expected}");
        std::process::exit(1);
    }
}
