//! A handwritten future gives its waker to a thread that should wake it after the work. The thread finishes the work, and
//! drops the waker instead of waking it. One more poll would end the wait, and no waker is left that could cause it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

#[tokio::main]
pub async fn main() {
    tokio::spawn(wait_for_work()).await.unwrap();
}

async fn wait_for_work() {
    let done = Arc::new(AtomicBool::new(false));
    let mut begun = false;
    poll_fn(|context| {
        if done.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if !std::mem::replace(&mut begun, true) {
            let (done, waker) = (done.clone(), context.waker().clone());
            std::thread::spawn(move || work(&done, waker));
        }
        Poll::Pending
    })
    .await;
}

fn work(done: &AtomicBool, waker: Waker) {
    std::thread::sleep(Duration::from_millis(100));
    done.store(true, Ordering::Release);
    drop(waker);
}
