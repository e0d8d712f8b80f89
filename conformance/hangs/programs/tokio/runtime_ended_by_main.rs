//! Two tasks take two locks in opposite orders. After a minute a thread sends a message to `main`, which then drops the runtime
//! with both tasks, and continues with another one. A tool cannot see that the message will come.

use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{Barrier, Mutex, oneshot};

pub fn main() {
    let (stop, stopped) = oneshot::channel();
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(60));
        stop.send(()).unwrap();
    });
    let first = Runtime::new().unwrap();
    first.block_on(async {
        let (accounts, ledger) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        let both_hold_one = Arc::new(Barrier::new(2));
        tokio::spawn(deposit(accounts.clone(), ledger.clone(), both_hold_one.clone()));
        tokio::spawn(audit(accounts, ledger, both_hold_one));
        stopped.await.unwrap();
    });
    drop(first);
    Runtime::new().unwrap().block_on(tokio::time::sleep(Duration::from_secs(60)));
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
