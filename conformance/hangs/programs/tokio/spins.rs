//! A handwritten future wakes itself instead of leaving its waker for the setter of the flag. Its task is never idle, and
//! does no work.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    let ready = Arc::new(AtomicBool::new(false));
    tokio::spawn(wait_for_flag(ready)).await.unwrap();
}

async fn wait_for_flag(ready: Arc<AtomicBool>) {
    poll_fn(|context| {
        if ready.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
