//! A loop keeps a send over the turns of a `select!`, as in a futurelock. But the other branch does not send to the same
//! channel, and the kept send is polled again.

use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let (events, incoming) = channel(1);
    tokio::spawn(read(incoming));
    tokio::spawn(source(events)).await.unwrap();
}

async fn read(mut incoming: Receiver<u64>) {
    while incoming.recv().await.is_some() {
        sleep(Duration::from_secs(1)).await;
    }
}

async fn source(events: Sender<u64>) {
    for number in 0.. {
        let mut sent = Box::pin(events.send(number));
        loop {
            tokio::select! {
                sent = &mut sent => break sent.unwrap(),
                // Longer than the settle time of a diagnosis. The kept send is not polled during this time.
                () = sleep(Duration::from_millis(100)) => sleep(Duration::from_millis(700)).await,
            }
        }
    }
}
