//! Readers hold their guards for long, and a writer gets its turn each time.

use smol::Timer;
use smol::lock::RwLock;
use std::sync::Arc;
use std::time::Duration;

pub fn main() {
    smol::block_on(run());
}

async fn run() {
    let map = Arc::new(RwLock::new(0));
    let readers: Vec<_> = (0..3).map(|number| smol::spawn(read(map.clone(), number))).collect();
    smol::spawn(write(map)).await;
    drop(readers);
}

async fn read(map: Arc<RwLock<u64>>, number: u64) {
    loop {
        let guard = map.read().await;
        Timer::after(Duration::from_millis(600 + 50 * number)).await;
        drop(guard);
    }
}

async fn write(map: Arc<RwLock<u64>>) {
    loop {
        *map.write().await += 1;
        Timer::after(Duration::from_millis(100)).await;
    }
}
