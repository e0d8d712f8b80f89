//! A future whose every poll blocks its thread for a second, and whose event comes 1.5 s after its first poll. There are
//! other threads, and no task waits for it.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;
use tokio::time::sleep;

#[tokio::main(worker_threads = 4)]
pub async fn main() {
    tokio::spawn(slow()).await.unwrap();
}

async fn slow() {
    loop {
        let mut event = pin!(sleep(Duration::from_millis(2500)));
        poll_fn(|context| {
            std::thread::sleep(Duration::from_secs(1));
            event.as_mut().poll(context)
        })
        .await;
    }
}
