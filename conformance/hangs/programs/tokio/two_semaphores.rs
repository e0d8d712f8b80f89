//! Two philosophers: each has the only permit of one semaphore, and waits for the permit of the other semaphore.

use std::sync::Arc;
use tokio::sync::{Barrier, Semaphore};

#[tokio::main]
pub async fn main() {
    let left_fork = Arc::new(Semaphore::new(1));
    let right_fork = Arc::new(Semaphore::new(1));
    let both_have_one = Arc::new(Barrier::new(2));
    let kant = tokio::spawn(kant(left_fork.clone(), right_fork.clone(), both_have_one.clone()));
    let hegel = tokio::spawn(hegel(left_fork, right_fork, both_have_one));
    kant.await.unwrap();
    hegel.await.unwrap();
}

async fn kant(left_fork: Arc<Semaphore>, right_fork: Arc<Semaphore>, both_have_one: Arc<Barrier>) {
    let _left = left_fork.acquire().await.unwrap();
    both_have_one.wait().await;
    let _right = right_fork.acquire().await.unwrap(); // waits here
}

async fn hegel(left_fork: Arc<Semaphore>, right_fork: Arc<Semaphore>, both_have_one: Arc<Barrier>) {
    let _right = right_fork.acquire().await.unwrap();
    both_have_one.wait().await;
    let _left = left_fork.acquire().await.unwrap(); // waits here
}
