//! Two tasks lock two mutexes in opposite orders. With `--timeout` they stop waiting for the second one after two seconds.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Barrier, Mutex};
use tokio::time::timeout;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    insight::init();
    let patience = match std::env::args().nth(1).as_deref() {
        Some("--timeout") => Some(Duration::from_secs(2)),
        _ => None,
    };
    let accounts = Arc::new(Mutex::new(1));
    let ledger = Arc::new(Mutex::new(2));
    let both_hold_one = Arc::new(Barrier::new(2));
    let deposit = tokio::spawn(deposit(accounts.clone(), ledger.clone(), both_hold_one.clone(), patience));
    let audit = tokio::spawn(audit(accounts, ledger, both_hold_one, patience));
    deposit.await.expect("no panic");
    audit.await.expect("no panic");
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
