use crate::*;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

macro_rules! messages {
    ($($tag:literal => $name:ident $method:ident,)+) => {
        /// One message of the stream, by its `type`.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(tag = "type")]
        #[non_exhaustive]
        pub enum Message {
            $(#[doc = concat!("`", $tag, "`")] #[serde(rename = $tag)] $name($name),)+
        }

        impl Message {
            /// All types of this version.
            pub const TYPES: &[&str] = &[$($tag),+];

            /// The message's `type`.
            pub fn type_name(&self) -> &'static str {
                match self { $(Message::$name(_) => $tag,)+ }
            }

            /// Decodes the fields of a message of the type `type_name`. `None` for an unknown type, whose fields are
            /// skipped.
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

        /// A reader of all messages: one method for each type.
        ///
        /// No method has a default, so a reader that lacks a new type does not compile. Outside of this crate, a `match` on
        /// [`Message`] needs a `_` arm and would compile.
        pub trait Visit {
            /// The result for one message.
            type Output;

            $(#[doc = concat!("Reads a `", $tag, "`.")]
            fn $method(&mut self, message: &$name) -> Self::Output;)+
        }

        /// Like [`Visit`], for messages that are changed.
        pub trait VisitMut {
            /// The result for one message.
            type Output;

            $(#[doc = concat!("Changes a `", $tag, "`.")]
            fn $method(&mut self, message: &mut $name) -> Self::Output;)+
        }

        impl Message {
            /// Calls the method of `visitor` for this type.
            #[inline]
            pub fn visit<V: Visit + ?Sized>(&self, visitor: &mut V) -> V::Output {
                match self { $(Message::$name(message) => visitor.$method(message),)+ }
            }

            /// Calls the method of `visitor` for this type.
            #[inline]
            pub fn visit_mut<V: VisitMut + ?Sized>(&mut self, visitor: &mut V) -> V::Output {
                match self { $(Message::$name(message) => visitor.$method(message),)+ }
            }
        }

        $(impl From<$name> for Message {
            fn from(inner: $name) -> Message { Message::$name(inner) }
        })+
    };
}

messages! {
    "stream.header" => StreamHeader stream_header,
    "stream.heartbeat" => StreamHeartbeat stream_heartbeat,
    "stream.coverage" => StreamCoverage stream_coverage,
    "define.string" => DefineString define_string,
    "define.location" => DefineLocation define_location,
    "define.dropped" => DefineDropped define_dropped,
    "task.spawned" => TaskSpawned task_spawned,
    "task.updated" => TaskUpdated task_updated,
    "task.completed" => TaskCompleted task_completed,
    "task.ended" => TaskEnded task_ended,
    "task.stats" => TaskStats task_stats,
    "task.polls" => TaskPolls task_polls,
    "task.operation" => TaskOperation task_operation,
    "task.awaits" => TaskAwaits task_awaits,
    "task.cancellers" => TaskCancellers task_cancellers,
    "resource.created" => ResourceCreated resource_created,
    "resource.updated" => ResourceUpdated resource_updated,
    "resource.dropped" => ResourceDropped resource_dropped,
    "edge.wait" => EdgeWait edge_wait,
    "edge.hold" => EdgeHold edge_hold,
    "edge.party" => EdgeParty edge_party,
    "edge.updated" => EdgeUpdated edge_updated,
    "edge.closed" => EdgeClosed edge_closed,
    "problem.raised" => ProblemRaised problem_raised,
    "problem.updated" => ProblemUpdated problem_updated,
    "problem.cleared" => ProblemCleared problem_cleared,
    "snapshot.begin" => SnapshotBegin snapshot_begin,
    "snapshot.end" => SnapshotEnd snapshot_end,
    "gap" => Gap gap,
}
