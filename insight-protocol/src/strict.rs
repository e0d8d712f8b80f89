//! A deserializer that accepts exactly `accept.schema.json`. serde alone also accepts an array for a struct, and numbers that
//! a JavaScript reader cannot hold.
//!
//! It notes the rule that a line breaks. serde_json's own error has only a text.

use crate::MAX_NUMBER;
use serde::de::{DeserializeSeed, Deserializer, Error, Expected, MapAccess, SeqAccess, Unexpected, Visitor};
use std::cell::Cell;
use std::fmt;

/// The expected range of a number, for an error.
const RANGE: &str = "a number of at most 9007199254740991";

/// A broken rule, as far as the place of an error shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A field that occurs twice.
    FieldTwice,
    /// A required field that is missing, or a value of another type.
    Shape,
    /// A word that a closed enum does not have.
    UnknownWord,
    /// A number that is negative, too large, or has a fraction.
    NumberRange,
    /// An ID of 0.
    IdRange,
}

/// An error of a nested value, with the rule that it breaks.
pub(crate) struct Noted<E> {
    broken: Option<Broken>,
    inner: E,
}

impl<E: fmt::Display> fmt::Debug for Noted<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<E: fmt::Display> fmt::Display for Noted<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<E: fmt::Display> std::error::Error for Noted<E> {}

impl<E: Error> Error for Noted<E> {
    fn custom<T: fmt::Display>(text: T) -> Noted<E> {
        Noted { broken: None, inner: E::custom(text) }
    }

    fn invalid_type(unexpected: Unexpected, expected: &dyn Expected) -> Noted<E> {
        Noted { broken: Some(Broken::Shape), inner: E::invalid_type(unexpected, expected) }
    }

    /// [`Strict`] notes the errors of numbers. Apart from them, only an id refuses a value, which is then 0.
    fn invalid_value(unexpected: Unexpected, expected: &dyn Expected) -> Noted<E> {
        let broken = if let Unexpected::Unsigned(_) = unexpected { Broken::IdRange } else { Broken::Shape };
        Noted { broken: Some(broken), inner: E::invalid_value(unexpected, expected) }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Noted<E> {
        Noted { broken: Some(Broken::UnknownWord), inner: E::unknown_variant(variant, expected) }
    }

    fn missing_field(field: &'static str) -> Noted<E> {
        Noted { broken: Some(Broken::Shape), inner: E::missing_field(field) }
    }

    fn duplicate_field(field: &'static str) -> Noted<E> {
        Noted { broken: Some(Broken::FieldTwice), inner: E::duplicate_field(field) }
    }
}

/// The note of one line: the rule of the error that passes through serde_json.
#[derive(Default)]
pub(crate) struct Note(Cell<Option<Broken>>);

impl Note {
    /// Gives an error to serde_json.
    fn leave<T, E>(&self, result: Result<T, Noted<E>>) -> Result<T, E> {
        result.map_err(|error| {
            self.0.set(error.broken);
            error.inner
        })
    }

    /// Takes an error back from serde_json.
    fn enter<T, E>(&self, result: Result<T, E>) -> Result<T, Noted<E>> {
        result.map_err(|inner| Noted { broken: self.0.take(), inner })
    }

    /// The rule of the last error.
    pub(crate) fn broken(&self) -> Option<Broken> {
        self.0.get()
    }
}

/// Wraps a deserializer, a visitor, a seed or an access, and each nested one in turn. Skipped values are not wrapped, so
/// they take no stack, however deep they are nested.
pub(crate) struct Strict<'n, T> {
    inner: T,
    note: &'n Note,
    /// Whether it wraps a visitor for a number.
    is_number: bool,
}

impl<'n, T> Strict<'n, T> {
    pub(crate) fn new(inner: T, note: &'n Note) -> Strict<'n, T> {
        Strict { inner, note, is_number: false }
    }

    fn wrap<U>(&self, inner: U) -> Strict<'n, U> {
        Strict::new(inner, self.note)
    }
}

/// Deserializes with the errors of serde_json, and notes the broken rule.
pub(crate) fn read<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    note: &Note,
    read: impl FnOnce(Strict<'_, D>) -> Result<T, Noted<D::Error>>,
) -> Result<T, D::Error> {
    note.leave(read(Strict::new(deserializer, note)))
}

macro_rules! wrap_visitor {
    ($is_number:literal: $($method:ident)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            let visitor = Strict { inner: visitor, note: self.note, is_number: $is_number };
            self.note.enter(self.inner.$method(visitor))
        })+
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<'_, D> {
    type Error = Noted<D::Error>;

    wrap_visitor! {
        true: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64
    }

    wrap_visitor! {
        false: deserialize_any deserialize_bool deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option deserialize_unit deserialize_seq
        deserialize_map deserialize_identifier
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        // Not `deserialize_struct`, which would also accept an array of the fields' values.
        self.deserialize_map(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Self::Error> {
        let visitor = self.wrap(visitor);
        self.note.enter(self.inner.deserialize_unit_struct(name, visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let visitor = self.wrap(visitor);
        self.note.enter(self.inner.deserialize_newtype_struct(name, visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Self::Error> {
        let visitor = self.wrap(visitor);
        self.note.enter(self.inner.deserialize_tuple(length, visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let visitor = self.wrap(visitor);
        self.note.enter(self.inner.deserialize_tuple_struct(name, length, visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        // The enums of the protocol are read as strings: see `closed_enum!` and `open_enum!`.
        self.note.enter(self.inner.deserialize_enum(name, variants, visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.note.enter(self.inner.deserialize_ignored_any(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Strict<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<V::Value, E> {
        // r[number.range]
        if number > MAX_NUMBER {
            self.note.0.set(Some(Broken::NumberRange));
            return Err(E::invalid_value(Unexpected::Unsigned(number), &RANGE));
        }
        self.number(|visitor| visitor.visit_u64(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<V::Value, E> {
        self.number(|visitor| visitor.visit_i64(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<V::Value, E> {
        self.number(|visitor| visitor.visit_f64(number))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<V::Value, E> {
        self.note.leave(self.inner.visit_bool(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        self.note.leave(self.inner.visit_str(text))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<V::Value, E> {
        self.note.leave(self.inner.visit_borrowed_str(text))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<V::Value, E> {
        self.note.leave(self.inner.visit_string(text))
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.note.leave(self.inner.visit_none())
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let nested = self.wrap(inner);
        self.note.leave(self.inner.visit_some(nested))
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.note.leave(self.inner.visit_unit())
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        let nested = self.wrap(inner);
        self.note.leave(self.inner.visit_newtype_struct(nested))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        let nested = self.wrap(items);
        self.note.leave(self.inner.visit_seq(nested))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<V::Value, A::Error> {
        let nested = self.wrap(fields);
        self.note.leave(self.inner.visit_map(nested))
    }
}

impl<V> Strict<'_, V> {
    /// Visits a number. If a visitor for numbers refuses it, the number is out of range.
    fn number<T, E: Error>(self, visit: impl FnOnce(V) -> Result<T, Noted<E>>) -> Result<T, E> {
        let result = visit(self.inner);
        self.note.leave(result.map_err(|error| match self.is_number {
            true => Noted { broken: Some(Broken::NumberRange), ..error },
            false => error,
        }))
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<T::Value, D::Error> {
        let nested = self.wrap(inner);
        self.note.leave(self.inner.deserialize(nested))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<'_, A> {
    type Error = Noted<A::Error>;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Self::Error> {
        let seed = self.wrap(seed);
        self.note.enter(self.inner.next_element_seed(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Strict<'_, A> {
    type Error = Noted<A::Error>;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Self::Error> {
        // A key is a string.
        self.note.enter(self.inner.next_key_seed(seed))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Self::Error> {
        let seed = self.wrap(seed);
        self.note.enter(self.inner.next_value_seed(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}
