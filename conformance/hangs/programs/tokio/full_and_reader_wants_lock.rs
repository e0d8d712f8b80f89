//! A writer sends to a full channel with a mutex locked. The reader locks the same mutex for each message, before it takes
//! the next one.

use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};

#[tokio::main]
pub async fn main() {
    let statistics = Arc::new(Mutex::new(0));
    let (lines, parsed) = channel(1);
    let reader = tokio::spawn(reader(parsed, statistics.clone()));
    tokio::spawn(writer(lines, statistics));
    reader.await.unwrap();
}

async fn writer(lines: Sender<u64>, statistics: Arc<Mutex<u64>>) {
    let mut sent = statistics.lock().await;
    for line in 0..100 {
        lines.send(line).await.unwrap(); // waits here
        *sent += 1;
    }
}

async fn reader(mut parsed: Receiver<u64>, statistics: Arc<Mutex<u64>>) {
    while let Some(line) = parsed.recv().await {
        *statistics.lock().await += line; // waits here
    }
}
