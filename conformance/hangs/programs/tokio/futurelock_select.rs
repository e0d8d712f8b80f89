//! The case that gave futurelock its name. A `select!` polls `&mut future`, which enters the queue of a mutex. The other
//! branch locks the same mutex. The mutex is handed to the future, which is not polled any more.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify};
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let resource = Arc::new(Mutex::new(0));
    let locked = Arc::new(Notify::new());
    tokio::spawn(background(resource.clone(), locked.clone()));
    locked.notified().await;
    tokio::spawn(request(resource)).await.unwrap();
}

async fn background(resource: Arc<Mutex<u64>>, locked: Arc<Notify>) {
    let _guard = resource.lock().await;
    locked.notify_one();
    sleep(Duration::from_millis(200)).await;
}

async fn request(resource: Arc<Mutex<u64>>) {
    let mut update = Box::pin(update(&resource));
    tokio::select! {
        () = &mut update => {}
        () = sleep(Duration::from_millis(20)) => *resource.lock().await = 0, // waits here
    }
}

async fn update(resource: &Mutex<u64>) {
    *resource.lock().await += 1; // waits here
}
