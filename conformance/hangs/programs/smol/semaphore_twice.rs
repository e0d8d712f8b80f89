//! A task that has the only permit of a semaphore calls a function that acquires it too.

use smol::lock::Semaphore;
use std::sync::Arc;

pub fn main() {
    smol::block_on(run());
}

async fn run() {
    let printer = Arc::new(Semaphore::new(1));
    smol::spawn(print(printer)).await;
}

async fn print(printer: Arc<Semaphore>) {
    let _mine = printer.acquire().await;
    page(&printer).await;
}

async fn page(printer: &Semaphore) {
    let _again = printer.acquire().await; // waits here
}
