//! tokio, with its tasks and their waits visible to insight.
//!
//! A drop-in facade: name it `tokio` in Cargo.toml, and the program compiles unchanged.
//!
//! ```toml
//! [dependencies]
//! tokio = { package = "insight-tokio", version = "0.1", features = ["full"] }
//! insight = { package = "wish4-async-insight", version = "0.1" }
//! ```
//!
//! The facade re-exports everything of tokio. It replaces the parts that spawn or wait: `spawn`, `task`'s
//! `spawn_blocking`, `block_in_place`, `spawn_local`, `JoinHandle`, `JoinSet` and `LocalSet`, `runtime`'s `Builder`, `Runtime` and
//! `Handle`, `time`'s `sleep`, `timeout` and `interval`, and all of `sync`.
//!
//! For each primitive, insight shows the waiting tasks, the lines of their waits, and the tasks that could end them:
//! the holder of a lock, the task that makes the value of a `OnceCell`, the tasks that have used the other end of a
//! channel. The tasks that could notify a `Notify`, set a `SetOnce` or come to a `Barrier` are marked as unknown.
//! insight does not observe a `oneshot` that was made before `insight::init()`. It does not know the line of a
//! `oneshot::Receiver`'s `.await`, because the receiver itself is the future.
//!
//! Until you call `insight::init()`, each operation costs one relaxed load more than tokio's own.
//!
//! # The design and its cost
//!
//! The primitives wrap tokio's own, so fairness, cancellation and the cooperative budget are tokio's. tokio's `async
//! fn` operations are functions that return a future here, so that they know the caller's source location.
//!
//! # Where a crate wants tokio's own types
//!
//! The facade's types are not tokio's types: a crate that takes tokio's own `mpsc::Receiver` does not take this one.
//! Three ways lead across:
//!
//! - `into_inner()` or `From` returns tokio's own type: for the ends of all channels, `Notify`, `Semaphore`, `Barrier`,
//!   `JoinHandle`, `JoinSet`, `LocalSet`, `Sleep`, `Interval`, `Builder`, `Runtime`, `LocalRuntime` and `Handle`; for
//!   `OnceCell` and `SetOnce` only `From`. insight does not observe its use from then on. A converted end of a channel still
//!   counts, and any task may have it. So insight proves nothing about the tasks that wait for it.
//! - `From` takes tokio's own type, such as a value from another crate. It covers all of the above except `Barrier`, whose
//!   number of tasks tokio does not reveal. insight observes the value from then on. It does not observe the other ends of a
//!   channel, nor the present tasks of a `JoinHandle` or `JoinSet`.
//! - With the feature `stream`, the module `stream` is tokio-stream. With `util`, the module `util` is tokio-util. Their
//!   wrappers of channels, intervals, sets, tokens and trackers are observed, and have the paths of those crates:
//!   `tokio::stream::wrappers::ReceiverStream`, `tokio::util::sync::CancellationToken`.
//!
//! `Mutex`, `RwLock` and their guards cannot be converted. The lock inside is tokio's, but the value lies beside it,
//! since tokio's guards could not be taken apart and mapped. `into_inner` returns the value, as tokio's does. Borrowing
//! types cannot be converted either: permits, `Notified`, `Timeout`. `AbortHandle`, `Instant` and all of `io`, `net`
//! and `fs` are tokio's own.
//!
//! ```
//! # #[cfg(feature = "sync")] {
//! use insight_tokio::sync::mpsc;
//!
//! let (sender, receiver) = mpsc::channel::<u8>(1);
//! let own: real::sync::mpsc::Receiver<u8> = receiver.into();
//! let receiver = mpsc::Receiver::from(own);
//! # drop((sender, receiver));
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

pub use real::*;

#[cfg(all(feature = "rt", feature = "sync", feature = "time", not(insight_whole_graph)))]
pub mod adapter;
#[cfg(feature = "rt")]
pub mod runtime;
#[cfg(feature = "stream")]
pub mod stream;
#[cfg(feature = "sync")]
pub mod sync;
#[cfg(feature = "rt")]
pub mod task;
#[cfg(feature = "time")]
pub mod time;
#[cfg(feature = "util")]
pub mod util;

#[cfg(feature = "rt")]
pub use task::spawn;

#[cfg(any(feature = "rt", feature = "sync", feature = "time"))]
mod border;
#[cfg(any(feature = "rt", feature = "sync", feature = "time"))]
mod executor;
#[cfg(feature = "rt")]
mod home;
#[cfg(feature = "sync")]
mod map;
#[cfg(any(feature = "rt", feature = "sync"))]
mod named;
