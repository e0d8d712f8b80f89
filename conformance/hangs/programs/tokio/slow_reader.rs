//! A channel that is always full, since its reader is slower than its writers. It makes progress: one message a second.

use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let (frames, received) = channel(2);
    for _ in 0..3 {
        tokio::spawn(record(frames.clone()));
    }
    drop(frames);
    tokio::spawn(encode(received)).await.unwrap();
}

async fn record(frames: Sender<u64>) {
    while frames.send(1).await.is_ok() {}
}

async fn encode(mut received: Receiver<u64>) {
    while received.recv().await.is_some() {
        sleep(Duration::from_secs(1)).await;
    }
}
