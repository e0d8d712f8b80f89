use insight_protocol::{LocationId, Message, StringId};
use std::collections::{BTreeMap, HashSet};

/// The strings and locations that the producer has defined, and so may name without defining them again.
///
/// A snapshot has only those that something in it names. A stream that goes on after it needs the others too.
#[derive(Debug, Default)]
pub(crate) struct Definitions(BTreeMap<Id, Message>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Id {
    String(StringId),
    Location(LocationId),
}

impl Definitions {
    pub(crate) fn take(&mut self, message: &Message) {
        if let Message::SnapshotBegin(_) = message {
            self.0.clear();
        } else if let Some(id) = defined(message) {
            self.0.insert(id, message.clone());
        }
    }

    /// Those that the snapshot does not have.
    pub(crate) fn without(&self, snapshot: &[Message]) -> impl Iterator<Item = Message> {
        let there: HashSet<Id> = snapshot.iter().filter_map(defined).collect();
        self.0.iter().filter(move |(id, _)| !there.contains(id)).map(|(_, message)| message.clone())
    }
}

fn defined(message: &Message) -> Option<Id> {
    match message {
        Message::DefineString(string) => Some(Id::String(string.id)),
        Message::DefineLocation(location) => Some(Id::Location(location.id)),
        _ => None,
    }
}
