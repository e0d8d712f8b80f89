//! A crawler on smol that hangs: its only task sends to a full queue, and no other task receives from that queue.

use smol::channel::{self, Receiver, Sender};

fn main() {
    insight::init();
    smol::block_on(async {
        let (prototype_channel, pages) = channel::bounded(2);
        let crawler = smol::spawn(crawl(prototype_channel, pages));
        crawler.await;
    });
}

/// Follows three links of each page, but the queue has room for two.
async fn crawl(queue: Sender<u64>, pages: Receiver<u64>) {
    queue.send(1).await.expect("the receiver is ours");
    while let Ok(page) = pages.recv().await {
        for link in 0..3 {
            queue.send(page * 3 + link).await.expect("the receiver is ours");
        }
    }
}
