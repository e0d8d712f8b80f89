//! A collector receives until all senders are gone, but it owns one of them itself.

use smol::channel::{Sender, bounded};

pub fn main() {
    smol::block_on(run());
}

async fn run() {
    smol::spawn(collect()).await;
}

async fn collect() {
    let (results, collected) = bounded(8);
    let workers: Vec<_> = (0..3).map(|part| smol::spawn(work(results.clone(), part))).collect();
    results.send(100).await.unwrap();
    let mut sum = 0;
    // waits here
    while let Ok(result) = collected.recv().await {
        sum += result;
    }
    println!("{sum} of {} workers, room for {:?}", workers.len(), results.capacity());
}

async fn work(results: Sender<u64>, part: u64) {
    results.send(part).await.unwrap();
}
