//! Two runtimes in one process: a tokio task and a smol task wait for each other.

use smol::channel::{self, Receiver, Sender};
use std::sync::Arc;
use tokio::sync::Mutex;

#[tokio::main]
async fn main() {
    insight::init();
    let index = Arc::new(Mutex::new(0));
    let (rows, unsorted) = channel::bounded(1);
    let import = tokio::spawn(import(rows, index.clone()));
    let sort = smol::spawn(sort(unsorted, index));
    import.await.expect("no panic");
    sort.await;
}

/// Runs on tokio, and holds the index until all rows are sent.
async fn import(rows: Sender<u64>, index: Arc<Mutex<u64>>) {
    let _index = index.lock().await;
    for row in 1..=10 {
        rows.send(row).await.expect("the receiver takes all rows");
    }
}

/// Runs on smol, and needs the index for each row.
async fn sort(unsorted: Receiver<u64>, index: Arc<Mutex<u64>>) {
    while let Ok(row) = unsorted.recv().await {
        *index.lock().await += row;
    }
}
