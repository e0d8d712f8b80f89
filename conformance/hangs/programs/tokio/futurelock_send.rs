//! A send to a full channel loses a `select!` against a timer and is kept. The timer's branch sends to the same channel.
//! The next free place belongs to the kept send, which is not polled.

use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let (events, incoming) = channel(1);
    tokio::spawn(slow_reader(incoming));
    tokio::spawn(source(events)).await.unwrap();
}

async fn slow_reader(mut incoming: Receiver<&'static str>) {
    // Only one event is taken, and late. Then the reader waits for its input before the next event.
    sleep(Duration::from_millis(200)).await;
    while let Some(event) = incoming.recv().await {
        println!("{event}");
    }
}

async fn source(events: Sender<&'static str>) {
    events.send("first").await.unwrap();
    let mut data = Box::pin(events.send("data")); // waits here
    tokio::select! {
        sent = &mut data => sent.unwrap(),
        () = sleep(Duration::from_millis(20)) => {
            // `data` gets the place of the first event, and this send waits behind it.
            events.send("tick").await.unwrap(); // waits here
        }
    }
}
