//! Two mutexes in opposite orders, with guards that own their mutex. Such a guard may have moved to any other task, so a
//! tool cannot prove which task has it.

use std::sync::Arc;
use tokio::sync::{Barrier, Mutex};

#[tokio::main]
pub async fn main() {
    let users = Arc::new(Mutex::new(0));
    let groups = Arc::new(Mutex::new(0));
    let both_hold_one = Arc::new(Barrier::new(2));
    let join = tokio::spawn(join(users.clone(), groups.clone(), both_hold_one.clone()));
    let leave = tokio::spawn(leave(users, groups, both_hold_one));
    join.await.unwrap();
    leave.await.unwrap();
}

async fn join(users: Arc<Mutex<u64>>, groups: Arc<Mutex<u64>>, both_hold_one: Arc<Barrier>) {
    let mut user = users.lock_owned().await;
    both_hold_one.wait().await;
    *user += *groups.lock_owned().await; // waits here
}

async fn leave(users: Arc<Mutex<u64>>, groups: Arc<Mutex<u64>>, both_hold_one: Arc<Barrier>) {
    let mut group = groups.lock_owned().await;
    both_hold_one.wait().await;
    *group += *users.lock_owned().await; // waits here
}
