//! The layer: the spans that are open, their tasks, and the spans that this thread is in.

use crate::binding::{self, Emitted};
use crate::filter::{Source, source};
use crate::resource::Operation;
use crate::{resource, tokio};
use insight_probe::{RawPoll, RawTask};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// See [`layer`](crate::layer()).
#[derive(Debug, Default)]
pub(crate) struct Insight {
    binding: binding::Known,
}

/// The layer's state of a span, which the registry keeps with the span.
#[derive(Clone, Debug)]
pub(crate) enum SpanState {
    Task(RawTask),
    Resource(Arc<resource::Resource>),
    Operation(Arc<Operation>),
    OperationPoll(Arc<Operation>),
    Binding(Arc<Emitted>),
}

/// A span that this thread has entered.
#[derive(Debug)]
pub(crate) struct Frame {
    span: u64,
    pub(crate) what: Entered,
}

#[derive(Debug)]
pub(crate) enum Entered {
    /// A poll of a task.
    Task { _poll: RawPoll },
    /// A poll of an operation.
    Operation(OperationFrame),
}

/// The events of an operation in this poll.
#[derive(Debug)]
pub(crate) struct OperationFrame {
    pub(crate) operation: Arc<Operation>,
    /// The result in the last `poll_op`.
    pub(crate) ready: Option<bool>,
    /// The operation has its permits. `poll_op` may still report that it is pending, if the task's budget is used up.
    pub(crate) granted: bool,
    /// The number of units that it needs, as an inner operation reports.
    pub(crate) need: Option<u64>,
}

thread_local! {
    /// The innermost is the last.
    static ENTERED: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` for one call of the layer. `None` if this thread is within the layer already, for example because an
/// allocator sends events, or if `work` panicked. The panic must not reach the program.
fn guarded<R>(work: impl FnOnce(&mut Vec<Frame>) -> Option<R>) -> Option<R> {
    let run = |entered: &RefCell<Vec<Frame>>| {
        let mut frames = entered.try_borrow_mut().ok()?;
        catch_unwind(AssertUnwindSafe(|| work(&mut frames))).ok().flatten()
    };
    // A thread that ends may drop tasks in its destructors.
    ENTERED.try_with(run).ok().flatten()
}

/// The layer's state of the span.
fn state<S: Subscriber + for<'span> LookupSpan<'span>>(id: &Id, context: &Context<'_, S>) -> Option<SpanState> {
    context.span(id)?.extensions().get::<SpanState>().cloned()
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Insight {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        guarded(|_| {
            let span = context.span(id)?;
            // The span of an operation is opened within the span of its resource, or names it.
            let around = || span.parent()?.extensions().get::<SpanState>().cloned();
            let state = match source(attributes.metadata())? {
                Source::Binding => SpanState::Binding(self.binding.opened(attributes)?),
                Source::Spawn => SpanState::Task(tokio::spawned(attributes)?),
                Source::Resource => SpanState::Resource(Arc::new(resource::Resource::new(attributes))),
                Source::Operation => match around()? {
                    SpanState::Resource(resource) => SpanState::Operation(Operation::new(attributes, resource)),
                    _ => return None,
                },
                Source::OperationPoll => match around()? {
                    SpanState::Operation(operation) => SpanState::OperationPoll(operation),
                    _ => return None,
                },
                _ => return None,
            };
            span.extensions_mut().replace(state);
            Some(())
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        guarded(|_| {
            if let SpanState::Binding(emitted) = state(id, &context)? {
                emitted.recorded(values);
            }
            Some(())
        });
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        guarded(|frames| {
            let around = || context.event_span(event)?.extensions().get::<SpanState>().cloned();
            match source(event.metadata())? {
                Source::Binding => self.binding.event(event),
                Source::PollOp => {
                    if let Entered::Operation(frame) = &mut frames.last_mut()?.what {
                        frame.ready = tokio::is_ready(event);
                    }
                }
                Source::ResourceState => {
                    if let SpanState::Resource(resource) = around()? {
                        resource.updated(event);
                    }
                }
                Source::OperationState => {
                    if let SpanState::Operation(operation) | SpanState::OperationPoll(operation) = around()? {
                        operation.updated(event);
                    }
                }
                Source::Waker => {
                    // r[tracing.tokio.waker-id]: this is the ID of the task's span, and not tokio's own ID of the task.
                    if let SpanState::Task(task) = state(&tokio::woken_span(event)?, &context)? {
                        task.woken();
                    }
                }
                _ => {}
            }
            Some(())
        });
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        guarded(|frames| {
            let what = match state(id, &context)? {
                SpanState::Task(task) => Entered::Task { _poll: task.poll() },
                SpanState::Binding(emitted) => Entered::Task { _poll: emitted.task()?.poll() },
                SpanState::OperationPoll(operation) => {
                    let need = operation.requested();
                    Entered::Operation(OperationFrame { operation, ready: None, granted: false, need })
                }
                _ => return None,
            };
            frames.push(Frame { span: id.into_u64(), what });
            Some(())
        });
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        guarded(|frames| {
            let index = frames.iter().rposition(|frame| frame.span == id.into_u64())?;
            let frame = frames.remove(index);
            if let Entered::Operation(polled) = frame.what {
                // The poll of an operation that this span is within, in the same poll of the task.
                let around = frames[..index].last_mut().map(|frame| &mut frame.what);
                let around = around.and_then(|what| match what {
                    Entered::Operation(around) => Some(around),
                    Entered::Task { .. } => None,
                });
                resource::polled(polled, around);
            }
            Some(())
        });
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        guarded(|_| {
            match state(&id, &context)? {
                SpanState::Task(task) => task.completed(insight_probe::Outcome::Unseen),
                SpanState::Operation(operation) | SpanState::OperationPoll(operation) => operation.over(),
                // The resource is gone with its last operation.
                SpanState::Resource(_) => {}
                SpanState::Binding(emitted) => self.binding.closed(&emitted),
            }
            Some(())
        });
    }
}
