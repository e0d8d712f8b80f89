//! Two tasks lock two mutexes in opposite orders. One of them has read from a socket before, in a `select!` that another
//! branch won. The socket still keeps the waker of that read, although the task no longer waits for it.

use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::sync::{Barrier, Mutex};
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let accounts = Arc::new(Mutex::new(100));
    let ledger = Arc::new(Mutex::new(Vec::new()));
    let both_locked = Arc::new(Barrier::new(2));
    let (socket, _peer) = UnixStream::pair().unwrap();
    let audit = tokio::spawn(audit(accounts.clone(), ledger.clone(), both_locked.clone()));
    tokio::spawn(connection(socket, accounts, ledger, both_locked));
    audit.await.unwrap();
}

async fn connection(
    mut socket: UnixStream,
    accounts: Arc<Mutex<u64>>,
    ledger: Arc<Mutex<Vec<u64>>>,
    both_locked: Arc<Barrier>,
) {
    let mut message = [0; 4];
    tokio::select! {
        _ = socket.read(&mut message) => println!("{message:?}"),
        () = sleep(Duration::from_millis(50)) => {}
    }
    let mut balance = accounts.lock().await;
    both_locked.wait().await;
    *balance += 1;
    ledger.lock().await.push(*balance); // waits here
}

async fn audit(accounts: Arc<Mutex<u64>>, ledger: Arc<Mutex<Vec<u64>>>, both_locked: Arc<Barrier>) {
    let entries = ledger.lock().await;
    both_locked.wait().await;
    println!("{} {}", entries.len(), accounts.lock().await); // waits here
}
