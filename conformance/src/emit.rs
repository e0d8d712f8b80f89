//! Checks the lines of a producer against emit.schema.json of this version.
//!
//! Only lines that decode come here. So these checks cover only the cases in which that schema is narrower than a reader:
//! unknown types, fields and words, `null` instead of no field, a missing field, and numbers that begin at 1. The walk
//! through a line follows the schema itself, so a field of a new version needs no change here.

use insight_protocol::schema;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// A place where a line differs from the schema.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Deviation {
    pub rule: &'static str,
    /// The column in bytes, from 1.
    pub column: usize,
    pub expected: String,
    pub actual: String,
}

/// Announcements in the header of the stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Announced {
    /// Whether the minor version is later than the version of this crate, and may have added unknown names.
    pub later: bool,
    pub extensions: Vec<String>,
}

/// emit.schema.json.
#[derive(Debug)]
pub(crate) struct Emit {
    definitions: Value,
    /// The definition of each message, by `type`.
    messages: HashMap<String, String>,
}

impl Emit {
    pub fn new() -> Emit {
        let definitions = schema::emit()["$defs"].take();
        let tagged = definitions.as_object().into_iter().flatten().filter_map(|(name, definition)| {
            Some((definition["properties"]["type"]["const"].as_str()?.to_owned(), name.clone()))
        });
        let messages = tagged.collect();
        Emit { definitions, messages }
    }

    /// The deviations of a line of this type that decodes.
    pub fn check(&self, line: &str, type_name: &str, announced: &Announced) -> Vec<Deviation> {
        let mut walk = Walk { emit: self, line, announced, path: Vec::new(), found: Vec::new() };
        let definition = match self.messages.get(type_name) {
            Some(definition) => definition,
            None => {
                walk.name("type", type_name, line);
                "Extension"
            }
        };
        match serde_json::from_str::<&RawValue>(line) {
            Ok(object) => walk.object(&self.definitions[definition], object.get()),
            Err(error) => walk.unreadable(&error),
        }
        walk.found
    }
}

/// A walk through one line.
struct Walk<'w> {
    emit: &'w Emit,
    line: &'w str,
    announced: &'w Announced,
    /// The names of the fields from the message down to the present field.
    path: Vec<String>,
    found: Vec<Deviation>,
}

impl Walk<'_> {
    /// `at` is a part of the line.
    fn find(&mut self, rule: &'static str, at: &str, expected: String, actual: String) {
        let column = at.as_ptr().addr().saturating_sub(self.line.as_ptr().addr()) + 1;
        self.found.push(Deviation { rule, column, expected, actual });
    }

    fn unreadable(&mut self, error: &serde_json::Error) {
        // The decoder skips unknown fields and messages, so the unreadable part is within one of them.
        let expected = format!("only fields of version {}", insight_protocol::PROTOCOL_VERSION);
        let line = self.line;
        self.find("extension.words", line, expected, format!("an unknown field, which is not readable: {error}"));
    }

    fn object(&mut self, schema: &Value, text: &str) {
        let fields = match serde_json::from_str::<Fields<'_>>(text) {
            Ok(fields) => fields.0,
            Err(error) => return self.unreadable(&error),
        };
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.iter().any(|(field, _)| field == name) {
                let field = self.described(name);
                self.find("malformed.known-type", text, format!("a field {field}"), "none".to_owned());
            }
        }
        for (name, value) in &fields {
            let value = value.get();
            if let Some(field) = schema["properties"].get(name.as_ref()) {
                self.path.push(name.clone().into_owned());
                self.value(field, value);
                self.path.pop();
            } else if schema["additionalProperties"] == false {
                let at = if let Cow::Borrowed(name) = name { name } else { value };
                self.name("field", name, at);
            }
        }
    }

    fn value(&mut self, schema: &Value, text: &str) {
        if let Some(name) = schema["$ref"].as_str() {
            let definition = name.rsplit('/').next().unwrap_or_default();
            return self.value(&self.emit.definitions[definition], text);
        }
        let branches = schema["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
        let or_null = |schema: &Value| {
            let kind = &schema["type"];
            kind == "null" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
        };
        if text == "null" {
            if !or_null(schema) && !branches.iter().any(or_null) {
                let field = self.described("");
                self.find("framing.null.not-sent", text, format!("{field} with a value, or left out"), text.to_owned());
            }
        } else if let Some(target) = branches.iter().find(|branch| branch.get("$ref").is_some()) {
            self.value(target, text);
        } else if text.starts_with('{') {
            self.object(schema, text);
        } else if text.starts_with('[') {
            match serde_json::from_str::<Vec<&RawValue>>(text) {
                Ok(items) => items.iter().for_each(|item| self.value(&schema["items"], item.get())),
                Err(error) => self.unreadable(&error),
            }
        } else if text.starts_with('"') {
            let pattern = schema["pattern"].as_str();
            if pattern.is_some() || !branches.is_empty() {
                match serde_json::from_str::<Cow<'_, str>>(text) {
                    Ok(word) => self.word(pattern, branches, &word, text),
                    Err(error) => self.unreadable(&error),
                }
            }
        } else if schema["minimum"] == 1 && text.parse() == Ok(0_u64) {
            let rule = if self.path == ["seq"] { "stream.seq.plus-one" } else { "malformed.known-type" };
            self.find(rule, text, format!("{} from 1", self.described("")), text.to_owned());
        }
    }

    fn word(&mut self, pattern: Option<&str>, branches: &[Value], word: &str, at: &str) {
        let known = branches.iter().filter_map(|branch| branch["enum"].as_array()).flatten();
        match pattern {
            None if known.into_iter().any(|known| known == word) => {}
            None => self.name("word", word, at),
            // The type of an extension: `check` has checked its name.
            Some(_) if self.path == ["type"] => {}
            Some(_) if self.path == ["protocol"] => {
                let minor = word.strip_prefix("1.");
                let digits = |minor: &str| minor == "0" || !minor.starts_with('0') && minor.parse::<u64>().is_ok();
                // `parse` accepts a `+`.
                if !minor.is_some_and(|minor| digits(minor) && !minor.starts_with('+')) {
                    self.find("version.digits", at, "two decimal numbers and a dot".to_owned(), word.to_owned());
                }
            }
            Some(_) => {
                if labels(word) < 2 {
                    self.find("extension.name", at, "a reverse-DNS name".to_owned(), word.to_owned());
                }
            }
        }
    }

    /// Reports a type, a field or a word that this version does not have. `noun` is "type", "field" or "word".
    fn name(&mut self, noun: &str, name: &str, at: &str) {
        let dots = name.matches('.').count();
        if labels(name) >= 3 {
            let listed =
                |extension: &String| name.strip_prefix(extension.as_str()).is_some_and(|rest| rest.starts_with('.'));
            if !self.announced.extensions.iter().any(listed) {
                let expected = format!("a {noun} whose prefix is in `extensions`");
                self.find("extension.listed", at, expected, name.to_owned());
            }
        } else if dots >= 2 || !self.announced.later {
            let version = insight_protocol::PROTOCOL_VERSION;
            let of = match noun {
                "word" => format!(" of {}", self.described("")),
                _ if self.path.is_empty() => String::new(),
                _ => format!(" of {}", self.described("")),
            };
            let example = name.trim_start_matches('.');
            let expected = format!(
                "a {noun}{of} that version {version} has, or one of an extension, such as `com.example.{example}`"
            );
            self.find("extension.words", at, expected, format!("`{name}`"));
        }
    }

    /// The path of the present field, or of its field `name`.
    fn described(&self, name: &str) -> String {
        let path: Vec<&str> = self.path.iter().map(String::as_str).chain(Some(name)).collect();
        format!("`{}`", path.join(".").trim_end_matches('.'))
    }
}

/// Number of labels of a reverse-DNS name, or 0 if the text is not such a name.
fn labels(name: &str) -> usize {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let label = |label: &str| !label.is_empty() && label.bytes().all(allowed);
    if name.split('.').all(label) { name.split('.').count() } else { 0 }
}

/// The fields of an object in their order, with undecoded values.
struct Fields<'l>(Vec<(Cow<'l, str>, &'l RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'de>, D::Error> {
        #[derive(Deserialize)]
        struct Name<'l>(#[serde(borrow)] Cow<'l, str>);

        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests;
