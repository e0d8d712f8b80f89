use crate::MAX_NUMBER;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, Unexpected};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        /// A number from 1 to 2^53 - 1, never reused in a session.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schema", schemars(extend("minimum" = 1)))]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                id(deserializer).map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

/// The expected range of an id, for an error.
const RANGE: &str = "an id from 1 to 9007199254740991";

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        // r[id.range]
        id @ 1..=MAX_NUMBER => Ok(id),
        id => Err(D::Error::invalid_value(Unexpected::Unsigned(id), &RANGE)),
    }
}

id!(/** The id of a task. */ TaskId);
id!(/** The id of a resource. */ ResourceId);
id!(/** The id of an edge. */ EdgeId);
id!(/** The id of an operation or a hold, at detail `operations`. */ OperationId);
id!(/** The id of a problem. */ ProblemId);
id!(/** The id of an interned string. */ StringId);
id!(/** The id of an interned source location. */ LocationId);
