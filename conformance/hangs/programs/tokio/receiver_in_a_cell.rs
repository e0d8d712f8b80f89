//! A task reads once, and then leaves its receiver in a cell. Another task takes it out after a minute, and reads on.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, channel};

type Cell = Arc<Mutex<Option<Receiver<u64>>>>;

#[tokio::main]
pub async fn main() {
    let cell = Cell::default();
    let consume = tokio::spawn(consume(cell.clone()));
    tokio::spawn(produce(cell)).await.unwrap();
    consume.await.unwrap();
}

async fn produce(cell: Cell) {
    let (jobs, mut queue) = channel(1);
    jobs.send(0).await.unwrap();
    queue.recv().await.unwrap();
    *cell.lock().unwrap() = Some(queue);
    for job in 1.. {
        jobs.send(job).await.unwrap(); // waits here
    }
}

async fn consume(cell: Cell) {
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mut queue = cell.lock().unwrap().take().unwrap();
    while queue.recv().await.is_some() {}
}
