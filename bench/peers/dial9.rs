//! The rows on tokio, with dial9 recording into memory: with its hooks only, or with its own spawn, which also observes wakes.

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
    use dial9::{Dial9HandleTokioExt, MemoryBuffer, Recorder, TokioAttachOptions};
    use std::net::SocketAddr;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::runtime::{Builder, Runtime};
    use tokio::task::JoinHandle;

    static WAKES: AtomicBool = AtomicBool::new(false);

    /// Replaces `tokio::spawn`. With wakes, it uses dial9's own spawn.
    pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        if WAKES.load(Ordering::Relaxed) { dial9::spawn(future) } else { tokio::spawn(future) }
    }

    pub struct Observer(Recorder);

    pub fn start(arguments: &Arguments) -> Observer {
        WAKES.store(arguments.configuration() == "dial9-wakes", Ordering::Relaxed);
        Observer(dial9::recorder(MemoryBuffer::new(64 << 20).expect("a buffer")).build())
    }

    pub fn build(builder: Builder, observer: &Observer) -> Runtime {
        let handle = observer.0.handle();
        handle.attach_tokio_runtime(builder, TokioAttachOptions::default()).expect("a runtime")
    }

    pub fn address(_: &Observer) -> Option<SocketAddr> {
        None
    }

    pub fn between(_: &mut Observer) {}
}

fn main() -> std::process::ExitCode {
    tokio_main::main()
}
