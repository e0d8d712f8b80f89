//! The parts of async-std that the rows use. The crate named `async_std` may be a facade.

use async_std::task::{JoinHandle, block_on};

pub use async_std::channel::bounded as channel;
pub use async_std::sync::Mutex;
pub use async_std::task::{spawn, yield_now};

/// Sets the number of threads that run tasks.
pub fn start(workers: usize) {
    // SAFETY: there is no other thread yet.
    unsafe { std::env::set_var("ASYNC_STD_THREAD_COUNT", workers.to_string()) };
}

/// Runs a future as a task, to its end.
pub fn run<F>(future: F) -> F::Output
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    block_on(joined(spawn(future)))
}

/// Waits for the end of a task.
pub async fn joined<T>(task: JoinHandle<T>) -> T {
    task.await
}
