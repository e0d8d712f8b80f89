//! The rows on insight's facade of tokio, with recording off or on.

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
    //! insight in the configurations of its users.

    use crate::recorded::Recorded;
    use tokio::runtime::{Builder, Runtime};

    pub use crate::recorded::{Recorded as Observer, address, between, start};
    pub use tokio::spawn;

    /// Builds the facade's runtime.
    pub fn build(mut builder: Builder, _: &Recorded) -> Runtime {
        builder.build().expect("a runtime")
    }
}

fn main() -> std::process::ExitCode {
    tokio_main::main()
}
