use serde::de::{Deserializer, Error, Visitor};
use std::fmt;

/// Reads a word of an enum without copying it. If the word is unknown, `read` returns the known ones.
pub(crate) fn word<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: fn(&str) -> Result<T, &'static [&'static str]>,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(Word(read))
}

struct Word<T>(fn(&str) -> Result<T, &'static [&'static str]>);

impl<T> Visitor<'_> for Word<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(|known| E::unknown_variant(text, known))
    }
}
