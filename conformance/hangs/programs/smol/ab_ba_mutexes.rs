//! Two tasks take two mutexes of async-lock in opposite orders.

use smol::lock::{Barrier, Mutex};
use std::sync::Arc;

pub fn main() {
    smol::block_on(run());
}

async fn run() {
    let accounts = Arc::new(Mutex::new(0));
    let ledger = Arc::new(Mutex::new(0));
    let both_hold_one = Arc::new(Barrier::new(2));
    let deposit = smol::spawn(deposit(accounts.clone(), ledger.clone(), both_hold_one.clone()));
    let audit = smol::spawn(audit(accounts, ledger, both_hold_one));
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
