//! The filter: the spans and events that the layer asks for.

use tracing_core::subscriber::Interest;
use tracing_core::{Level, LevelFilter, Metadata};
use tracing_subscriber::layer::{Context, Filter};

/// The meaning of a span or an event, by its callsite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A span or event of the binding's own.
    Binding,
    /// tokio: a task.
    Spawn,
    /// tokio: a resource.
    Resource,
    /// tokio: an operation on a resource.
    Operation,
    /// tokio: a poll of the operation.
    OperationPoll,
    /// tokio: the result of that poll.
    PollOp,
    /// tokio: the state of a resource.
    ResourceState,
    /// tokio: the state of an operation.
    OperationState,
    /// tokio: something with a waker.
    Waker,
}

/// `None` if the layer does not want it.
pub(crate) fn source(metadata: &Metadata<'_>) -> Option<Source> {
    if *metadata.level() != Level::TRACE {
        return None;
    }
    let target = metadata.target();
    if metadata.is_event() {
        return match target {
            "insight" => Some(Source::Binding),
            "runtime::resource::poll_op" => Some(Source::PollOp),
            "runtime::resource::state_update" => Some(Source::ResourceState),
            "runtime::resource::async_op::state_update" => Some(Source::OperationState),
            "tokio::task::waker" => Some(Source::Waker),
            _ => None,
        };
    }
    let of_tokio = || target.starts_with("tokio::");
    match metadata.name() {
        "task" | "resource" | "wait" | "hold" | "party" if target == "insight" => Some(Source::Binding),
        "runtime.spawn" if of_tokio() => Some(Source::Spawn),
        "runtime.resource" if of_tokio() => Some(Source::Resource),
        "runtime.resource.async_op" if of_tokio() => Some(Source::Operation),
        "runtime.resource.async_op.poll" if of_tokio() => Some(Source::OperationPoll),
        _ => None,
    }
}

/// The layer's own filter. The program's other layers do not change by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnlyOurs;

impl<S> Filter<S> for OnlyOurs {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        insight_probe::on() && source(metadata).is_some()
    }

    /// tracing calls this once per callsite, and again when recording is turned on or off.
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if insight_probe::on() && source(metadata).is_some() { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if insight_probe::on() { LevelFilter::TRACE } else { LevelFilter::OFF })
    }
}
