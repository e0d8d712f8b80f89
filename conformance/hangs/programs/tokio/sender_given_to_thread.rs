//! A task uses its only sender once, and then gives it to a thread, which sends again after a minute. A tool cannot see
//! the sender in the thread.

use std::thread;
use std::time::Duration;
use tokio::sync::mpsc::channel;

#[tokio::main]
pub async fn main() {
    tokio::spawn(follow()).await.unwrap();
}

async fn follow() {
    let (changes, mut changed) = channel(1);
    changes.send("begin").await.unwrap();
    changed.recv().await.unwrap();
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(60));
            changes.blocking_send("change").unwrap();
        }
    });
    changed.recv().await.unwrap(); // waits here
}
