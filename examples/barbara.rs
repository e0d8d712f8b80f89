//! Barbara's service: `GET /prototype` never answers, and the log shows only that its handler was entered.
//!
//! It is an ordinary tokio and axum program. The call of `insight::init()` is the only line for insight.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use std::env;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

struct Service {
    /// `GET /warm` sends a message here when the cache is warm.
    cache_is_warm: mpsc::Sender<()>,
    warm_cache: Mutex<Option<mpsc::Receiver<()>>>,
    served: Mutex<u64>,
}

#[tokio::main]
async fn main() {
    insight::init();
    let (cache_is_warm, warm_cache) = mpsc::channel(1);
    let service = Service { cache_is_warm, warm_cache: Mutex::new(Some(warm_cache)), served: Mutex::new(0) };
    let router = Router::new()
        .route("/orders", get(orders))
        .route("/prototype", get(prototype))
        .route("/warm", get(warm))
        .with_state(Arc::new(service));
    let address = env::var("BARBARA_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&address).await.unwrap_or_else(|error| {
        eprintln!("barbara: cannot listen on {address}: {error}; set BARBARA_LISTEN=127.0.0.1:0 for any free port");
        std::process::exit(1);
    });
    let address = listener.local_addr().expect("a bound listener has an address");
    eprintln!("barbara: listening on http://{address}");
    axum::serve(listener, router).await.expect("axum's accept loop does not end");
}

/// The old endpoint, which works.
async fn orders(State(service): State<Arc<Service>>) -> String {
    let (reply, mut replies) = mpsc::channel(1);
    let worker = tokio::spawn(async move {
        for price in [3, 5, 8] {
            if reply.send(price).await.is_err() {
                return;
            }
        }
    });
    let mut total = 0;
    while let Some(price) = replies.recv().await {
        total += price;
    }
    worker.await.expect("the worker does not panic");
    *service.served.lock().await += 1;
    format!("total {total}\n")
}

/// The new endpoint, which hangs.
async fn prototype(State(service): State<Arc<Service>>) -> String {
    eprintln!("barbara: prototype handler entered");
    let Some(warm_cache) = service.warm_cache.lock().await.take() else {
        return "a prototype runs already\n".to_owned();
    };
    let (prototype_channel, orders) = mpsc::channel(2);
    let reader = tokio::spawn(read_orders(orders, warm_cache));
    let writer = tokio::spawn(write_orders(prototype_channel));
    writer.await.expect("the writer does not panic");
    let handled = reader.await.expect("the reader does not panic");
    format!("{handled} orders handled\n")
}

async fn write_orders(chan: mpsc::Sender<u64>) {
    for value in 1..=10 {
        chan.send(value).await.expect("the reader outlives the writer");
    }
}

async fn read_orders(mut orders: mpsc::Receiver<u64>, mut warm_cache: mpsc::Receiver<()>) -> u64 {
    let mut handled = 0;
    while let Some(_order) = orders.recv().await {
        if handled == 0 {
            warm_cache.recv().await;
        }
        handled += 1;
    }
    handled
}

/// Barbara forgot to call this endpoint.
async fn warm(State(service): State<Arc<Service>>) -> String {
    match service.cache_is_warm.try_send(()) {
        Ok(()) => "warm\n".to_owned(),
        Err(error) => format!("{error}\n"),
    }
}
