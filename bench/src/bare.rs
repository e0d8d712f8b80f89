//! The rows on tokio, and nobody looks.

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
    //! Nobody.

    use crate::arguments::Arguments;
    use std::net::SocketAddr;
    use tokio::runtime::{Builder, Runtime};

    pub use tokio::spawn;

    /// Nobody.
    pub struct Observer;

    /// Does nothing.
    pub fn start(_: &Arguments) -> Observer {
        Observer
    }

    /// The runtime as tokio makes it.
    pub fn build(mut builder: Builder, _: &Observer) -> Runtime {
        builder.build().expect("a runtime")
    }

    /// Nowhere.
    pub fn address(_: &Observer) -> Option<SocketAddr> {
        None
    }

    /// Does nothing.
    pub fn between(_: &mut Observer) {}
}

fn main() -> std::process::ExitCode {
    tokio_main::main()
}
