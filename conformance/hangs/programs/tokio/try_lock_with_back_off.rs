//! Opposite orders of locks, but the second lock is only tried. If it is taken, the task releases its first lock.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::sleep;

type Lock = Arc<Mutex<u64>>;

#[tokio::main]
pub async fn main() {
    let accounts = Arc::new(Mutex::new(0));
    let ledger = Arc::new(Mutex::new(0));
    let deposit = tokio::spawn(transfer(accounts.clone(), ledger.clone(), 30));
    let audit = tokio::spawn(transfer(ledger, accounts, 50));
    deposit.await.unwrap();
    audit.await.unwrap();
}

async fn transfer(first: Lock, second: Lock, back_off_ms: u64) {
    loop {
        let first = first.lock().await;
        sleep(Duration::from_millis(200)).await;
        if let Ok(mut second) = second.try_lock() {
            *second += *first;
        }
        drop(first);
        sleep(Duration::from_millis(back_off_ms)).await;
    }
}
