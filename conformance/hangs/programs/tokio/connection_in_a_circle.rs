//! A connection's task locks two mutexes, and another task locks them in the opposite order. While it waits, the
//! connection's task also reads its socket, to notice when the peer closes it. So the socket keeps a waker of the task, and
//! a tool cannot know whether the socket will end the wait.

use std::sync::Arc;
use tokio::net::UnixStream;
use tokio::sync::{Barrier, Mutex};

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
    socket: UnixStream,
    accounts: Arc<Mutex<u64>>,
    ledger: Arc<Mutex<Vec<u64>>>,
    both_locked: Arc<Barrier>,
) {
    tokio::select! {
        () = handle(accounts, ledger, both_locked) => {}
        _ = socket.readable() => println!("the peer has gone"),
    }
}

async fn handle(accounts: Arc<Mutex<u64>>, ledger: Arc<Mutex<Vec<u64>>>, both_locked: Arc<Barrier>) {
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
