//! A program that runs until it is killed. Its main task waits for `pending` on purpose, and so does a task that keeps a
//! value alive. Nothing can wake them, and nothing should.

use std::future::pending;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let (alive, closed) = watch::channel(());
    tokio::spawn(keep(alive));
    tokio::spawn(beat(closed));
    pending().await
}

async fn keep(_alive: watch::Sender<()>) {
    pending().await
}

async fn beat(closed: watch::Receiver<()>) {
    while closed.has_changed().is_ok() {
        sleep(Duration::from_millis(300)).await;
    }
}
