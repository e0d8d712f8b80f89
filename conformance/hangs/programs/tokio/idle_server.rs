//! A server without requests. It accepts connections, and its workers wait for jobs. The connected clients send
//! nothing.

use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};

#[tokio::main]
pub async fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (jobs, queue) = channel(4);
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..3 {
        tokio::spawn(worker(queue.clone()));
    }
    tokio::spawn(accept(listener, jobs));
    let _silent = TcpStream::connect(address).await.unwrap();
    std::future::pending().await
}

async fn accept(listener: TcpListener, jobs: Sender<u8>) {
    while let Ok((connection, _)) = listener.accept().await {
        tokio::spawn(serve(connection, jobs.clone()));
    }
}

async fn serve(mut connection: TcpStream, jobs: Sender<u8>) {
    while let Ok(byte) = connection.read_u8().await {
        jobs.send(byte).await.unwrap();
    }
}

/// Waits for a job with the lock held, as in tokio's documentation. One worker waits for a message, two for the lock.
async fn worker(queue: Arc<Mutex<Receiver<u8>>>) {
    loop {
        let job = queue.lock().await.recv().await;
        let Some(job) = job else { return };
        println!("{job}");
    }
}
