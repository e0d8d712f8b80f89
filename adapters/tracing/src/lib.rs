//! A `tracing` layer that reports a program's tasks and waits to insight, as its spans describe them.
//!
//! It reads two kinds of spans and events, and asks for no others:
//!
//! - the spans of the target `insight`, by which any executor or library can report its tasks (SPEC.md, "tracing binding");
//! - the spans that tokio itself sends when it is built with `--cfg tokio_unstable` and its feature `tracing`. With these,
//!   insight also shows the tasks that dependencies spawn on the real tokio.
//!
//! ```
//! use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};
//!
//! // Add the layer to the program's own layers. Each of these has a filter of its own, such as
//! // `fmt::layer().with_filter(EnvFilter::from_default_env())`. A global filter takes the spans from all layers.
//! tracing_subscriber::registry().with(insight_tracing::layer()).init();
//!
//! // Anywhere in an executor: a spawn, and a poll of the spawned task.
//! let task = tracing::trace_span!(
//!     target: "insight", parent: None, "task",
//!     id = 1_u64, kind = "task", name = "reader", executor = "toy", outcome = tracing::field::Empty,
//! );
//! task.in_scope(|| { /* a poll */ });
//! task.record("outcome", "returned");
//! ```
//!
//! The program turns insight on by `insight::init()` as always, before or after it installs the layer. insight does not
//! observe tasks that were spawned before both.
//!
//! # With the facade
//!
//! `insight-tokio` observes more of a task than its spans report. Its tasks and resources stay its own. The layer adds
//! only the tasks and waits of code that uses the real tokio.
//!
//! # Limits of tokio's spans
//!
//! tokio's spans do not name the tasks that hold a lock for reading, a permit or an end of a channel. They do not
//! report a task that receives from a channel, or that waits for a `Notify`, a `watch`, a `broadcast`, a join or io.
//! They report nothing of a primitive that a `const_new` made, and no line of an `.await`. A task that waits for any of
//! these is idle, for an unknown reason. The layer does not follow its wakers, so the task always counts as one with a
//! foreign waker, and no problem of it is ever proven.
//!
//! # The design and its cost
//!
//! A filter decides for each callsite whether this layer wants it, and decides again when recording is turned on or
//! off. While recording is off, no span is made for the layer. While it is on, most of the cost is that of `tracing`'s
//! registry, which keeps the data of a span and locks it at each poll. On one two-core machine, tokio with its spans
//! took these times on its current-thread runtime: a poll 0.5 us instead of 0.2, a spawn with its join 1.8 instead of
//! 0.4, and a lock, with its spans and events, 4.3 instead of 0.1 (`cargo xtask bench layer`). A subscriber of its own
//! would be cheaper, but would replace the program's.
//!
//! No panic of the layer reaches the program. The layer ignores events that are sent from within it.

#![forbid(unsafe_code)]

mod binding;
mod fields;
mod filter;
mod layer;
mod names;
mod resource;
mod tokio;

use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// A layer that names the program's own spans, for a registry. When insight captures the awaits of a task, they also show the spans in
/// which the task waits, such as `request GET /orders/{id}`: the name of each, and its route if it has a field `http.route`, `route`,
/// `matched_path` or `otel.name`.
///
/// It is apart from [`layer`], since it looks at all spans of the program. Add a filter to leave out some. For a task that is not
/// captured, entering a span costs one look at a variable of the thread.
///
/// ```
/// use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};
///
/// tracing_subscriber::registry().with(insight_tracing::spans()).init();
/// ```
pub fn spans<S>() -> impl Layer<S> + Send + Sync + 'static
where
    S: tracing_core::Subscriber + for<'span> LookupSpan<'span>,
{
    names::Names
}

/// The layer, for a registry. A program has one.
pub fn layer<S>() -> impl Layer<S> + Send + Sync + 'static
where
    S: tracing_core::Subscriber + for<'span> LookupSpan<'span>,
{
    insight_probe::telling(tracing_core::callsite::rebuild_interest_cache);
    layer::Insight::default().with_filter(filter::OnlyOurs)
}
