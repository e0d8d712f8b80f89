//! A hello-world server: hyper, with each connection in a task of the measured runtime.

use crate::runtime::{joined, run, spawn};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use std::convert::Infallible;
use std::io::BufRead;
use tokio::net::TcpListener;

/// The body of each answer.
type Body = http_body_util::Full<Bytes>;

/// Serves on a free port, which it prints, until stdin ends.
///
/// With `task_each`, the handler spawns a task for each request, and waits for it.
pub fn serve(task_each: bool) {
    std::thread::spawn(|| {
        for _ in std::io::stdin().lock().lines() {}
        std::process::exit(0);
    });
    run(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("serving http://{}", listener.local_addr().expect("it is bound"));
        loop {
            let (stream, _) = listener.accept().await.expect("it listens");
            spawn(async move {
                let stream = hyper_util::rt::TokioIo::new(stream);
                let connection = http1::Builder::new().serve_connection(stream, service_fn(|it| hello(it, task_each)));
                // wrk closes its connections at the end of its time.
                drop(connection.await);
            });
        }
    });
}

async fn hello(_: Request<Incoming>, task_each: bool) -> Result<Response<Body>, Infallible> {
    let text = async { "Hello, World!" };
    let text = if task_each { joined(spawn(text)).await } else { text.await };
    Ok(Response::new(Body::from(text)))
}
