//! Subscribers of a `watch` and of a `broadcast` with very few messages. Each subscriber has its own sender, to answer.

use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let (settings, changed) = watch::channel(0);
    let (events, _) = broadcast::channel(4);
    for _ in 0..3 {
        tokio::spawn(follow(changed.clone()));
        tokio::spawn(listen(events.clone()));
    }
    loop {
        sleep(Duration::from_secs(3)).await;
        settings.send_modify(|number| *number += 1);
        events.send(7).unwrap();
    }
}

async fn follow(mut changed: watch::Receiver<u64>) {
    while changed.changed().await.is_ok() {}
}

async fn listen(events: broadcast::Sender<u64>) {
    let mut received = events.subscribe();
    while received.recv().await.is_ok() {}
}
