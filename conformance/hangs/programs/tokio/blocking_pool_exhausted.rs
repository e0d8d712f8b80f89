//! A pool of one thread for blocking closures. The closure on this thread waits for a second one, which needs the thread.

use std::sync::mpsc::channel;
use tokio::runtime::Builder;
use tokio::task::spawn_blocking;

pub fn main() {
    let runtime = Builder::new_multi_thread().max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let (hashes, hashed) = channel();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let compress = spawn_blocking(move || {
        begun.send(()).unwrap();
        let hash: u64 = hashed.recv().unwrap();
        println!("{hash}");
    });
    has_begun.await.unwrap();
    spawn_blocking(move || hashes.send(7).unwrap());
    compress.await.unwrap();
}
