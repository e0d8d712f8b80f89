//! Two tasks take two mutexes in opposite orders.

use async_std::sync::{Arc, Barrier, Mutex};
use async_std::task;

#[async_std::main]
pub async fn main() {
    let accounts = Arc::new(Mutex::new(0));
    let ledger = Arc::new(Mutex::new(0));
    let both_hold_one = Arc::new(Barrier::new(2));
    let deposit = task::spawn(deposit(accounts.clone(), ledger.clone(), both_hold_one.clone()));
    let audit = task::spawn(audit(accounts, ledger, both_hold_one));
    deposit.await;
    audit.await;
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
