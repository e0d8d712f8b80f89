use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        /// A number from 1 to 2^53 - 1, never reused in a session.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(/** The id of a task. */ TaskId);
id!(/** The id of a resource. */ ResourceId);
id!(/** The id of an edge. */ EdgeId);
id!(/** The id of a problem. */ ProblemId);
id!(/** The id of an interned string. */ StringId);
id!(/** The id of an interned source location. */ LocationId);
