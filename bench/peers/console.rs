//! The rows on tokio, with console-subscriber, which listens without a client.

extern crate tokio;

#[path = "ROOT/bench/src/arguments.rs"]
mod arguments;
#[path = "ROOT/bench/src/load/mod.rs"]
mod load;
#[path = "ROOT/bench/src/measure.rs"]
mod measure;
#[path = "ROOT/bench/src/micro.rs"]
mod micro;
#[path = "ROOT/bench/src/tokio_runtime.rs"]
mod runtime;
#[path = "ROOT/bench/src/tokio_main.rs"]
mod tokio_main;
#[path = "ROOT/bench/src/tokio_rows.rs"]
mod tokio_rows;

mod observer {
    use crate::arguments::Arguments;
    use std::net::SocketAddr;
    use tokio::runtime::{Builder, Runtime};

    pub use tokio::spawn;

    pub struct Observer;

    pub fn start(_: &Arguments) -> Observer {
        console_subscriber::ConsoleLayer::builder().server_addr(([127, 0, 0, 1], 0)).init();
        Observer
    }

    pub fn build(mut builder: Builder, _: &Observer) -> Runtime {
        builder.build().expect("a runtime")
    }

    pub fn address(_: &Observer) -> Option<SocketAddr> {
        None
    }

    pub fn between(_: &mut Observer) {}
}

fn main() -> std::process::ExitCode {
    tokio_main::main()
}
