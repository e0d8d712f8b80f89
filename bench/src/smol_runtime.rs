//! The parts of smol that the rows use. The crate named `smol` may be a facade.

use smol::Task;

pub use smol::channel::bounded as channel;
pub use smol::future::yield_now;
pub use smol::lock::Mutex;
pub use smol::spawn;

/// Sets the number of threads that run tasks.
pub fn start(workers: usize) {
    // SAFETY: there is no other thread yet.
    unsafe { std::env::set_var("SMOL_THREADS", workers.to_string()) };
}

/// Runs a future as a task, to its end.
pub fn run<F>(future: F) -> F::Output
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    smol::block_on(joined(spawn(future)))
}

/// Waits for the end of a task.
pub async fn joined<T>(task: Task<T>) -> T {
    task.await
}
