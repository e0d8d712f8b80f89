//! A task waits for a blocking closure, which waits for a plain thread.

use std::sync::mpsc::channel;
use std::time::Duration;

pub fn main() {
    smol::block_on(run());
}

async fn run() {
    let (typed, mut lines) = channel();
    std::thread::spawn(move || {
        while typed.send("line").is_ok() {
            std::thread::sleep(Duration::from_secs(3));
        }
    });
    loop {
        let read = move || {
            println!("{}", lines.recv().unwrap());
            lines
        };
        lines = smol::unblock(read).await;
    }
}
