//! A buffer on the stack of an async function is part of its future if it lives across an await. Each task takes 128 KiB.

use std::time::Duration;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    tokio::spawn(copy()).await.unwrap();
}

async fn copy() {
    let mut buffer = [0u8; 128 << 10];
    loop {
        sleep(Duration::from_secs(1)).await;
        buffer[0] = buffer[0].wrapping_add(buffer[buffer.len() - 1]);
    }
}
