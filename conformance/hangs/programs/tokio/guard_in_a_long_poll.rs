//! A task puts its guard of a leaked lock into a cell, and waits for another task, which waits for that lock. A third task has taken the
//! guard, and works for a minute without an `.await`, on the stack of the thread that runs `main`.

use std::sync::Mutex as Cell;
use std::thread;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

type Guard = MutexGuard<'static, u64>;

#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    let accounts: &'static Mutex<u64> = Box::leak(Box::new(Mutex::new(0)));
    let ledger: &'static Mutex<u64> = Box::leak(Box::new(Mutex::new(0)));
    let cell: &'static Cell<Option<Guard>> = Box::leak(Box::new(Cell::new(None)));
    let deposit = tokio::spawn(deposit(accounts, ledger, cell));
    let audit = tokio::spawn(audit(accounts, ledger));
    let save = tokio::spawn(save(cell));
    deposit.await.unwrap();
    audit.await.unwrap();
    save.await.unwrap();
}

async fn deposit(accounts: &'static Mutex<u64>, ledger: &'static Mutex<u64>, cell: &'static Cell<Option<Guard>>) {
    let account = accounts.lock().await;
    *cell.lock().unwrap() = Some(account);
    tokio::task::yield_now().await;
    *ledger.lock().await += 1; // waits here
}

async fn audit(accounts: &'static Mutex<u64>, ledger: &'static Mutex<u64>) {
    let entry = ledger.lock().await;
    *accounts.lock().await += *entry; // waits here
}

async fn save(cell: &'static Cell<Option<Guard>>) {
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
    let account = cell.lock().unwrap().take().unwrap();
    write(account);
}

/// Works with the guard in its own frame.
#[inline(never)]
fn write(mut account: Guard) {
    thread::sleep(Duration::from_secs(60));
    *account += 1;
}
