use crate::*;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

macro_rules! messages {
    ($($tag:literal => $name:ident,)+) => {
        /// One message of the stream, by its `type`.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(tag = "type")]
        #[non_exhaustive]
        pub enum Message {
            $(#[doc = concat!("`", $tag, "`")] #[serde(rename = $tag)] $name($name),)+
        }

        impl Message {
            /// Every `type` that this version names.
            pub const TYPES: &[&str] = &[$($tag),+];

            /// The message's `type`.
            pub fn type_name(&self) -> &'static str {
                match self { $(Message::$name(_) => $tag,)+ }
            }

            /// Decodes the fields of the message that `type_name` names; passes over those of a type that is not
            /// known.
            pub(crate) fn of_type<'de, D: Deserializer<'de>>(
                type_name: &str,
                fields: D,
            ) -> Result<Option<Message>, D::Error> {
                match type_name {
                    $($tag => $name::deserialize(fields).map(|inner| Some(Message::$name(inner))),)+
                    _ => IgnoredAny::deserialize(fields).map(|_| None),
                }
            }
        }

        $(impl From<$name> for Message {
            fn from(inner: $name) -> Message { Message::$name(inner) }
        })+
    };
}

messages! {
    "stream.header" => StreamHeader,
    "stream.heartbeat" => StreamHeartbeat,
    "stream.coverage" => StreamCoverage,
    "define.string" => DefineString,
    "define.location" => DefineLocation,
    "task.spawned" => TaskSpawned,
    "task.completed" => TaskCompleted,
    "task.stats" => TaskStats,
    "task.polls" => TaskPolls,
    "resource.created" => ResourceCreated,
    "resource.updated" => ResourceUpdated,
    "resource.dropped" => ResourceDropped,
    "edge.wait" => EdgeWait,
    "edge.hold" => EdgeHold,
    "edge.party" => EdgeParty,
    "edge.updated" => EdgeUpdated,
    "edge.closed" => EdgeClosed,
    "problem.raised" => ProblemRaised,
    "problem.updated" => ProblemUpdated,
    "problem.cleared" => ProblemCleared,
    "snapshot.begin" => SnapshotBegin,
    "snapshot.end" => SnapshotEnd,
    "gap" => Gap,
}
