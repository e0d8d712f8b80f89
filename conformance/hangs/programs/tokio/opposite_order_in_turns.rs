//! Two tasks lock in opposite orders, but never at the same time: a barrier makes them take turns.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Barrier, Mutex};
use tokio::time::sleep;

type Lock = Arc<Mutex<u64>>;

#[tokio::main]
pub async fn main() {
    let accounts = Arc::new(Mutex::new(0));
    let ledger = Arc::new(Mutex::new(0));
    let turn = Arc::new(Barrier::new(2));
    let even = tokio::spawn(transfer(accounts.clone(), ledger.clone(), turn.clone(), 0));
    let odd = tokio::spawn(transfer(ledger, accounts, turn, 1));
    even.await.unwrap();
    odd.await.unwrap();
}

async fn transfer(first: Lock, second: Lock, turn: Arc<Barrier>, mine: u64) {
    for round in 0.. {
        if round % 2 == mine {
            let first = first.lock().await;
            sleep(Duration::from_millis(700)).await;
            *second.lock().await += *first;
        }
        turn.wait().await;
    }
}
