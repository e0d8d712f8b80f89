//! A connection has a lock, and waits for another lock or for a message of its peer. The task with the other lock waits for
//! the first one. A message comes each second, so the connection makes progress, and so do the others.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::sync::Mutex;

#[tokio::main]
pub async fn main() {
    let session = Arc::new(Mutex::new(0));
    let store = Arc::new(Mutex::new(0));
    let (socket, mut peer) = std::os::unix::net::UnixStream::pair().unwrap();
    socket.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        while peer.write_all(b"ping").is_ok() {
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    tokio::spawn(flush(session.clone(), store.clone()));
    let socket = UnixStream::from_std(socket).unwrap();
    tokio::spawn(connection(socket, session, store)).await.unwrap();
}

async fn connection(mut socket: UnixStream, session: Arc<Mutex<u64>>, store: Arc<Mutex<u64>>) {
    let mut message = [0; 4];
    loop {
        let mut messages = session.lock().await;
        tokio::select! {
            mut stored = store.lock() => {
                *stored += *messages;
                *messages = 0;
                drop(stored);
                socket.read_exact(&mut message).await.unwrap();
            }
            read = socket.read_exact(&mut message) => {
                read.unwrap();
                *messages += 1;
            }
        }
    }
}

async fn flush(session: Arc<Mutex<u64>>, store: Arc<Mutex<u64>>) {
    loop {
        let stored = store.lock().await;
        println!("{stored} stored, {} to be stored", session.lock().await);
    }
}
