//! Two tasks, each with the only sender to the other. Each waits for a message before it sends one.

use tokio::sync::mpsc::{Receiver, Sender, channel};

#[tokio::main]
pub async fn main() {
    let (pings, to_pong) = channel(1);
    let (pongs, to_ping) = channel(1);
    let ping = tokio::spawn(ping(pings, to_ping));
    let pong = tokio::spawn(pong(pongs, to_pong));
    ping.await.unwrap();
    pong.await.unwrap();
}

async fn ping(pings: Sender<u64>, mut to_ping: Receiver<u64>) {
    pings.send(0).await.unwrap();
    // waits here
    while let Some(number) = to_ping.recv().await {
        pings.send(number + 1).await.unwrap();
    }
}

async fn pong(pongs: Sender<u64>, mut to_pong: Receiver<u64>) {
    pongs.send(to_pong.recv().await.unwrap()).await.unwrap();
    // It answers the first message twice with one receive, and forgets to answer the second message.
    to_pong.recv().await.unwrap();
    // waits here
    while let Some(number) = to_pong.recv().await {
        pongs.send(number + 1).await.unwrap();
    }
}
