//! A web shop with a pool of one connection, which is in use. Eight requests wait for it.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let pool = Pool::builder(Database).max_size(1).build().unwrap();
    let in_use = pool.get().await.unwrap();
    let shop = Router::new().route("/order", get(order)).with_state(pool);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for _ in 0..8 {
        std::thread::spawn(move || request(address));
    }
    axum::serve(listener, shop).await.unwrap();
    drop(in_use);
}

async fn order(State(pool): State<Pool<Database>>) -> String {
    let connection = pool.get().await.unwrap(); // `shop::order` awaits `deadpool::managed::Pool::get` in 8 tasks
    connection.to_string()
}

struct Database;

impl Manager for Database {
    type Type = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(1)
    }

    async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

fn request(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /order HTTP/1.1\r\nHost: shop\r\n\r\n").unwrap();
    let _ = stream.read(&mut [0]);
}
