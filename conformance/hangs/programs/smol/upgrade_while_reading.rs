//! A task has an upgradable guard and a plain one of the same `RwLock`. The upgrade waits until there is no other reader,
//! but the other reader is the task itself.

use smol::lock::{RwLock, RwLockUpgradableReadGuard};
use std::sync::Arc;

pub fn main() {
    smol::block_on(run());
}

async fn run() {
    let cache = Arc::new(RwLock::new(vec![1]));
    smol::spawn(refresh(cache)).await;
}

async fn refresh(cache: Arc<RwLock<Vec<u64>>>) {
    let known = cache.read().await;
    let upgradable = cache.upgradable_read().await;
    let mut changed = RwLockUpgradableReadGuard::upgrade(upgradable).await; // waits here
    changed.push(known[0]);
}
