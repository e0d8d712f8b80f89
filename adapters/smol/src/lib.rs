//! smol, with its tasks and their waits visible to insight.
//!
//! A drop-in facade: name it `smol` in Cargo.toml, and the program compiles unchanged.
//!
//! ```toml
//! [dependencies]
//! smol = { package = "insight-smol", version = "0.1" }
//! insight = { package = "wish4-async-insight", version = "0.1" }
//! ```
//!
//! The facade re-exports everything of smol. It replaces the parts that spawn or wait: [`spawn`], [`block_on`] (also
//! that of [`future`]), [`unblock`], [`Task`], [`Executor`], [`LocalExecutor`], [`Timer`], and all of [`channel`] and
//! [`lock`].
//!
//! [`Async`], [`net`], [`fs`], [`process`], [`io`] and [`Unblock`] are smol's own. A task that waits on one of them has
//! a foreign waker, and a trace shows the line.
//!
//! ```
//! use insight_smol as smol;
//! use smol::{Executor, channel, future};
//!
//! static EXECUTOR: Executor = Executor::new();
//!
//! let (sender, receiver) = channel::bounded(1);
//! let task = EXECUTOR.spawn(async move { receiver.recv().await });
//! let received = smol::block_on(EXECUTOR.run(async move {
//!     sender.send(7).await.unwrap();
//!     task.await
//! }));
//! assert_eq!(received, Ok(7));
//! ```
//!
//! Until you call `insight::init()`, each operation costs one relaxed load more than smol's own, and each way to run
//! tasks one acquiring load.
//!
//! # Executors within tasks
//!
//! `block_on(executor.run(future))` is a task that runs others. Its time and wakes are those of `future`. The work of
//! another task belongs to that task. The work of an unobserved task, such as one that a library spawned with smol's
//! own `spawn`, belongs to no task.
//!
//! # Where a crate wants smol's own types
//!
//! `into_inner()` or `From` returns smol's own type for a [`Task`], a [`FallibleTask`], a [`Timer`] and an executor,
//! and `From` takes it back. [`Executor::real`] lends smol's own executor, for tasks that should stay unobserved.
//!
//! # smol-macros
//!
//! `smol_macros::main!` and `test!` name the types of smol-macros itself. insight-smol-macros has the same macros with
//! these types:
//!
//! ```toml
//! smol-macros = { package = "insight-smol-macros", version = "0.1" }
//! ```

#![forbid(unsafe_code)]

// In a whole graph smol itself re-exports the facades of these crates.
#[cfg(not(insight_whole_graph))]
pub use insight_executor::{Executor, FallibleTask, LocalExecutor, Task};
#[cfg(not(insight_whole_graph))]
pub use insight_sync::{channel_2 as channel, lock};
pub use real::*;

#[cfg(not(insight_whole_graph))]
pub mod adapter;
mod border;
pub mod future;
mod observe;
mod timer;

pub use timer::Timer;

use insight_probe::{Kind, recorded};
use std::future::Future;
use std::panic::Location;

/// See [`smol::spawn`](real::spawn).
#[track_caller]
pub fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
    let (future, task) = observe::observed(future, Kind::Task, Location::caller());
    Task::from(recorded(|| real::spawn(future))).observed_as(task)
}

/// See [`smol::block_on`](real::block_on).
#[track_caller]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    real::block_on(observe::root(future, Location::caller()))
}

/// See [`smol::unblock`](real::unblock).
#[track_caller]
pub fn unblock<T, F>(f: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let (f, task) = observe::observed_closure(f, Location::caller());
    Task::from(recorded(|| real::unblock(f))).observed_as(task)
}
