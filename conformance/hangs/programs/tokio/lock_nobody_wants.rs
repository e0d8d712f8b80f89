//! A task holds a lock for as long as the program runs. No other task wants it.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let single_instance = Arc::new(Mutex::new(()));
    tokio::spawn(serve(single_instance)).await.unwrap();
}

async fn serve(single_instance: Arc<Mutex<()>>) {
    let _held = single_instance.lock().await;
    sleep(Duration::from_secs(3600)).await;
}
