//! A layer that names the program's own spans in the awaits of a task.

use crate::fields::{self, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tracing_core::Subscriber;
use tracing_core::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The fields that describe a span better than its name, the best first. Routes are templates: they have no data of users.
const ROUTES: [&str; 4] = ["http.route", "route", "matched_path", "otel.name"];

/// See [`spans`](crate::spans).
#[derive(Debug)]
pub(crate) struct Names;

/// The route of a span, in its extensions.
struct Route {
    rank: usize,
    text: String,
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Names {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.fields().iter().any(|field| ROUTES.contains(&field.name())) {
            guarded(|| {
                let mut route = None;
                attributes.record(&mut fields::each(|name, value| look(&mut route, name, value)));
                keep(id, route, &context)
            });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        guarded(|| {
            let mut route = None;
            values.record(&mut fields::each(|name, value| look(&mut route, name, value)));
            keep(id, route, &context)
        });
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if !insight_probe::is_captured() {
            return;
        }
        guarded(|| {
            let span = context.span(id)?;
            let text = match span.extensions().get::<Route>() {
                Some(route) => format!("{} {}", span.name(), route.text),
                None => span.name().to_owned(),
            };
            insight_probe::note_span(text);
            Some(())
        });
    }
}

/// Keeps the field if it is a better route.
fn look(route: &mut Option<Route>, name: &'static str, value: Value<'_>) {
    let Some(rank) = ROUTES.iter().position(|route| *route == name) else { return };
    let is_better = route.as_ref().is_none_or(|before| rank < before.rank);
    if let Some(text) = value.text().filter(|_| is_better) {
        *route = Some(Route { rank, text: text.to_owned() });
    }
}

fn keep<S>(id: &Id, route: Option<Route>, context: &Context<'_, S>) -> Option<()>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let (route, span) = (route?, context.span(id)?);
    let mut extensions = span.extensions_mut();
    let before = extensions.get_mut::<Route>().map(|before| before.rank);
    if before.is_none_or(|before| route.rank <= before) {
        extensions.replace(route);
    }
    Some(())
}

/// No panic reaches the program.
fn guarded(f: impl FnOnce() -> Option<()>) {
    let _ = catch_unwind(AssertUnwindSafe(f));
}
