//! A handwritten signal has room for one waker, and two tasks wait for it. The second task's waker replaces the first
//! one's. The first task is never woken, even when the signal comes.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use tokio::sync::oneshot;

#[derive(Default)]
struct Signal(Mutex<Option<Waker>>);

impl Signal {
    async fn wait(&self) {
        let mut registered = false;
        poll_fn(|context| {
            if std::mem::replace(&mut registered, true) {
                return Poll::Ready(());
            }
            *self.0.lock().unwrap() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    let signal = Arc::new(Signal::default());
    // The runtime has one thread, so the tasks are first polled in this order.
    let first = tokio::spawn(first(signal.clone()));
    let (waits, second_waits) = oneshot::channel();
    tokio::spawn(second(signal.clone(), waits));
    second_waits.await.unwrap();
    tokio::task::yield_now().await;
    if let Some(waker) = signal.0.lock().unwrap().take() {
        waker.wake();
    }
    first.await.unwrap();
}

async fn first(signal: Arc<Signal>) {
    signal.wait().await;
}

async fn second(signal: Arc<Signal>, waits: oneshot::Sender<()>) {
    waits.send(()).unwrap();
    signal.wait().await;
}
