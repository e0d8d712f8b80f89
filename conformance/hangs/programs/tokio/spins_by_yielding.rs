//! A task polls for a message again and again, and yields in between, instead of waiting for it. It is never idle, and does
//! no work.

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::yield_now;

#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    let (_jobs, queue) = channel(8);
    tokio::spawn(work(queue)).await.unwrap();
}

async fn work(mut queue: Receiver<u64>) {
    loop {
        match queue.try_recv() {
            Ok(job) => println!("{job}"),
            Err(TryRecvError::Empty) => yield_now().await,
            Err(TryRecvError::Disconnected) => return,
        }
    }
}
