//! The fields of spans and events.

use insight_probe::RawLocation;
use std::fmt;
use tracing_core::Field;
use tracing_core::field::Visit;

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// A whole number that is not negative.
    Number(u64),
    Flag(bool),
    Text(&'a str),
}

impl Value<'_> {
    pub(crate) fn number(self) -> Option<u64> {
        if let Value::Number(number) = self { Some(number) } else { None }
    }

    pub(crate) fn flag(self) -> Option<bool> {
        if let Value::Flag(flag) = self { Some(flag) } else { None }
    }

    /// The text, unless it is empty.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text).filter(|text| !text.is_empty()).copied() } else { None }
    }
}

/// Calls a closure with each field.
struct Each<F>(F);

/// A visitor that calls `f` with each field.
pub(crate) fn each(f: impl FnMut(&'static str, Value<'_>)) -> impl Visit {
    Each(f)
}

impl<F: FnMut(&'static str, Value<'_>)> Visit for Each<F> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        (self.0)(field.name(), Value::Number(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if let Ok(value) = u64::try_from(value) {
            (self.0)(field.name(), Value::Number(value));
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        (self.0)(field.name(), Value::Flag(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        (self.0)(field.name(), Value::Text(value));
    }

    /// The text of a value that a macro records by `%`, as tokio does for some names.
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        (self.0)(field.name(), Value::Text(&format!("{value:?}")));
    }
}

/// The parts of a location.
#[derive(Debug, Default)]
pub(crate) struct PlaceFields {
    file: Option<Box<str>>,
    line: Option<u32>,
    column: Option<u32>,
}

impl PlaceFields {
    /// Takes the field if it is a part of a location, by its name without `loc.`.
    pub(crate) fn take(&mut self, name: &str, value: Value<'_>) {
        let number = || value.number().and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
        match name {
            "file" => self.file = value.text().map(Box::from),
            "line" => self.line = number(),
            "column" | "col" => self.column = number(),
            _ => {}
        }
    }

    /// `None` without a file and a line.
    pub(crate) fn place(self) -> Option<RawLocation> {
        Some(RawLocation { file: self.file?, line: self.line?, column: self.column.unwrap_or(1) })
    }
}
