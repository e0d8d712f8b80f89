//! The parts of tokio that the rows use. The crate named `tokio` may be a facade.

use crate::observer;
use std::sync::OnceLock;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

pub use crate::observer::spawn;
pub use tokio::sync::Mutex;
pub use tokio::sync::mpsc::channel;
pub use tokio::task::yield_now;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Makes the runtime. One worker means the current thread. Without `drivers`, it has neither sockets nor timers. With them,
/// a `yield_now` of the only running task polls the system for events, which takes eight times as long as the task's poll.
pub fn start(workers: usize, drivers: bool, observer: &observer::Observer) {
    let mut builder = if workers == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    if workers > 1 {
        builder.worker_threads(workers);
    }
    builder.thread_name("bench-worker");
    if drivers {
        builder.enable_all();
    }
    RUNTIME.set(observer::build(builder, observer)).expect("it is started once");
}

/// Runs a future as a task, to its end.
pub fn run<F>(future: F) -> F::Output
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let runtime = RUNTIME.get().expect("`start` was called");
    runtime.block_on(async { joined(spawn(future)).await })
}

/// Waits for the end of a task.
pub async fn joined<T>(task: JoinHandle<T>) -> T {
    task.await.expect("no task of a row panics")
}
