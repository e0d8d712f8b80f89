//! Three workers receive from one channel, each by its own clone of the receiver. The channel is idle most of the time, and
//! full now and then.

use smol::Timer;
use smol::channel::{Receiver, bounded};
use std::time::Duration;

pub fn main() {
    smol::block_on(run());
}

async fn run() {
    let (jobs, queue) = bounded(2);
    let workers: Vec<_> = (0..3).map(|_| smol::spawn(work(queue.clone()))).collect();
    while workers.len() == 3 {
        for job in 0..8 {
            jobs.send(job).await.unwrap();
        }
        Timer::after(Duration::from_secs(1)).await;
    }
}

async fn work(queue: Receiver<u64>) {
    while queue.recv().await.is_ok() {
        Timer::after(Duration::from_millis(700)).await;
    }
}
