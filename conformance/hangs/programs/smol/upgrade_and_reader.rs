//! One task upgrades a guard and waits for the reader to end. The reader waits for a mutex of the first task.

use smol::lock::{Barrier, Mutex, RwLock, RwLockUpgradableReadGuard};
use std::sync::Arc;

pub fn main() {
    smol::block_on(run());
}

async fn run() {
    let table = Arc::new(RwLock::new(0));
    let log = Arc::new(Mutex::new(0));
    let both_read = Arc::new(Barrier::new(2));
    let update = smol::spawn(update(table.clone(), log.clone(), both_read.clone()));
    let report = smol::spawn(report(table, log, both_read));
    update.await;
    report.await;
}

async fn update(table: Arc<RwLock<u64>>, log: Arc<Mutex<u64>>, both_read: Arc<Barrier>) {
    let mut log = log.lock().await;
    let read = table.upgradable_read().await;
    both_read.wait().await;
    *RwLockUpgradableReadGuard::upgrade(read).await += 1; // waits here
    *log += 1;
}

async fn report(table: Arc<RwLock<u64>>, log: Arc<Mutex<u64>>, both_read: Arc<Barrier>) {
    let read = table.read().await;
    both_read.wait().await;
    *log.lock().await += *read; // waits here
}
