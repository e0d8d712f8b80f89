//! A semaphore as a rate limiter: the permits of the tasks are forgotten on purpose, and a timer adds new ones.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::interval;

#[tokio::main]
pub async fn main() {
    let tokens = Arc::new(Semaphore::new(2));
    for _ in 0..4 {
        tokio::spawn(send(tokens.clone()));
    }
    tokio::spawn(refill(tokens)).await.unwrap();
}

async fn send(tokens: Arc<Semaphore>) {
    while let Ok(token) = tokens.acquire().await {
        token.forget();
    }
}

async fn refill(tokens: Arc<Semaphore>) {
    let mut tick = interval(Duration::from_secs(2));
    loop {
        tick.tick().await;
        tokens.add_permits(1);
    }
}
