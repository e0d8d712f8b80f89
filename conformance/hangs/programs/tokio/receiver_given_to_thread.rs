//! A task reads once, and then gives its receiver to a thread, which reads again after a minute. A tool cannot see the
//! receiver in the thread.

use std::thread;
use std::time::Duration;
use tokio::sync::mpsc::channel;

#[tokio::main]
pub async fn main() {
    tokio::spawn(produce()).await.unwrap();
}

async fn produce() {
    let (jobs, mut queue) = channel(1);
    jobs.send(0).await.unwrap();
    queue.recv().await.unwrap();
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(60));
            while queue.try_recv().is_ok() {}
        }
    });
    for job in 1.. {
        jobs.send(job).await.unwrap(); // waits here
    }
}
