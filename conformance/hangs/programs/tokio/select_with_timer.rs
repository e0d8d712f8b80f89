//! A task waits for a message that never comes, or for a timer, and makes progress each second. The task itself keeps the
//! sender.

use std::time::Duration;
use tokio::sync::mpsc::channel;
use tokio::time::interval;

#[tokio::main]
pub async fn main() {
    tokio::spawn(report()).await.unwrap();
}

async fn report() {
    let (flush, mut flushed) = channel::<()>(1);
    let mut tick = interval(Duration::from_secs(1));
    while flush.capacity() > 0 {
        tokio::select! {
            _ = flushed.recv() => {}
            _ = tick.tick() => println!("tick"),
        }
    }
}
