//! A handwritten future gives its waker to a thread that should wake it after the work. The work fails after a while, and
//! the thread ends without a wake: its waker is gone.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

#[tokio::main]
pub async fn main() {
    tokio::spawn(wait_for_config()).await.unwrap();
}

async fn wait_for_config() {
    let loaded = Arc::new(AtomicBool::new(false));
    let mut begun = false;
    poll_fn(|context| {
        if loaded.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if !std::mem::replace(&mut begun, true) {
            let (loaded, waker) = (loaded.clone(), context.waker().clone());
            std::thread::spawn(move || load("/nowhere/config.toml", &loaded, waker));
        }
        Poll::Pending
    })
    .await;
}

fn load(path: &str, loaded: &AtomicBool, waker: Waker) {
    std::thread::sleep(Duration::from_millis(100));
    let Ok(config) = std::fs::read_to_string(path) else { return };
    loaded.store(!config.is_empty(), Ordering::Release);
    waker.wake();
}
