//! A collector receives until all senders are gone, but it owns one of them itself. It made the clones for its workers, and
//! kept the original.

use tokio::sync::mpsc::{Sender, channel};

#[tokio::main]
pub async fn main() {
    tokio::spawn(collect()).await.unwrap();
}

async fn collect() {
    let (results, mut collected) = channel(8);
    for part in 0..3 {
        tokio::spawn(work(results.clone(), part));
    }
    results.send(100).await.unwrap();
    let mut sum = 0;
    // waits here
    while let Some(result) = collected.recv().await {
        sum += result;
    }
    println!("{sum} of {} places", results.capacity());
}

async fn work(results: Sender<u64>, part: u64) {
    results.send(part).await.unwrap();
}
