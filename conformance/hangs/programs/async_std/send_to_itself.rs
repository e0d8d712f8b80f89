//! A task is the only reader of its own queue, and sends more messages than the queue has room for.

use async_std::channel::{Receiver, Sender, bounded};
use async_std::task;

#[async_std::main]
pub async fn main() {
    let (queue, pages) = bounded(2);
    task::spawn(crawl(queue, pages)).await;
}

async fn crawl(queue: Sender<u64>, pages: Receiver<u64>) {
    queue.send(1).await.unwrap();
    while let Ok(page) = pages.recv().await {
        for link in 0..3 {
            queue.send(page * 3 + link).await.unwrap(); // waits here
        }
    }
}
