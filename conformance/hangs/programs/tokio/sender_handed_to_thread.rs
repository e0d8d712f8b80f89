//! A task sends the first message itself, and then gives its only sender to a plain thread, which sends at times.

use std::time::Duration;
use tokio::sync::mpsc::channel;

#[tokio::main]
pub async fn main() {
    tokio::spawn(follow()).await.unwrap();
}

async fn follow() {
    let (changes, mut changed) = channel(1);
    changes.send("begin").await.unwrap();
    std::thread::spawn(move || {
        while changes.blocking_send("change").is_ok() {
            std::thread::sleep(Duration::from_secs(2));
        }
    });
    while let Some(change) = changed.recv().await {
        println!("{change}");
    }
}
