//! Two mutexes in opposite orders. But one task has sent its guard, which owns the mutex, to a third task, which drops it
//! after a minute.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Barrier, Mutex, OwnedMutexGuard, oneshot};

type Users = Arc<Mutex<u64>>;

#[tokio::main]
pub async fn main() {
    let users = Arc::new(Mutex::new(0));
    let groups = Arc::new(Mutex::new(0));
    let both_hold_one = Arc::new(Barrier::new(2));
    let (guard, kept) = oneshot::channel();
    tokio::spawn(keep(kept));
    let join = tokio::spawn(join(users.clone(), groups.clone(), both_hold_one.clone(), guard));
    let leave = tokio::spawn(leave(users, groups, both_hold_one));
    join.await.unwrap();
    leave.await.unwrap();
}

async fn keep(kept: oneshot::Receiver<OwnedMutexGuard<u64>>) {
    let _guard = kept.await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
}

async fn join(
    users: Users,
    groups: Arc<Mutex<u64>>,
    both_hold_one: Arc<Barrier>,
    guard: oneshot::Sender<OwnedMutexGuard<u64>>,
) {
    let _ = guard.send(users.lock_owned().await);
    both_hold_one.wait().await;
    *groups.lock().await += 1; // waits here
}

async fn leave(users: Users, groups: Arc<Mutex<u64>>, both_hold_one: Arc<Barrier>) {
    let mut group = groups.lock().await;
    both_hold_one.wait().await;
    *group += *users.lock().await; // waits here
}
