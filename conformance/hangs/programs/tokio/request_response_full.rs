//! An actor with a bounded mailbox, and a client with a bounded inbox for its answers. The client sends more requests than
//! both have room for. The actor cannot answer, and so does not receive the next request.

use tokio::sync::mpsc::{Receiver, Sender, channel};

#[tokio::main]
pub async fn main() {
    let (mailbox, requests) = channel(1);
    let (inbox, answers) = channel(1);
    tokio::spawn(actor(requests, inbox));
    tokio::spawn(client(mailbox, answers)).await.unwrap();
}

async fn actor(mut requests: Receiver<u64>, inbox: Sender<u64>) {
    while let Some(request) = requests.recv().await {
        inbox.send(request + 1).await.unwrap(); // waits here
    }
}

async fn client(mailbox: Sender<u64>, mut answers: Receiver<u64>) {
    // One request and its answer work.
    mailbox.send(0).await.unwrap();
    answers.recv().await.unwrap();
    for request in 1..8 {
        mailbox.send(request).await.unwrap(); // waits here
    }
    for _ in 1..8 {
        answers.recv().await.unwrap();
    }
}
