//! A blocking closure waits for a plain thread, such as one that reads stdin. A task waits for the closure.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tokio::task::spawn_blocking;

#[tokio::main]
pub async fn main() {
    let (typed, lines) = channel();
    std::thread::spawn(move || {
        while typed.send("line").is_ok() {
            std::thread::sleep(Duration::from_secs(3));
        }
    });
    tokio::spawn(console(lines)).await.unwrap();
}

async fn console(mut lines: Receiver<&'static str>) {
    loop {
        let read = move || {
            println!("{}", lines.recv().unwrap());
            lines
        };
        lines = spawn_blocking(read).await.unwrap();
    }
}
