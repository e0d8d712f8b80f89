//! A task holds the only permit, and waits for a second one, which a thread adds after a minute.

use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::Semaphore;

#[tokio::main]
pub async fn main() {
    let tokens = Arc::new(Semaphore::new(1));
    let refill = tokens.clone();
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(60));
            refill.add_permits(1);
        }
    });
    tokio::spawn(spend(tokens)).await.unwrap();
}

async fn spend(tokens: Arc<Semaphore>) {
    let _first = tokens.acquire().await.unwrap();
    let _second = tokens.acquire().await.unwrap(); // waits here
}
