//! A `tracing` layer that tells insight what a program's spans say of its tasks, and of what they wait for.
//!
//! It reads two kinds of spans and events, and asks for no others:
//!
//! - those of the target `insight`, by which any executor or library can say what it does (SPEC.md, "tracing binding");
//! - those that tokio itself sends when it is built with `--cfg tokio_unstable` and its feature `tracing`: so the tasks
//!   that dependencies spawn on the real tokio are seen, too.
//!
//! ```
//! use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};
//!
//! // Beside the program's own layers. Each of them keeps a filter of its own, such as
//! // `fmt::layer().with_filter(EnvFilter::from_default_env())`: one that is global takes the spans from all.
//! tracing_subscriber::registry().with(insight_tracing::layer()).init();
//!
//! // Anywhere in an executor: what it spawns, and when it polls that.
//! let task = tracing::trace_span!(
//!     target: "insight", parent: None, "task",
//!     id = 1_u64, kind = "task", name = "reader", executor = "toy", outcome = tracing::field::Empty,
//! );
//! task.in_scope(|| { /* a poll */ });
//! task.record("outcome", "returned");
//! ```
//!
//! The program turns insight on by `insight::init()` as always, before or after. What is spawned before both is not seen.
//!
//! # With the facade
//!
//! `insight-tokio` sees more of a task than its spans say. What it spawned stays its task, and what it observes its
//! resource: the layer adds nothing but the tasks and waits of code that uses the real tokio.
//!
//! # What tokio's spans do not say
//!
//! Who holds a lock for reading, a permit or an end of a channel; that a task receives from a channel, waits for a `Notify`,
//! a `watch`, a `broadcast`, a join or io; anything of what a `const_new` made. Where an operation is awaited is not said
//! either. A task that waits for any of these is idle, for something that is not seen. Its wakers are not followed: it
//! always counts as one with a foreign waker, so that no problem is ever proven of it.
//!
//! # The design and its cost
//!
//! A filter of its own says for each callsite whether this layer wants it, anew whenever recording is turned on or off:
//! while it is off no span is made for the layer. While it is on, most of the cost is that of `tracing`'s registry, which
//! keeps what a span has and locks it at each poll. On one two-core machine, of tokio with its spans, current-thread:
//! a poll takes 0.5 us instead of 0.2, a spawn with its join 1.8 instead of 0.4, and a lock, with its spans and
//! events, 4.3 instead of 0.1 (`cargo xtask bench layer`). The alternative, a subscriber of its own instead of a
//! layer, would be cheaper and would take the place of the program's.
//!
//! No panic of the layer reaches the program, and an event that is sent from within it is not looked at.

mod fields;
mod filter;
mod layer;
mod resource;
mod tokio;
mod told;

use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// The layer, for a registry; one a program.
pub fn layer<S>() -> impl Layer<S> + Send + Sync + 'static
where
    S: tracing_core::Subscriber + for<'span> LookupSpan<'span>,
{
    insight_probe::telling(tracing_core::callsite::rebuild_interest_cache);
    layer::Insight::default().with_filter(filter::OnlyOurs)
}
