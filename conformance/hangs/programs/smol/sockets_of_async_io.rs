//! Clients and servers on sockets of async-io. Each byte is sent back, at once by some servers and after two seconds by others.
//! One client sends nothing.

use smol::Timer;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use std::time::Duration;

pub fn main() {
    smol::block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        smol::spawn(accept(listener)).detach();
        let _silent = TcpStream::connect(address).await.unwrap();
        let clients: Vec<_> = (0..8).map(|number| smol::spawn(client(TcpStream::connect(address), number))).collect();
        for client in clients {
            client.await;
        }
    });
}

async fn accept(listener: TcpListener) {
    loop {
        let (connection, _) = listener.accept().await.unwrap();
        smol::spawn(echo(connection)).detach();
    }
}

/// Sends each byte back. An even one waits.
async fn echo(mut connection: TcpStream) {
    let mut byte = [0];
    while connection.read_exact(&mut byte).await.is_ok() {
        if byte[0] % 2 == 0 {
            Timer::after(Duration::from_millis(2000)).await;
        }
        if connection.write_all(&byte).await.is_err() {
            return;
        }
    }
}

async fn client(connection: impl Future<Output = smol::io::Result<TcpStream>>, number: u8) {
    let mut connection = connection.await.unwrap();
    loop {
        let mut answer = [0];
        connection.write_all(&[number]).await.unwrap();
        connection.read_exact(&mut answer).await.unwrap();
        if answer != [number] {
            eprintln!("client {number} got {answer:?}");
            std::process::exit(1);
        }
        if number % 2 == 1 {
            Timer::after(Duration::from_millis(1)).await;
        }
    }
}
