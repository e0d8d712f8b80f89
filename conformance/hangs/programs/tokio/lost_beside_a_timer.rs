//! A handwritten future drops the waker of its poll, beside a timeout of an hour. The timer still has a waker of the task, so
//! something may wake the task. It would continue after an hour, although its value is there.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::oneshot;

#[tokio::main]
pub async fn main() {
    let loaded = Arc::new(AtomicBool::new(false));
    let (polled, is_polled) = oneshot::channel();
    let waits = tokio::spawn(wait_for_config(loaded.clone(), polled));
    is_polled.await.unwrap();
    loaded.store(true, Ordering::Release);
    waits.await.unwrap();
    std::future::pending::<()>().await;
}

async fn wait_for_config(loaded: Arc<AtomicBool>, polled: oneshot::Sender<()>) {
    let mut polled = Some(polled);
    let config = poll_fn(|_| {
        if loaded.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if let Some(polled) = polled.take() {
            let _ = polled.send(());
        }
        Poll::Pending
    });
    tokio::select! {
        () = config => {}
        () = tokio::time::sleep(Duration::from_secs(3600)) => {}
    }
}
