//! The rows on tokio, without an observer.

extern crate tokio;

mod arguments;
mod load;
mod measure;
mod micro;
#[path = "tokio_runtime.rs"]
mod runtime;
mod tokio_main;
mod tokio_rows;

mod observer {
    //! No observer.

    use crate::arguments::Arguments;
    use std::net::SocketAddr;
    use tokio::runtime::{Builder, Runtime};

    pub use tokio::spawn;

    /// No observer.
    pub struct Observer;

    /// Does nothing.
    pub fn start(_: &Arguments) -> Observer {
        Observer
    }

    /// Builds tokio's runtime.
    pub fn build(mut builder: Builder, _: &Observer) -> Runtime {
        builder.build().expect("a runtime")
    }

    /// `None`: no server listens.
    pub fn address(_: &Observer) -> Option<SocketAddr> {
        None
    }

    /// Does nothing.
    pub fn between(_: &mut Observer) {}
}

fn main() -> std::process::ExitCode {
    tokio_main::main()
}
