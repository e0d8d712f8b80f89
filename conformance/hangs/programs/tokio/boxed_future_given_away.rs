//! A task polls a future in a box until it has locked a mutex. Then it gives the box to another task, which finishes the
//! future after a minute, and waits for the mutex itself.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Barrier, Mutex, oneshot};

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

#[tokio::main]
pub async fn main() {
    let (future, given) = oneshot::channel();
    tokio::spawn(finish(given));
    tokio::spawn(begin(future)).await.unwrap();
}

async fn begin(given: oneshot::Sender<Boxed>) {
    let stock = Arc::new(Mutex::new(0));
    let (locked, also_locked) = (Arc::new(Barrier::new(2)), stock.clone());
    let seen = locked.clone();
    let mut future: Boxed = Box::pin(async move {
        let mut stock = also_locked.lock().await;
        seen.wait().await;
        *stock += 1;
    });
    tokio::select! {
        biased;
        () = &mut future => unreachable!("it waits for the barrier"),
        _ = locked.wait() => {}
    }
    let _ = given.send(future);
    *stock.lock().await += 1; // waits here
}

async fn finish(given: oneshot::Receiver<Boxed>) {
    let future = given.await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    future.await;
}
