//! A hello-world: axum, and a task for each request that its handler waits for.

use crate::runtime::{joined, run, spawn};
use axum::Router;
use axum::routing::get;
use std::io::BufRead;
use tokio::net::TcpListener;

/// Serves on a free port, which it prints, until stdin ends.
pub fn serve() {
    std::thread::spawn(|| {
        for _ in std::io::stdin().lock().lines() {}
        std::process::exit(0);
    });
    run(async {
        let hello = get(async || joined(spawn(async { "Hello, World!" })).await);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("serving http://{}", listener.local_addr().expect("it is bound"));
        axum::serve(listener, Router::new().route("/", hello)).await.expect("it serves");
    });
}
