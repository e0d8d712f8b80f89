//! A producer that is faster than its consumer. The channel is nearly always full, and both tasks are woken thousands of
//! times a second.

use tokio::sync::mpsc::{Receiver, Sender, channel};

#[tokio::main]
pub async fn main() {
    let (numbers, received) = channel(16);
    tokio::spawn(produce(numbers));
    tokio::spawn(consume(received)).await.unwrap();
}

async fn produce(numbers: Sender<u64>) {
    for number in 0.. {
        numbers.send(number).await.unwrap();
    }
}

async fn consume(mut received: Receiver<u64>) {
    let mut sum = 0u64;
    while let Some(number) = received.recv().await {
        sum = sum.wrapping_add(number);
    }
}
