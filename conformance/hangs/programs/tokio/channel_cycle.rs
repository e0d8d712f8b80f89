//! Two tasks with a bounded channel each way. Each sends until the other's channel is full, and receives nothing before it
//! has sent all of its messages.

use tokio::sync::mpsc::{Receiver, Sender, channel};

#[tokio::main]
pub async fn main() {
    let (orders, incoming) = channel(2);
    let (receipts, confirmed) = channel(2);
    let shop = tokio::spawn(shop(orders, confirmed));
    let warehouse = tokio::spawn(warehouse(receipts, incoming));
    shop.await.unwrap();
    warehouse.await.unwrap();
}

async fn shop(orders: Sender<u64>, mut confirmed: Receiver<u64>) {
    orders.send(0).await.unwrap();
    confirmed.recv().await.unwrap();
    for order in 1..=10 {
        orders.send(order).await.unwrap(); // waits here
    }
    while confirmed.recv().await.is_some() {}
}

async fn warehouse(receipts: Sender<u64>, mut incoming: Receiver<u64>) {
    while let Some(order) = incoming.recv().await {
        // One receipt for each parcel.
        for parcel in 0..order * 10 + 1 {
            receipts.send(parcel).await.unwrap(); // waits here
        }
    }
}
