//! The messages that are being written, with the strings and locations that they name by number: each is defined once.

use crate::name::{cut, readable};
use crate::raw::RawLocation;
use insight_protocol::{DefineDropped, DefineLocation, DefineString, LocationId, Message, StringId};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::Location;
use std::ptr;

/// Messages that were not handed over yet, and the strings and locations defined so far.
#[derive(Debug, Default)]
pub(super) struct Stream {
    messages: Vec<Message>,
    strings: HashMap<Box<str>, StringId>,
    last_string: u64,
    /// The names given only by the program: they can be dropped.
    given: HashSet<StringId>,
    /// The memory of these names, about, in bytes.
    given_bytes: usize,
    places: HashMap<RawLocation, LocationId>,
    /// The IDs of earlier texts by their addresses in the program, since each spawn asks for them.
    names: AddressMap<(usize, usize), StringId>,
    type_names: AddressMap<(usize, usize), StringId>,
    locations: AddressMap<usize, LocationId>,
    /// The locations that were first reported, as strings: the program's code may not have them.
    raw_locations: HashSet<LocationId>,
    /// Approximate memory of all reported texts, in bytes.
    raw_string_bytes: usize,
    /// Approximate memory of all texts from debug information, in bytes.
    code_bytes: usize,
}

/// A hash of addresses of the program's constants. No input chooses them, so it needs no protection from collisions.
type AddressMap<K, V> = HashMap<K, V, BuildHasherDefault<AddressHasher>>;

#[derive(Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_usize(usize::from(*byte)));
    }

    fn write_usize(&mut self, number: usize) {
        // The upper bits of a product depend on all bits, and a map uses the lower bits first.
        let product = (self.0 ^ number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }
}

/// The address of a text that the program holds forever.
fn address(text: &'static str) -> (usize, usize) {
    (text.as_ptr().addr(), text.len())
}

impl Stream {
    /// Appends a message.
    pub(super) fn push(&mut self, message: impl Into<Message>) {
        self.messages.push(message.into());
    }

    /// Appends messages.
    pub(super) fn extend(&mut self, messages: impl IntoIterator<Item = impl Into<Message>>) {
        self.messages.extend(messages.into_iter().map(Into::into));
    }

    /// Number of messages.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Puts the messages of this stream in the place of `out`, and those in the place of these: to write after others, and to
    /// hand all of them over.
    pub(super) fn exchange(&mut self, out: &mut Vec<Message>) {
        std::mem::swap(&mut self.messages, out);
    }

    /// Forgets all definitions.
    pub(super) fn forget(&mut self) {
        *self = Stream { messages: std::mem::take(&mut self.messages), ..Stream::default() };
    }

    /// The ID of a string from the program's code. There are few, and they are kept forever.
    pub(super) fn string(&mut self, text: &str) -> StringId {
        let text = &*cut(text);
        let Some(id) = self.strings.get(text).copied() else { return self.define(text) };
        if !self.given.is_empty() && self.given.remove(&id) {
            self.given_bytes -= bytes(text);
        }
        id
    }

    /// The id of a name that the program gives at run time.
    pub(super) fn given_name(&mut self, text: &str) -> StringId {
        let text = &*cut(text);
        if let Some(id) = self.strings.get(text) {
            return *id;
        }
        let id = self.define(text);
        self.given.insert(id);
        self.given_bytes += bytes(text);
        id
    }

    /// The ID of a text from a span. It is kept forever, while there is room for such texts.
    pub(super) fn raw_string(&mut self, text: &str) -> StringId {
        let text = &*cut(text);
        let is_kept = self.strings.contains_key(text) || self.takes_text(text);
        self.string(if is_kept { text } else { NOT_KEPT })
    }

    /// Takes room for another reported text. Returns whether there was room.
    fn takes_text(&mut self, text: &str) -> bool {
        let all = self.raw_string_bytes + bytes(text);
        if all > TOLD_LIMIT {
            return false;
        }
        self.raw_string_bytes = all;
        true
    }

    fn define(&mut self, text: &str) -> StringId {
        self.last_string += 1;
        let id = StringId(self.last_string);
        self.strings.insert(text.into(), id);
        self.push(DefineString::new(id, text));
        id
    }

    /// The memory of the names that the program has given, about, in bytes.
    pub(super) fn given_bytes(&self) -> usize {
        self.given_bytes
    }

    /// Drops the names that the program has given but for those in `alive`.
    pub(super) fn drop_names<'n>(&mut self, alive: impl Iterator<Item = &'n str>) {
        let alive: HashSet<StringId> = alive.filter_map(|name| self.strings.get(&*cut(name)).copied()).collect();
        let mut dropped: Vec<StringId> = self.given.iter().copied().filter(|id| !alive.contains(id)).collect();
        dropped.sort_unstable();
        self.given.retain(|id| alive.contains(id));
        self.strings.retain(|text, id| {
            let stays = dropped.binary_search(id).is_err();
            self.given_bytes -= if stays { 0 } else { bytes(text) };
            stays
        });
        let messages = dropped.chunks(MAX_DROPPED).map(|strings| DefineDropped::new(strings.to_vec()));
        self.extend(messages);
    }

    /// The same, of a text that is asked for again and again.
    pub(super) fn name(&mut self, name: &'static str) -> StringId {
        if let Some(id) = self.names.get(&address(name)) {
            return *id;
        }
        let id = self.string(name);
        self.names.insert(address(name), id);
        id
    }

    /// The readable name of a type; `None` for the empty one, and for one that stands for any future.
    pub(super) fn type_name(&mut self, type_name: &'static str) -> Option<StringId> {
        if type_name.starts_with("futures_task::") {
            return None;
        }
        let key = address(type_name);
        if let Some(id) = self.type_names.get(&key) {
            return Some(*id);
        }
        let name = readable(type_name);
        if name.is_empty() {
            return None;
        }
        let id = self.string(&name);
        self.type_names.insert(key, id);
        Some(id)
    }

    pub(super) fn location(&mut self, location: &'static Location<'static>) -> LocationId {
        let key = ptr::from_ref(location).addr();
        if let Some(id) = self.locations.get(&key) {
            return *id;
        }
        // It may have been reported before, as tokio reports the location of a task's spawn that a join also names.
        let (line, column) = (location.line(), location.column());
        let id = self.place(&RawLocation { file: location.file().into(), line, column });
        self.locations.insert(key, id);
        id
    }

    /// The ID of a reported location. `None` if there is no room for it.
    pub(super) fn raw_location(&mut self, place: &RawLocation) -> Option<LocationId> {
        let place = &RawLocation { file: cut(&place.file).into(), ..place.clone() };
        if let Some(id) = self.places.get(place) {
            return Some(*id);
        }
        if !self.takes_text(&place.file) {
            return None;
        }
        let id = self.place(place);
        self.raw_locations.insert(id);
        Some(id)
    }

    /// The ID of a location from the program's debug information. It is kept forever. `None` if there is no room for it.
    pub(super) fn code_location(&mut self, place: &RawLocation) -> Option<LocationId> {
        let place = &RawLocation { file: cut(&place.file).into(), ..place.clone() };
        if let Some(id) = self.places.get(place) {
            return Some(*id);
        }
        self.takes_code(&place.file).then(|| self.place(place))
    }

    /// The ID of a text from the program's debug information. It is kept forever. `None` if there is no room for it.
    pub(super) fn code_string(&mut self, text: &str) -> Option<StringId> {
        let text = &*cut(text);
        (self.strings.contains_key(text) || self.takes_code(text)).then(|| self.string(text))
    }

    /// Takes room for another text from debug information. Returns whether there was room.
    fn takes_code(&mut self, text: &str) -> bool {
        let all = self.code_bytes + bytes(text);
        if all > CODE_LIMIT {
            return false;
        }
        self.code_bytes = all;
        true
    }

    /// Whether the location comes from the program's code, and not from a string at run time.
    pub(super) fn is_compiled_in(&self, id: LocationId) -> bool {
        !self.raw_locations.contains(&id)
    }

    fn place(&mut self, place: &RawLocation) -> LocationId {
        if let Some(id) = self.places.get(place) {
            return *id;
        }
        let id = LocationId(self.places.len() as u64 + 1);
        self.places.insert(place.clone(), id);
        let file = place.file.to_string();
        self.push(DefineLocation::new(id, file, place.line, place.column));
        id
    }
}

/// Maximum memory of the texts that come from spans, about, in bytes. They are kept forever, so texts that
/// differ for each span must not fill the memory.
const TOLD_LIMIT: usize = 16 << 20;

/// Maximum memory of the texts that come from debug information, about, in bytes. A program has few places at which its
/// tasks wait.
const CODE_LIMIT: usize = 16 << 20;

/// Replaces a text of a span for which there was no room.
const NOT_KEPT: &str = "(text not kept)";

/// Maximum number of strings dropped by one message.
const MAX_DROPPED: usize = 1000;

/// The memory that a name takes here and in the model, about, in bytes.
fn bytes(name: &str) -> usize {
    2 * name.len() + 200
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_spans_have_a_bound() {
        let mut stream = Stream::default();
        let place = |line: u32, file: &str| RawLocation { file: file.into(), line, column: 1 };
        let first = stream.raw_string("waiting for request 0");
        assert!(stream.raw_location(&place(1, "src/main.rs")).is_some());
        let long = "x".repeat(1 << 20);
        for request in 0..20_000 {
            stream.raw_string(&format!("waiting for request {request} {long}"));
            stream.raw_location(&place(request, &format!("{request}{long}")));
        }
        let kept: usize = stream.strings.keys().map(|text| bytes(text)).sum();
        assert!(kept < TOLD_LIMIT + bytes(NOT_KEPT), "{kept}");
        assert!(stream.places.keys().all(|place| place.file.len() <= crate::name::MAX_NAME));
        // The same as before is the same, and all the others are one.
        assert_eq!(stream.raw_string("waiting for request 0"), first);
        assert_eq!(stream.raw_string(&format!("another {long}")), stream.raw_string(&format!("more {long}")));
        assert_eq!(stream.raw_location(&place(7, &long)), None);
        assert!(stream.raw_location(&place(1, "src/main.rs")).is_some());
    }
}
