use crate::codec::from_str;
use crate::*;
use serde::Serialize;

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

            /// Decodes the object `json` as the message that `type_name` names; `None` when there is no such type.
            pub(crate) fn from_json(type_name: &str, json: &str) -> Option<Result<Message, serde_json::Error>> {
                match type_name {
                    $($tag => Some(from_str::<$name>(json).map(Message::$name)),)+
                    _ => None,
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
    "define.string" => DefineString,
    "define.location" => DefineLocation,
    "task.spawned" => TaskSpawned,
    "task.completed" => TaskCompleted,
    "task.stats" => TaskStats,
    "resource.created" => ResourceCreated,
    "resource.updated" => ResourceUpdated,
    "resource.dropped" => ResourceDropped,
    "edge.wait" => EdgeWait,
    "edge.hold" => EdgeHold,
    "edge.party" => EdgeParty,
    "edge.closed" => EdgeClosed,
    "problem.raised" => ProblemRaised,
    "problem.updated" => ProblemUpdated,
    "problem.cleared" => ProblemCleared,
    "snapshot.begin" => SnapshotBegin,
    "snapshot.end" => SnapshotEnd,
    "gap" => Gap,
}
