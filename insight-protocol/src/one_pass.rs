use crate::Message;
use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The number of a line, its type, and the message if the type is known.
pub(crate) type Read<'de> = (u64, Cow<'de, str>, Option<Message>);

/// Decodes a line that starts with `seq` and `type`. Any other line is an error, and so is a malformed one. Decoding it again
/// in two passes gives the exact error.
pub(crate) struct OnePass;

impl<'de> Visitor<'de> for OnePass {
    type Value = Read<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Read<'de>, A::Error> {
        let other = || A::Error::custom("another order of fields");
        let Some(Field::Seq) = fields.next_key()? else { return Err(other()) };
        let seq = fields.next_value()?;
        let Some(Field::Type) = fields.next_key()? else { return Err(other()) };
        let type_name: &str = fields.next_value()?;
        let message = Message::of_type(type_name, MapAccessDeserializer::new(Rest(fields)))?;
        Ok((seq, Cow::Borrowed(type_name), message))
    }
}

/// A field of the envelope, or of a message.
#[derive(Clone, Copy, PartialEq)]
enum Field<'a> {
    Seq,
    Type,
    Other(&'a str),
}

impl<'de> Deserialize<'de> for Field<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Field<'de>, D::Error> {
        // A name with an escape in it cannot be borrowed. This error leaves the line to two passes.
        Ok(match <&str>::deserialize(deserializer)? {
            "seq" => Field::Seq,
            "type" => Field::Type,
            other => Field::Other(other),
        })
    }
}

/// The fields after `seq` and `type`. These two may not occur again.
struct Rest<A>(A);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Rest<A> {
    type Error = A::Error;

    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        match self.0.next_key()? {
            Some(Field::Other(name)) => seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some),
            Some(Field::Seq | Field::Type) => Err(A::Error::custom("a field that occurs twice")),
            None => Ok(None),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.0.next_value_seed(seed)
    }
}
