//! Four tasks block the two threads of their runtime for two seconds at a time, and yield in between. Each of them returns
//! from its poll, and the next one blocks the thread in its place.

use std::thread::sleep;
use std::time::Duration;
use tokio::task::{JoinSet, yield_now};

#[tokio::main(worker_threads = 2)]
pub async fn main() {
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        tasks.spawn(poll_device());
    }
    tasks.join_next().await;
}

async fn poll_device() {
    loop {
        sleep(Duration::from_secs(2));
        yield_now().await;
    }
}
