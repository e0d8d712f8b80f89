//! The rows on tokio, with each task instrumented by a monitor of tokio-metrics.

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
    use std::sync::LazyLock;
    use tokio::runtime::{Builder, Runtime};
    use tokio::task::JoinHandle;
    use tokio_metrics::TaskMonitor;

    static MONITOR: LazyLock<TaskMonitor> = LazyLock::new(TaskMonitor::new);

    /// Replaces `tokio::spawn`.
    pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        tokio::spawn(MONITOR.instrument(future))
    }

    pub struct Observer;

    pub fn start(_: &Arguments) -> Observer {
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
