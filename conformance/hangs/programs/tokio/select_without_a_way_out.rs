//! A `select!` over two mutexes, and either would be enough. The tasks that hold them wait for a third mutex, and the
//! first task holds this one.

use std::sync::Arc;
use tokio::sync::{Barrier, Mutex};

type Lock = Arc<Mutex<u64>>;

#[tokio::main]
pub async fn main() {
    let primary = Arc::new(Mutex::new(0));
    let replica = Arc::new(Mutex::new(0));
    let lease = Arc::new(Mutex::new(0));
    let each_holds_one = Arc::new(Barrier::new(3));
    tokio::spawn(write(primary.clone(), lease.clone(), each_holds_one.clone()));
    tokio::spawn(copy(replica.clone(), lease.clone(), each_holds_one.clone()));
    tokio::spawn(read(primary, replica, lease, each_holds_one)).await.unwrap();
}

async fn write(primary: Lock, lease: Lock, each_holds_one: Arc<Barrier>) {
    let mut value = primary.lock().await;
    each_holds_one.wait().await;
    *value = *lease.lock().await; // waits here
}

async fn copy(replica: Lock, lease: Lock, each_holds_one: Arc<Barrier>) {
    let mut value = replica.lock().await;
    each_holds_one.wait().await;
    *value = *lease.lock().await; // waits here
}

async fn read(primary: Lock, replica: Lock, lease: Lock, each_holds_one: Arc<Barrier>) {
    let _lease = lease.lock().await;
    each_holds_one.wait().await;
    tokio::select! {
        value = primary.lock() => println!("{value}"), // waits here
        value = replica.lock() => println!("{value}"), // waits here
    }
}
