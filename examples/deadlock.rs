//! A crawler that hangs: its only task sends to a full queue, and no other task receives from that queue.

use tokio::sync::mpsc;

#[tokio::main]
async fn main() {
    insight::init();
    let (prototype_channel, pages) = mpsc::channel(2);
    let crawler = tokio::spawn(crawl(prototype_channel, pages));
    crawler.await.expect("the crawler does not panic");
}

/// Follows three links of each page, but the queue has room for two.
async fn crawl(queue: mpsc::Sender<u64>, mut pages: mpsc::Receiver<u64>) {
    queue.send(1).await.expect("the receiver is ours");
    while let Some(page) = pages.recv().await {
        for link in 0..3 {
            queue.send(page * 3 + link).await.expect("the receiver is ours");
        }
    }
}
