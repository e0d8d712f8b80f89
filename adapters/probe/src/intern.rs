//! Strings and locations by number, each defined once.

use crate::raw::Place;
use insight_protocol::{DefineLocation, DefineString, LocationId, Message, StringId};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::Location;
use std::ptr;

/// What was defined so far.
#[derive(Debug, Default)]
pub(crate) struct Interned {
    strings: HashMap<Box<str>, StringId>,
    places: HashMap<Place, LocationId>,
    /// What was asked for before, by where it lies in the program: it is asked for with each spawn.
    names: AddressMap<(usize, usize), StringId>,
    type_names: AddressMap<(usize, usize), StringId>,
    locations: AddressMap<usize, LocationId>,
}

/// By the addresses of what the program holds for ever, which nobody chooses to make them collide.
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
        // The upper bits of a product depend on all bits, and the lower ones are what a map looks at first.
        let product = (self.0 ^ number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }
}

/// Where a text lies that the program holds for ever.
fn address(text: &'static str) -> (usize, usize) {
    (text.as_ptr().addr(), text.len())
}

impl Interned {
    pub(crate) fn string(&mut self, text: &str, out: &mut Vec<Message>) -> StringId {
        if let Some(id) = self.strings.get(text) {
            return *id;
        }
        let id = StringId(self.strings.len() as u64 + 1);
        self.strings.insert(text.into(), id);
        out.push(DefineString { id, text: text.to_owned() }.into());
        id
    }

    /// The same, of a text that is asked for again and again.
    pub(crate) fn name(&mut self, name: &'static str, out: &mut Vec<Message>) -> StringId {
        if let Some(id) = self.names.get(&address(name)) {
            return *id;
        }
        let id = self.string(name, out);
        self.names.insert(address(name), id);
        id
    }

    /// The readable name of a type; `None` for the empty one, and for one that stands for any future.
    pub(crate) fn type_name(&mut self, type_name: &'static str, out: &mut Vec<Message>) -> Option<StringId> {
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
        let id = self.string(&name, out);
        self.type_names.insert(key, id);
        Some(id)
    }

    pub(crate) fn location(&mut self, location: &'static Location<'static>, out: &mut Vec<Message>) -> LocationId {
        let key = ptr::from_ref(location).addr();
        if let Some(id) = self.locations.get(&key) {
            return *id;
        }
        // It may have been told before, as tokio tells where a task was spawned whose join names the place too.
        let (line, column) = (location.line(), location.column());
        let id = self.place(&Place { file: location.file().into(), line, column }, out);
        self.locations.insert(key, id);
        id
    }

    /// A place that was told.
    pub(crate) fn place(&mut self, place: &Place, out: &mut Vec<Message>) -> LocationId {
        if let Some(id) = self.places.get(place) {
            return *id;
        }
        let id = LocationId(self.places.len() as u64 + 1);
        self.places.insert(place.clone(), id);
        let file = place.file.to_string();
        out.push(DefineLocation { id, file, line: place.line, column: place.column, source: None }.into());
        id
    }
}

/// The longest name that is kept, in bytes; a generic future's type can have thousands.
const MAX_NAME: usize = 120;

/// `barbara::serve` of `barbara::serve::{{closure}}::{{closure}}`: an async block or closure is called by the function it
/// stands in, and the paths within `<...>` are shortened to their last part.
pub(crate) fn readable(type_name: &str) -> String {
    let mut name = String::new();
    let mut depth = 0_u32;
    let text = type_name.replace("::{{closure}}", "");
    let in_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    for part in text.split_inclusive(|c: char| !in_path(c)) {
        let path = part.trim_end_matches(|c: char| !in_path(c));
        let end = &part[path.len()..];
        // The outermost path stays whole: it says which crate and module.
        name.push_str(if depth == 0 { path } else { path.rsplit("::").next().unwrap_or(path) });
        name.push_str(end);
        match end {
            "<" => depth += 1,
            ">" => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if name.len() > MAX_NAME {
        let cut = (0..MAX_NAME).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
        name.truncate(cut);
        name.push('…');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn readable_names() {
        let check = |type_name: &str, expect: &str| assert_eq!(readable(type_name), expect, "{type_name}");
        check("barbara::handler::{{closure}}", "barbara::handler");
        check("barbara::handler::{{closure}}::{{closure}}", "barbara::handler");
        check("<barbara::Pool as barbara::Work>::run::{{closure}}", "<Pool as Work>::run");
        check(
            "core::pin::Pin<alloc::boxed::Box<dyn core::future::future::Future<Output = ()> + core::marker::Send>>",
            "core::pin::Pin<Box<dyn Future<Output = ()> + Send>>",
        );
        check("app::run<app::Naïve>::{{closure}}", "app::run<Naïve>");
        check("", "");
        assert_eq!(readable(&format!("a::{}", "é".repeat(100))).chars().last(), Some('…'));
    }
}
