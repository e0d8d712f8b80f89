//! A handwritten future gives its waker to a thread, and keeps it when it is polled again. The thread wakes it after 1.5 s
//! of work. The futures do so again and again.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[tokio::main]
pub async fn main() {
    let waits = (0..4).map(|_| tokio::spawn(wait_for_work()));
    for wait in waits.collect::<Vec<_>>() {
        wait.await.unwrap();
    }
}

async fn wait_for_work() {
    loop {
        Work::default().await;
    }
}

/// It uses only the waker of its first poll. A task on an executor has the same waker in each poll.
#[derive(Default)]
struct Work {
    done: Arc<AtomicBool>,
    begun: bool,
}

impl Future for Work {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<()> {
        if self.done.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if !std::mem::replace(&mut self.begun, true) {
            let (done, waker) = (self.done.clone(), context.waker().clone());
            std::thread::spawn(move || work(&done, waker));
        }
        Poll::Pending
    }
}

fn work(done: &AtomicBool, waker: Waker) {
    std::thread::sleep(Duration::from_millis(1500));
    done.store(true, Ordering::Release);
    waker.wake();
}
