//! Barbara's service on smol: `GET /prototype` never answers, and the log shows only that its handler was entered.
//!
//! An ordinary smol program with a minimal HTTP server; `insight::init()` is the only line for insight.

use smol::channel::{self, Receiver, Sender};
use smol::io::{self, AsyncBufReadExt, AsyncWriteExt, BufReader};
use smol::lock::Mutex;
use smol::net::{TcpListener, TcpStream};
use smol::stream::StreamExt;
use std::env;
use std::sync::Arc;

struct Service {
    /// `GET /warm` sends a message here when the cache is warm.
    cache_is_warm: Sender<()>,
    warm_cache: Mutex<Option<Receiver<()>>>,
    served: Mutex<u64>,
}

fn main() {
    insight::init();
    smol::block_on(async {
        let (cache_is_warm, warm_cache) = channel::bounded(1);
        let service = Service { cache_is_warm, warm_cache: Mutex::new(Some(warm_cache)), served: Mutex::new(0) };
        let service = Arc::new(service);
        let address = env::var("BARBARA_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
        let listener = TcpListener::bind(&address).await.unwrap_or_else(|error| {
            eprintln!("barbara: cannot listen on {address}: {error}; set BARBARA_LISTEN=127.0.0.1:0 for any free port");
            std::process::exit(1);
        });
        let address = listener.local_addr().expect("a bound listener has an address");
        eprintln!("barbara: listening on http://{address}");
        loop {
            // If a connection cannot be accepted, the service accepts the next one.
            if let Ok((stream, _)) = listener.accept().await {
                smol::spawn(answer(stream, service.clone())).detach();
            }
        }
    })
}

/// Answers the one request of a connection.
async fn answer(mut stream: TcpStream, service: Arc<Service>) -> io::Result<()> {
    let mut lines = BufReader::new(stream.clone()).lines();
    let Some(request) = lines.next().await else { return Ok(()) };
    let request = request?;
    while let Some(header) = lines.next().await {
        if header?.is_empty() {
            break;
        }
    }
    let mut words = request.split(' ');
    let (status, text) = match (words.next(), words.next()) {
        (Some("GET"), Some("/orders")) => ("200 OK", orders(service).await),
        (Some("GET"), Some("/prototype")) => ("200 OK", prototype(service).await),
        (Some("GET"), Some("/warm")) => ("200 OK", warm(service).await),
        _ => ("404 Not Found", String::new()),
    };
    let length = text.len();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}");
    stream.write_all(answer.as_bytes()).await
}

/// The old endpoint, which works.
async fn orders(service: Arc<Service>) -> String {
    let (reply, replies) = channel::bounded(1);
    let worker = smol::spawn(async move {
        for price in [3, 5, 8] {
            if reply.send(price).await.is_err() {
                return;
            }
        }
    });
    let mut total = 0;
    while let Ok(price) = replies.recv().await {
        total += price;
    }
    worker.await;
    *service.served.lock().await += 1;
    format!("total {total}\n")
}

/// The new endpoint, which hangs.
async fn prototype(service: Arc<Service>) -> String {
    eprintln!("barbara: prototype handler entered");
    let Some(warm_cache) = service.warm_cache.lock().await.take() else {
        return "a prototype runs already\n".to_owned();
    };
    let (prototype_channel, orders) = channel::bounded(2);
    let reader = smol::spawn(read_orders(orders, warm_cache));
    let writer = smol::spawn(write_orders(prototype_channel));
    writer.await;
    let handled = reader.await;
    format!("{handled} orders handled\n")
}

async fn write_orders(chan: Sender<u64>) {
    for value in 1..=10 {
        chan.send(value).await.expect("the reader outlives the writer");
    }
}

async fn read_orders(orders: Receiver<u64>, warm_cache: Receiver<()>) -> u64 {
    let mut handled = 0;
    while let Ok(_order) = orders.recv().await {
        if handled == 0 {
            warm_cache.recv().await.ok();
        }
        handled += 1;
    }
    handled
}

/// Barbara forgot to call this endpoint.
async fn warm(service: Arc<Service>) -> String {
    match service.cache_is_warm.try_send(()) {
        Ok(()) => "warm\n".to_owned(),
        Err(error) => format!("{error}\n"),
    }
}
