//! The alternate history on smol: one task both enqueues and dequeues, and waits for itself.

use smol::channel::{self, Receiver, Sender};

fn main() {
    insight::init();
    smol::block_on(async {
        let (prototype_channel, pages) = channel::bounded(2);
        let crawler = smol::spawn(crawl(prototype_channel, pages));
        crawler.await;
    });
}

/// Follows three links a page; the queue has room for two.
async fn crawl(queue: Sender<u64>, pages: Receiver<u64>) {
    queue.send(1).await.expect("the receiver is ours");
    while let Ok(page) = pages.recv().await {
        for link in 0..3 {
            queue.send(page * 3 + link).await.expect("the receiver is ours");
        }
    }
}
