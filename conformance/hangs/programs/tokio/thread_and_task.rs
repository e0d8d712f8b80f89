//! A blocking closure and a task take two mutexes in opposite orders: the thread by `blocking_lock`, the task by `lock`.

use std::sync::Arc;
use tokio::sync::{Mutex, oneshot};
use tokio::task::spawn_blocking;

type Lock = Arc<Mutex<u64>>;

#[tokio::main]
pub async fn main() {
    let index = Arc::new(Mutex::new(0));
    let pages = Arc::new(Mutex::new(0));
    let (pages_held, when_pages_held) = oneshot::channel();
    let (index_held, when_index_held) = oneshot::channel();
    let flush = tokio::spawn(flush(index.clone(), pages.clone(), index_held, when_pages_held));
    spawn_blocking(move || compact(pages, index, pages_held, when_index_held));
    flush.await.unwrap();
}

async fn flush(index: Lock, pages: Lock, index_held: oneshot::Sender<()>, when_pages_held: oneshot::Receiver<()>) {
    let mut index = index.lock().await;
    index_held.send(()).unwrap();
    when_pages_held.await.unwrap();
    *index += *pages.lock().await; // waits here
}

fn compact(pages: Lock, index: Lock, pages_held: oneshot::Sender<()>, when_index_held: oneshot::Receiver<()>) {
    let mut pages = pages.blocking_lock();
    pages_held.send(()).unwrap();
    when_index_held.blocking_recv().unwrap();
    *pages += *index.blocking_lock(); // waits here
}
