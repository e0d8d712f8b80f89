//! Two tasks on async-std lock two mutexes in opposite orders. With `--timeout` they stop waiting for the second mutex
//! after two seconds.

use async_std::future::timeout;
use async_std::sync::{Barrier, Mutex};
use async_std::task;
use std::sync::Arc;
use std::time::Duration;

#[async_std::main]
async fn main() {
    insight::init();
    let patience = match std::env::args().nth(1).as_deref() {
        Some("--timeout") => Some(Duration::from_secs(2)),
        _ => None,
    };
    let accounts = Arc::new(Mutex::new(1));
    let ledger = Arc::new(Mutex::new(2));
    let both_hold_one = Arc::new(Barrier::new(2));
    let deposit = task::spawn(deposit(accounts.clone(), ledger.clone(), both_hold_one.clone(), patience));
    let audit = task::spawn(audit(accounts, ledger, both_hold_one, patience));
    deposit.await;
    audit.await;
    eprintln!("lock_order: done");
    std::future::pending().await
}

async fn deposit(
    accounts: Arc<Mutex<u64>>,
    ledger: Arc<Mutex<u64>>,
    both_hold_one: Arc<Barrier>,
    patience: Option<Duration>,
) {
    let account = accounts.lock().await;
    both_hold_one.wait().await;
    match patience {
        None => *ledger.lock().await += *account,
        Some(patience) => {
            let _ = timeout(patience, ledger.lock()).await;
        }
    }
}

async fn audit(
    accounts: Arc<Mutex<u64>>,
    ledger: Arc<Mutex<u64>>,
    both_hold_one: Arc<Barrier>,
    patience: Option<Duration>,
) {
    let entry = ledger.lock().await;
    both_hold_one.wait().await;
    match patience {
        None => *accounts.lock().await += *entry,
        Some(patience) => {
            let _ = timeout(patience, accounts.lock()).await;
        }
    }
}
