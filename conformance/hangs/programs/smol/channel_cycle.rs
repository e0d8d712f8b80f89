//! Two tasks with a bounded channel each way. Both send more messages than there is room for before they receive.

use smol::channel::{Receiver, Sender, bounded};

pub fn main() {
    smol::block_on(run());
}

async fn run() {
    let (requests, incoming) = bounded(1);
    let (replies, replied) = bounded(1);
    let client = smol::spawn(client(requests, replied));
    let server = smol::spawn(server(replies, incoming));
    client.await;
    server.await;
}

async fn client(requests: Sender<u64>, replied: Receiver<u64>) {
    requests.send(0).await.unwrap();
    replied.recv().await.unwrap();
    for request in 1..10 {
        requests.send(request).await.unwrap(); // waits here
    }
    while replied.recv().await.is_ok() {}
}

async fn server(replies: Sender<u64>, incoming: Receiver<u64>) {
    while let Ok(request) = incoming.recv().await {
        replies.send(request).await.unwrap(); // waits here
    }
}
