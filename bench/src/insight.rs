//! The rows on insight's facade of tokio: off, or recorded.

extern crate insight_tokio as tokio;

mod arguments;
mod load;
mod measure;
mod micro;
mod recorded;
#[path = "tokio_runtime.rs"]
mod runtime;
mod tokio_main;
mod tokio_rows;

mod observer {
    //! insight, as its user has it.

    use crate::recorded::Recorded;
    use tokio::runtime::{Builder, Runtime};

    pub use crate::recorded::{Recorded as Observer, address, between, start};
    pub use tokio::spawn;

    /// The runtime as the facade makes it.
    pub fn build(mut builder: Builder, _: &Recorded) -> Runtime {
        builder.build().expect("a runtime")
    }
}

fn main() -> std::process::ExitCode {
    tokio_main::main()
}
