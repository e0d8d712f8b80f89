//! What the rows need of tokio, or of what is named so.

use crate::observer;
use std::sync::OnceLock;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

pub use crate::observer::spawn;
pub use tokio::sync::Mutex;
pub use tokio::sync::mpsc::channel;
pub use tokio::task::yield_now;

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Makes the runtime: one worker is the current thread. Without `drivers` it has neither sockets nor timers: with them, a
/// `yield_now` of the only task that runs asks the system for news, which takes eight times as long as the poll.
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

/// The end of a task.
pub async fn joined<T>(task: JoinHandle<T>) -> T {
    task.await.expect("no task of a row panics")
}
