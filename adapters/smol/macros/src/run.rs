//! The executors that `main!` makes.

use crate::{Executor, LocalExecutor};
use insight_smol::{block_on, channel};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

/// An argument of an `async fn main`.
pub trait MainExecutor: Sized {
    /// Makes one and calls `main` with it. Threads run it meanwhile if it can be shared.
    fn with_main<T, F: FnOnce(&Self) -> T>(main: F) -> T;
}

impl MainExecutor for Executor<'_> {
    fn with_main<T, F: FnOnce(&Self) -> T>(main: F) -> T {
        let executor = Executor::new();
        run_by_threads(&executor, || main(&executor))
    }
}

impl MainExecutor for Arc<Executor<'_>> {
    fn with_main<T, F: FnOnce(&Self) -> T>(main: F) -> T {
        let executor = Arc::new(Executor::new());
        run_by_threads(&executor, || main(&executor))
    }
}

impl MainExecutor for LocalExecutor<'_> {
    fn with_main<T, F: FnOnce(&Self) -> T>(main: F) -> T {
        main(&LocalExecutor::new())
    }
}

impl MainExecutor for Rc<LocalExecutor<'_>> {
    fn with_main<T, F: FnOnce(&Self) -> T>(main: F) -> T {
        main(&Rc::new(LocalExecutor::new()))
    }
}

/// Calls `main` while a thread for each core runs the executor.
fn run_by_threads<T>(executor: &Executor<'_>, main: impl FnOnce() -> T) -> T {
    let (stop, stopped) = channel::bounded::<()>(1);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for number in 0..threads {
            let stopped = stopped.clone();
            let run = move || {
                let _closed = block_on(executor.run(async move { stopped.recv().await }));
            };
            let thread = thread::Builder::new().name(format!("smol-macros-{number}"));
            thread.spawn_scoped(scope, run).expect("a thread can be spawned");
        }
        let result = catch_unwind(AssertUnwindSafe(main));
        // This closes the channel, and the threads end.
        drop(stop);
        result.unwrap_or_else(|panic| resume_unwind(panic))
    })
}
