//! A hello-world server: hyper, with each connection in a task of the measured runtime.

use crate::arguments::Arguments;
use crate::load::client::Client;
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

/// Serves on a free port, which it prints, until stdin ends. Before that, a client opens the idle connections of the arguments.
///
/// With `task_each`, the handler spawns a task for each request, and waits for it.
pub fn serve(arguments: &Arguments, task_each: bool) {
    std::thread::spawn(|| {
        for _ in std::io::stdin().lock().lines() {}
        std::process::exit(0);
    });
    let idle = arguments.number("idle", 0);
    let program = arguments.program_of_client();
    run(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        std::thread::spawn(move || {
            let connections = (idle > 0).then(|| {
                let mut client = Client::start(&program, address, &format!("idle {idle}"));
                client.go();
                client.line();
                client
            });
            println!("serving http://{address}");
            // Dropping it would close the connections.
            std::mem::forget(connections);
        });
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
