//! A crawler is the only reader of its own queue. If a page has more links than the queue has room for, the crawler waits
//! for itself.

use tokio::sync::mpsc::{Receiver, Sender, channel};

#[tokio::main]
pub async fn main() {
    let (queue, pages) = channel(2);
    tokio::spawn(crawl(queue, pages)).await.unwrap();
}

async fn crawl(queue: Sender<u64>, mut pages: Receiver<u64>) {
    queue.send(1).await.unwrap();
    while let Some(page) = pages.recv().await {
        for link in 0..3 {
            queue.send(page * 3 + link).await.unwrap(); // waits here
        }
    }
}
