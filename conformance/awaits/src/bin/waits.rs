//! One task for each kind of wait that no facade of insight may know.

use futures_intrusive::sync::ManualResetEvent;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let fifo = std::env::temp_dir().join(format!("awaiting-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&fifo).status().await.unwrap().success());
    let mut tasks = JoinSet::new();
    tasks.spawn(channel());
    tasks.spawn(event());
    tasks.spawn(socket(address.clone()));
    tasks.spawn(child());
    tasks.spawn(file(fifo));
    tasks.spawn(request(format!("http://{address}/")));
    tasks.spawn(copy(address.clone()));
    tasks.spawn(lines(address));
    tasks.spawn(duplex());
    tasks.spawn(by_hand());
    tasks.join_next().await; // `waits::main` awaits `tokio::task::JoinSet::join_next`
}

async fn channel() {
    let (_sender, receiver) = flume::bounded::<u8>(1);
    let _ = receiver.recv_async().await; // `waits::channel` awaits `flume::Receiver::recv_async`
}

async fn event() {
    let event = ManualResetEvent::new(false);
    event.wait().await; // `waits::event` awaits `futures_intrusive::sync::ManualResetEvent::wait`
}

async fn socket(address: String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.read(&mut [0]).await; // `waits::socket` awaits `tokio::net::TcpStream::read`
}

async fn copy(address: String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await; // `waits::copy` awaits `tokio::io::copy`
}

async fn lines(address: String) {
    let mut lines = BufReader::new(TcpStream::connect(address).await.unwrap()).lines();
    let _ = lines.next_line().await; // `waits::lines` awaits `tokio::io::Lines::next_line`
}

async fn duplex() {
    let (mut near, _far) = tokio::io::duplex(1);
    let _ = near.read(&mut [0]).await; // `waits::duplex` awaits `tokio::io::DuplexStream::read`
}

async fn child() {
    let mut child = Command::new("sleep").arg("600").kill_on_drop(true).spawn().unwrap();
    let _ = child.wait().await; // `waits::child` awaits `tokio::process::Child::wait`
}

async fn file(fifo: PathBuf) {
    let _ = tokio::fs::read(fifo).await; // `waits::file` awaits `tokio::fs::read`
}

async fn request(url: String) {
    let _ = reqwest::get(url).await; // `waits::request` awaits `reqwest::get`
}

async fn by_hand() {
    Never(None).await // `waits::by_hand` awaits `waits::Never`
}

/// Keeps its waker, and nothing wakes it.
struct Never(Option<Waker>);

impl Future for Never {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<()> {
        self.0 = Some(context.waker().clone());
        Poll::Pending
    }
}
