//! Two tasks lock in opposite orders, but each gives up its second lock after a second, and tries again.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

type Lock = Arc<Mutex<u64>>;

#[tokio::main]
pub async fn main() {
    let accounts = Arc::new(Mutex::new(0));
    let ledger = Arc::new(Mutex::new(0));
    let deposit = tokio::spawn(transfer(accounts.clone(), ledger.clone(), 10));
    let audit = tokio::spawn(transfer(ledger, accounts, 17));
    deposit.await.unwrap();
    audit.await.unwrap();
}

async fn transfer(first: Lock, second: Lock, pause_ms: u64) {
    loop {
        {
            let first = first.lock().await;
            sleep(Duration::from_millis(50)).await;
            if let Ok(mut second) = timeout(Duration::from_secs(1), second.lock()).await {
                *second += *first;
            }
        }
        sleep(Duration::from_millis(pause_ms)).await;
    }
}
