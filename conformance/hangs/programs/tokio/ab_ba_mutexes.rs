//! Two tasks take two mutexes in opposite orders. Each holds the mutex that the other waits for, and neither releases it.

use std::sync::Arc;
use tokio::sync::{Barrier, Mutex};

#[tokio::main]
pub async fn main() {
    let accounts = Arc::new(Mutex::new(0));
    let ledger = Arc::new(Mutex::new(0));
    let both_hold_one = Arc::new(Barrier::new(2));
    let deposit = tokio::spawn(deposit(accounts.clone(), ledger.clone(), both_hold_one.clone()));
    let audit = tokio::spawn(audit(accounts, ledger, both_hold_one));
    deposit.await.unwrap();
    audit.await.unwrap();
}

async fn deposit(accounts: Arc<Mutex<u64>>, ledger: Arc<Mutex<u64>>, both_hold_one: Arc<Barrier>) {
    let account = accounts.lock().await;
    both_hold_one.wait().await;
    *ledger.lock().await += *account; // waits here
}

async fn audit(accounts: Arc<Mutex<u64>>, ledger: Arc<Mutex<u64>>, both_hold_one: Arc<Barrier>) {
    let entry = ledger.lock().await;
    both_hold_one.wait().await;
    *accounts.lock().await += *entry; // waits here
}
