//! The layer: what is sent, to whom it belongs, and what this thread is in.

use crate::filter::{Source, source};
use crate::resource::Operation;
use crate::told::{self, Emitted};
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
    told: told::Known,
}

/// What a span is; kept in the registry with it.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    Task(RawTask),
    Resource(Arc<resource::Resource>),
    Operation(Arc<Operation>),
    OperationPoll(Arc<Operation>),
    Told(Arc<Emitted>),
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

/// What has been said of an operation in this poll.
#[derive(Debug)]
pub(crate) struct OperationFrame {
    pub(crate) operation: Arc<Operation>,
    /// What the last `poll_op` said.
    pub(crate) ready: Option<bool>,
    /// It has got what it wants, whatever `poll_op` says: the task's budget is used up.
    pub(crate) granted: bool,
    /// How many units it wants, as an operation within it says.
    pub(crate) need: Option<u64>,
}

thread_local! {
    /// The innermost last.
    static ENTERED: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Runs what the layer does at one call. `None` when this thread is within the layer already, as an allocator that sends
/// events may be, or when there was a panic, which must not reach the program.
fn guarded<R>(work: impl FnOnce(&mut Vec<Frame>) -> Option<R>) -> Option<R> {
    let run = |entered: &RefCell<Vec<Frame>>| {
        let mut frames = entered.try_borrow_mut().ok()?;
        catch_unwind(AssertUnwindSafe(|| work(&mut frames))).ok().flatten()
    };
    // A thread that ends may drop tasks in its destructors.
    ENTERED.try_with(run).ok().flatten()
}

/// What the layer knows of the span.
fn seen<S: Subscriber + for<'span> LookupSpan<'span>>(id: &Id, context: &Context<'_, S>) -> Option<Seen> {
    context.span(id)?.extensions().get::<Seen>().cloned()
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Insight {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        guarded(|_| {
            let span = context.span(id)?;
            // An operation is opened within its resource, or says so.
            let around = || span.parent()?.extensions().get::<Seen>().cloned();
            let seen = match source(attributes.metadata())? {
                Source::Told => Seen::Told(self.told.opened(attributes)?),
                Source::Spawn => Seen::Task(tokio::spawned(attributes)?),
                Source::Resource => Seen::Resource(Arc::new(resource::Resource::new(attributes))),
                Source::Operation => match around()? {
                    Seen::Resource(resource) => Seen::Operation(Operation::new(attributes, resource)),
                    _ => return None,
                },
                Source::OperationPoll => match around()? {
                    Seen::Operation(operation) => Seen::OperationPoll(operation),
                    _ => return None,
                },
                _ => return None,
            };
            span.extensions_mut().replace(seen);
            Some(())
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        guarded(|_| {
            if let Seen::Told(emitted) = seen(id, &context)? {
                emitted.recorded(values);
            }
            Some(())
        });
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        guarded(|frames| {
            let around = || context.event_span(event)?.extensions().get::<Seen>().cloned();
            match source(event.metadata())? {
                Source::Told => self.told.event(event),
                Source::PollOp => {
                    if let Entered::Operation(frame) = &mut frames.last_mut()?.what {
                        frame.ready = tokio::is_ready(event);
                    }
                }
                Source::ResourceState => {
                    if let Seen::Resource(resource) = around()? {
                        resource.updated(event);
                    }
                }
                Source::OperationState => {
                    if let Seen::Operation(operation) | Seen::OperationPoll(operation) = around()? {
                        operation.updated(event);
                    }
                }
                Source::Waker => {
                    // r[tracing.tokio.waker-id]: the id of the task's span, and not tokio's own of the task.
                    if let Seen::Task(task) = seen(&tokio::woken_span(event)?, &context)? {
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
            let what = match seen(id, &context)? {
                Seen::Task(task) => Entered::Task { _poll: task.poll() },
                Seen::Told(emitted) => Entered::Task { _poll: emitted.task()?.poll() },
                Seen::OperationPoll(operation) => {
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
                // What it is within, in the same poll of the task.
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
            match seen(&id, &context)? {
                Seen::Task(task) => task.completed(insight_probe::Outcome::Unseen),
                Seen::Operation(operation) | Seen::OperationPoll(operation) => operation.over(),
                // Gone with the last operation on it.
                Seen::Resource(_) => {}
                Seen::Told(emitted) => self.told.closed(&emitted),
            }
            Some(())
        });
    }
}
