//! A task holds a lock and waits for a condition. The task that would notify it needs the lock first. Any other task might
//! notify too, so a tool must not report a deadlock. But the lock is held for long, and by a known task.

use async_std::sync::{Arc, Condvar, Mutex};
use async_std::task;

type Stock = Arc<(Mutex<u64>, Condvar)>;

#[async_std::main]
pub async fn main() {
    let shop = Arc::new(Mutex::new(()));
    let stock = Arc::new((Mutex::new(0), Condvar::new()));
    let buyer = task::spawn(buyer(shop.clone(), stock.clone()));
    while shop.try_lock().is_some() {
        task::yield_now().await;
    }
    task::spawn(supplier(shop, stock));
    buyer.await;
}

async fn buyer(shop: Arc<Mutex<()>>, stock: Stock) {
    let _in_the_shop = shop.lock().await;
    let mut left = stock.1.wait_until(stock.0.lock().await, |left| *left > 0).await; // waits here
    *left -= 1;
}

async fn supplier(shop: Arc<Mutex<()>>, stock: Stock) {
    let _in_the_shop = shop.lock().await; // waits here
    *stock.0.lock().await += 1;
    stock.1.notify_one();
}
