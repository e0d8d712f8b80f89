//! The rows of a single operation that only tokio has, or that are measured on tokio only.

use crate::micro::once_more;
use crate::runtime::run;
use std::hint::black_box;
use std::time::Duration;
use tokio::sync::{Notify, RwLock, Semaphore, oneshot};
use tokio::time::timeout;

/// Longer than any operation.
const HOUR: Duration = Duration::from_secs(3600);

/// Does the operation of a row `count` times in a task of the runtime. `None` if there is no row with this name.
pub fn row(name: &str, count: u64) -> Option<()> {
    match name {
        "read" => run(read(count)),
        "acquire" => run(acquire(count)),
        "oneshot" => run(send_once(count)),
        "notify" => run(notify(count)),
        "timeout-ready" => run(timeout_of_a_ready_future(count)),
        "timeout-poll" => run(timeout_of_a_poll(count)),
        _ => return None,
    }
    Some(())
}

async fn read(count: u64) {
    let lock = RwLock::new(1_u64);
    for _ in 0..count {
        drop(black_box(lock.read().await));
    }
}

async fn acquire(count: u64) {
    let semaphore = Semaphore::new(2);
    for _ in 0..count {
        drop(semaphore.acquire().await.expect("it is not closed"));
    }
}

async fn send_once(count: u64) {
    for number in 0..count {
        let (sender, receiver) = oneshot::channel();
        sender.send(black_box(number)).expect("the receiver is open");
        black_box(receiver.await.expect("it was sent"));
    }
}

async fn notify(count: u64) {
    let notify = Notify::new();
    for _ in 0..count {
        notify.notify_one();
        notify.notified().await;
    }
}

async fn timeout_of_a_ready_future(count: u64) {
    for _ in 0..count {
        timeout(HOUR, std::future::ready(())).await.expect("an hour is enough");
    }
}

/// The timer is registered, polled once, and dropped.
async fn timeout_of_a_poll(count: u64) {
    for _ in 0..count {
        timeout(HOUR, once_more()).await.expect("an hour is enough");
    }
}
