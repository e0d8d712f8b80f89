//! async-std, with its tasks and what they wait for visible to insight.
//!
//! A drop-in facade: name it `async-std` in Cargo.toml, and the program compiles unchanged, with `#[async_std::main]`
//! and `#[async_std::test]`, too.
//!
//! ```toml
//! [dependencies]
//! async-std = { package = "insight-async-std", version = "0.1", features = ["attributes"] }
//! insight = { package = "wish4-async-insight", version = "0.1" }
//! ```
//!
//! Everything of async-std is re-exported. What spawns or waits, and is observed, replaces async-std's own:
//!
//! | module | what | with the feature |
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
//! A task that [`task::spawn_blocking`] spawns is one task for the program and two for async-std: it is seen as one. A
//! name that is given to a [`task::Builder`] is the task's.
//!
//! Who could notify a `Condvar` or come to a `Barrier` is not known, and said to be unknown. The extension methods of
//! futures and streams (`timeout`, `delay`, `throttle`) cannot be replaced: as with `net`, `fs` and the rest of `io`, a
//! task that waits so is seen to be woken by something foreign, and a trace of it shows where it waits.
//!
//! Until `insight::init()` is called, each operation costs a relaxed load more than async-std's own.
//!
//! # The design and its cost
//!
//! The primitives wrap async-std's own, so that fairness and cancellation are async-std's. Operations that were
//! `async fn` are functions that return a future: this is how they know their caller's source location. Each timer
//! starts when it is first polled, as async-std's do.
//!
//! # Where a crate wants async-std's own types
//!
//! `into_inner()`, or `From`, gives async-std's own of the ends of channels, of `JoinHandle` and `Interval`, and `From`
//! takes them in. There is no way for locks and their guards, whose value lies beside the lock. A task that a library
//! spawned with async-std itself is seen only while it waits for time, for a condition or for the end of a task; that
//! it holds a lock or has the end of a channel is not known, and no other task is taken for it.

// Without its features async-std is empty.
#[cfg_attr(not(feature = "alloc"), allow(unused_imports))]
pub use real::*;

// In a whole graph async-std's own dependencies are the facades of these.
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
// Before 1.13 async-std is built on async-lock 2, which has no facade.
#[cfg(all(feature = "std", not(insight_before = "1.13.0")))]
pub mod sync;
#[cfg(feature = "default")]
pub mod task;

#[cfg(any(feature = "default", feature = "unstable"))]
mod executor;
#[cfg(any(feature = "default", feature = "unstable"))]
mod within;
