//! The rows on tokio, with insight and the layer of insight-tracing, which observes tokio's own spans.

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
    use tracing_subscriber::layer::SubscriberExt;

    pub use tokio::spawn;

    pub struct Observer;

    pub fn start(_: &Arguments) -> Observer {
        let subscriber = tracing_subscriber::registry().with(insight_tracing::layer());
        tracing::subscriber::set_global_default(subscriber).expect("no other subscriber is set");
        insight::init!(listen => "127.0.0.1:0");
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
