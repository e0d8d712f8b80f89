//! A plain thread sends to a task. The task kept a clone of the sender, so that it looks like the only task that could
//! send.

use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

#[tokio::main]
pub async fn main() {
    let (lines, read) = channel(4);
    let stdin = lines.clone();
    std::thread::spawn(move || {
        while stdin.blocking_send("line").is_ok() {
            std::thread::sleep(Duration::from_secs(2));
        }
    });
    tokio::spawn(parse(lines, read)).await.unwrap();
}

async fn parse(lines: Sender<&'static str>, mut read: Receiver<&'static str>) {
    lines.send("first").await.unwrap();
    while let Some(line) = read.recv().await {
        println!("{line}, room for {}", lines.capacity());
    }
}
