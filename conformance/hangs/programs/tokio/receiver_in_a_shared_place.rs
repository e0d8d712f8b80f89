//! The receiver of a full channel is in a mutex that two tasks share. So far, only the sending task has used it. A tool
//! cannot know that the other task never will.

use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};

type Shared = Arc<Mutex<Receiver<u64>>>;

#[tokio::main]
pub async fn main() {
    let (jobs, queue) = channel(1);
    let queue = Arc::new(Mutex::new(queue));
    tokio::spawn(dispatch(jobs, queue)).await.unwrap();
}

async fn dispatch(jobs: Sender<u64>, queue: Shared) {
    jobs.send(0).await.unwrap();
    let first = queue.lock().await.recv().await.unwrap();
    for job in first..100 {
        jobs.send(job).await.unwrap(); // waits here
    }
}
