//! Actors wait for messages, each with a sender to the next one, in a circle. A timer outside of the circle sends a message
//! around it at times.

use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let (to_parser, parser_mail) = channel(4);
    let (to_store, store_mail) = channel(4);
    tokio::spawn(parser(parser_mail, to_store));
    tokio::spawn(store(store_mail, to_parser.clone()));
    loop {
        to_parser.send(3).await.unwrap();
        sleep(Duration::from_secs(2)).await;
    }
}

async fn parser(mut mail: Receiver<u64>, to_store: Sender<u64>) {
    while let Some(hops) = mail.recv().await {
        to_store.send(hops).await.unwrap();
    }
}

async fn store(mut mail: Receiver<u64>, to_parser: Sender<u64>) {
    while let Some(hops) = mail.recv().await {
        if hops > 0 {
            to_parser.send(hops - 1).await.unwrap();
        }
    }
}
