//! tokio, with its tasks and what they wait for visible to insight.
//!
//! A drop-in facade: name it `tokio` in Cargo.toml, and the program compiles unchanged.
//!
//! ```toml
//! [dependencies]
//! tokio = { package = "insight-tokio", version = "0.1", features = ["full"] }
//! insight = { package = "wish4-async-insight", version = "0.1" }
//! ```
//!
//! Everything of tokio is re-exported. What spawns or waits, and is observed, replaces tokio's own: `spawn`, `task`'s
//! `spawn_blocking`, `spawn_local`, `JoinHandle`, `JoinSet` and `LocalSet`, `runtime`'s `Builder`, `Runtime` and
//! `Handle`, `time`'s `sleep`, `timeout` and `interval`, and all of `sync`.
//!
//! Of each primitive it is seen which task waits, on what and at which line, and who could end that: who holds a lock or
//! makes the value of a `OnceCell`, which tasks have used the other end of a channel. Who could notify a `Notify`, set a
//! `SetOnce` or come to a `Barrier` is not known, and said to be unknown. A `oneshot` that was made before
//! `insight::init()` is not seen, nor the line of a `oneshot::Receiver`'s `.await`, for the receiver is the future.
//!
//! Until `insight::init()` is called, each operation costs a relaxed load more than tokio's own.
//!
//! # The design and its cost
//!
//! The primitives wrap tokio's own, so that fairness, cancellation and the cooperative budget are tokio's. Operations
//! that were `async fn` are functions that return a future: this is how they know their caller's source location.
//!
//! # Where a crate wants tokio's own types
//!
//! The types are not tokio's types: a crate that wants tokio's own `mpsc::Receiver` does not take this one. Three ways lead
//! over the border:
//!
//! - `into_inner()`, or `From`, gives tokio's own: of the ends of all channels, `Notify`, `Semaphore`, `Barrier`,
//!   `JoinHandle`, `JoinSet`, `LocalSet`, `Sleep`, `Interval`, `Builder`, `Runtime`, `LocalRuntime` and `Handle`; of
//!   `OnceCell` and `SetOnce` by `From` only. What it is used for from then on is not seen. An end of a channel goes on
//!   counting, as one that any task may have, so that nothing is proven of who waits for it.
//! - `From` takes tokio's own in, such as what another crate hands out: all of the above but a `Barrier`, which does not
//!   tell how many must come. It is observed from then on; the other ends of a channel are not, and nor are the tasks that
//!   a `JoinHandle` or `JoinSet` has already.
//! - With the feature `stream`, the module `stream` is tokio-stream, and with `util`, the module `util` is tokio-util, with
//!   their wrappers of channels, intervals, sets, tokens and trackers observed, under the paths that they have there:
//!   `tokio::stream::wrappers::ReceiverStream`, `tokio::util::sync::CancellationToken`.
//!
//! There is no way for `Mutex`, `RwLock` and their guards: the lock within is tokio's, but the value lies beside it, since
//! tokio's guards could not be taken apart and mapped. `into_inner` gives the value, as tokio's does. Nor is there one for
//! what borrows: permits, `Notified`, `Timeout`. `AbortHandle`, `Instant` and all of `io`, `net` and `fs` are tokio's own.
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
#[cfg(feature = "sync")]
mod map;
#[cfg(any(feature = "rt", feature = "sync"))]
mod named;
