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
//! Everything of tokio is re-exported. What spawns or waits, and is observed, replaces tokio's own: [`spawn`], [`task`]'s
//! `spawn_blocking`, `spawn_local`, `JoinHandle`, `JoinSet` and `LocalSet`, [`runtime`]'s `Builder`, `Runtime` and
//! `Handle`, [`time`]'s `sleep`, `timeout` and `interval`, and all of [`sync`].
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
//! The types are not tokio's types: a crate that wants tokio's own `mpsc::Receiver` does not take this one.

pub use real::*;

#[cfg(feature = "rt")]
pub mod runtime;
#[cfg(feature = "sync")]
pub mod sync;
#[cfg(feature = "rt")]
pub mod task;
#[cfg(feature = "time")]
pub mod time;

#[cfg(feature = "rt")]
pub use task::spawn;

#[cfg(any(feature = "rt", feature = "sync", feature = "time"))]
mod executor;
#[cfg(feature = "sync")]
mod map;
