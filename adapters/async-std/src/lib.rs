//! async-std, with its tasks and their waits visible to insight.
//!
//! A drop-in facade: name it `async-std` in Cargo.toml, and the program compiles unchanged, also with
//! `#[async_std::main]` and `#[async_std::test]`.
//!
//! ```toml
//! [dependencies]
//! async-std = { package = "insight-async-std", version = "0.1", features = ["attributes"] }
//! insight = { package = "wish4-async-insight", version = "0.1" }
//! ```
//!
//! The facade re-exports everything of async-std. It replaces the parts that spawn or wait:
//!
//! | module | replaced | with the feature |
//! |---|---|---|
//! | [`task`] | `spawn`, `spawn_blocking`, `block_on`, `Builder`, `JoinHandle`, `sleep` | `default` |
//! | [`task`] | `spawn_local`, `Builder::local` | `default` and `unstable` |
//! | [`sync`] | `Mutex`, `RwLock` and their guards | `std` |
//! | [`sync`] | `Barrier`, `Condvar` | `unstable` |
//! | [`channel`] | all of it | `std` |
//! | [`future`] | `timeout` | `default` or `unstable` |
//! | [`io`] | `timeout` | `default` |
//! | [`stream`] | `interval` | `unstable` |
//!
//! A task of [`task::spawn_blocking`] is one task for the program and two for async-std. insight shows one. The name of
//! a [`task::Builder`] is the task's name.
//!
//! The tasks that could notify a `Condvar` or come to a `Barrier` are marked as unknown. The facade cannot replace the
//! extension methods of futures and streams (`timeout`, `delay`, `throttle`). A task that waits in one of them has a
//! foreign waker, as with `net`, `fs` and the rest of `io`, and a trace shows the line.
//!
//! Until you call `insight::init()`, each operation costs one relaxed load more than async-std's own.
//!
//! # The design and its cost
//!
//! The primitives wrap async-std's own, so fairness and cancellation are async-std's. async-std's `async fn` operations
//! are functions that return a future here, so that they know the caller's source location. Each timer starts when it
//! is first polled, as async-std's do.
//!
//! # Where a crate wants async-std's own types
//!
//! `into_inner()` or `From` returns async-std's own type for the ends of channels, `JoinHandle` and `Interval`, and
//! `From` takes it back. Locks and their guards cannot be converted, since the value lies beside the lock. insight
//! observes a task that a library spawned with async-std itself only while it waits for time, for a condition or for
//! the end of a task. Its locks and its ends of channels are unknown, and insight takes no other task for it.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

// async-std is empty without its features.
#[cfg_attr(not(feature = "alloc"), allow(unused_imports))]
pub use real::*;

// In a whole graph async-std's own dependencies are the facades of these crates.
#[cfg(all(insight_whole_graph, feature = "std"))]
use async_channel as channel_1;
#[cfg(all(insight_whole_graph, feature = "std", not(insight_before = "1.13.0")))]
use async_lock as lock;
#[cfg(all(not(insight_whole_graph), feature = "std"))]
use insight_sync::{channel_1, lock};

#[cfg(all(feature = "default", feature = "std", not(insight_whole_graph)))]
pub mod adapter;
#[cfg(feature = "std")]
pub mod channel;
#[cfg(any(feature = "default", feature = "unstable"))]
pub mod future;
#[cfg(feature = "default")]
pub mod io;
#[cfg(feature = "unstable")]
pub mod stream;
// async-std before 1.13 is built on async-lock 2, which has no facade.
#[cfg(all(feature = "std", not(insight_before = "1.13.0")))]
pub mod sync;
#[cfg(feature = "default")]
pub mod task;

#[cfg(any(feature = "default", feature = "unstable"))]
mod executor;
#[cfg(any(feature = "default", feature = "unstable"))]
mod within;
