//! A source wakes its reader for every byte, and the reader takes a millisecond to read all available bytes. Only about one
//! wake in a thousand has an effect.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

#[derive(Default)]
struct Source {
    bytes: AtomicU64,
    reader: Mutex<Option<Waker>>,
}

#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    let source = Arc::new(Source::default());
    let writer = source.clone();
    std::thread::spawn(move || {
        loop {
            for _ in 0..5000 {
                writer.bytes.fetch_add(1, Ordering::Relaxed);
                if let Some(waker) = &*writer.reader.lock().unwrap() {
                    waker.wake_by_ref();
                }
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    tokio::spawn(read(source)).await.unwrap();
}

async fn read(source: Arc<Source>) {
    loop {
        let bytes = poll_fn(|context| {
            source.reader.lock().unwrap().get_or_insert_with(|| context.waker().clone());
            match source.bytes.swap(0, Ordering::Relaxed) {
                0 => Poll::Pending,
                bytes => Poll::Ready(bytes),
            }
        });
        let bytes = bytes.await;
        // Reading the available bytes takes a while.
        std::thread::sleep(Duration::from_micros(500 + bytes.min(500)));
    }
}
