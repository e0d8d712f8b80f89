//! The tasks of an executor that borrows from `main` share a mutex on its stack. One task sends its guard to the other,
//! which drops it after a minute, and locks the mutex again.

use smol::channel::bounded;
use smol::lock::Mutex;
use smol::{Executor, Timer};
use std::time::Duration;

pub fn main() {
    let orders = Mutex::new(0);
    let (guards, kept) = bounded(1);
    let executor = Executor::new();
    let order = executor.spawn(async {
        guards.send(orders.lock().await).await.unwrap();
        *orders.lock().await += 1; // waits here
    });
    let keep = executor.spawn(async {
        let _guard = kept.recv().await.unwrap();
        Timer::after(Duration::from_secs(60)).await;
    });
    smol::block_on(executor.run(async {
        order.await;
        keep.await;
    }));
}
