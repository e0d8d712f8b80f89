use crate::one_pass::{OnePass, Read};
use crate::strict::{self, Broken, Note, Noted, Strict};
use crate::{Message, in_place};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::io::Write;

/// The content of a line.
#[expect(clippy::large_enum_variant, reason = "nearly all are messages: a box would be an allocation for each line")]
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// A message of a type that this version names.
    Message {
        /// Its number in the stream.
        seq: u64,
        /// The message.
        message: Message,
    },
    /// A message of a later version or of an extension. It is not an error: keep it, or ignore it.
    Unknown {
        /// Its number in the stream.
        seq: u64,
        /// Its `type`.
        type_name: String,
        /// The whole line.
        line: String,
    },
}

/// A line that is not a message. The stream continues with the next line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not a JSON object with a string `type` and a number `seq`.
    NotAMessage {
        /// The ID of the rule of SPEC.md that the line breaks.
        rule: &'static str,
        /// The JSON reader's description of the fault.
        reason: String,
        /// The column, from 1.
        column: usize,
    },
    /// A known type with a field that is missing, occurs twice, or has a wrong value.
    Malformed {
        /// The `type`.
        type_name: String,
        /// The ID of the rule of SPEC.md that the line breaks.
        rule: &'static str,
        /// The JSON reader's description of the fault.
        reason: String,
        /// The column, from 1.
        column: usize,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::NotAMessage { reason, column, .. } => {
                write!(f, "not a message: {reason} (column {column})")
            }
            DecodeError::Malformed { type_name, reason, column, .. } => {
                write!(f, "malformed `{type_name}`: {reason} (column {column})")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

impl DecodeError {
    /// The ID of the rule of SPEC.md that the line breaks.
    pub fn rule(&self) -> &'static str {
        let (DecodeError::NotAMessage { rule, .. } | DecodeError::Malformed { rule, .. }) = self;
        rule
    }

    /// Makes an error outside of the fields of a known type.
    fn not_a_message(error: &serde_json::Error, broken: Option<Broken>) -> DecodeError {
        // A data error means that the JSON is valid, and that a value has another type.
        let has_shape = error.classify() == Category::Data;
        let rule = of_field(broken).unwrap_or(match broken {
            None if !has_shape => "framing.message",
            _ => "framing.envelope",
        });
        DecodeError::NotAMessage { rule, reason: reason(error), column: error.column() }
    }

    fn malformed(type_name: String, error: &serde_json::Error, broken: Option<Broken>) -> DecodeError {
        let rule = of_field(broken).unwrap_or("malformed.known-type");
        DecodeError::Malformed { type_name, rule, reason: reason(error), column: error.column() }
    }
}

/// The rule that a fault in one field breaks.
fn of_field(broken: Option<Broken>) -> Option<&'static str> {
    match broken? {
        Broken::FieldTwice => Some("framing.field-once"),
        Broken::UnknownWord => Some("enum.closed"),
        Broken::NumberRange => Some("number.range"),
        Broken::IdRange => Some("id.range"),
        Broken::Shape => None,
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    type_name: Cow<'a, str>,
    seq: u64,
}

/// Decodes an object that `accept.schema.json` accepts.
fn read<'de, T>(
    json: &'de str,
    note: &Note,
    read: impl FnOnce(Fields<'de, '_, '_>) -> Result<T, Noted<serde_json::Error>>,
) -> Result<T, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let value = strict::read(&mut reader, note, read)?;
    reader.end()?;
    Ok(value)
}

type Reader<'de> = serde_json::Deserializer<serde_json::de::StrRead<'de>>;
type Fields<'de, 'r, 'n> = Strict<'n, &'r mut Reader<'de>>;

/// Decodes one line, with or without its line end.
///
/// Unknown fields are skipped, and of an unknown type all fields but `type` and `seq`. So they may contain anything that
/// ends as JSON does, even a field that occurs twice. Skipping takes no stack, however deep they are nested. [`keep`]
/// passes them on.
pub fn decode(line: &str) -> Result<Decoded, DecodeError> {
    let line = line.trim_end_matches(['\n', '\r']);
    if !line.trim_start().starts_with('{') {
        // serde would accept an array for a struct.
        let reason = "expected a JSON object".to_owned();
        return Err(DecodeError::NotAMessage { rule: "framing.message", reason, column: 1 });
    }
    if let Some((seq, message)) = in_place::read(line) {
        return Ok(Decoded::Message { seq, message });
    }
    let (seq, type_name, message) = match read(line, &Note::default(), |fields| fields.deserialize_map(OnePass)) {
        Ok(read) => read,
        Err(_) => in_two_passes(line)?,
    };
    Ok(match message {
        Some(message) => Decoded::Message { seq, message },
        None => Decoded::Unknown { seq, type_name: type_name.into_owned(), line: line.to_owned() },
    })
}

fn in_two_passes(line: &str) -> Result<Read<'_>, DecodeError> {
    let note = Note::default();
    let Envelope { type_name, seq } = read(line, &note, |fields| Envelope::deserialize(fields))
        .map_err(|error| DecodeError::not_a_message(&error, note.broken()))?;
    match read(line, &note, |fields| Message::of_type(&type_name, fields)) {
        Ok(message) => Ok((seq, type_name, message)),
        Err(error) => Err(DecodeError::malformed(type_name.into_owned(), &error, note.broken())),
    }
}

/// A line with its decoded content. [`encode`](Kept::encode) passes it on with all unknown fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept<'a> {
    /// The decoded content of the line.
    pub decoded: Decoded,
    /// The parts of the line before and after the digits of its `seq`.
    around_seq: (&'a str, &'a str),
}

/// Decodes one line to pass it on. It reads the line once more than [`decode`].
pub fn keep(line: &str) -> Result<Kept<'_>, DecodeError> {
    #[derive(Deserialize)]
    struct Seq<'a> {
        #[serde(borrow)]
        seq: &'a RawValue,
    }
    let line = line.trim_end_matches(['\n', '\r']);
    let decoded = decode(line)?;
    let Seq { seq } = serde_json::from_str(line).map_err(|error| DecodeError::not_a_message(&error, None))?;
    let start = seq.get().as_ptr().addr() - line.as_ptr().addr();
    Ok(Kept { decoded, around_seq: (&line[..start], &line[start + seq.get().len()..]) })
}

impl Kept<'_> {
    /// The line with this number, and without its line end. All other bytes are the same.
    pub fn encode(&self, seq: u64) -> String {
        let (before, after) = self.around_seq;
        format!("{before}{seq}{after}")
    }
}

/// serde_json's text without its "at line 1 column 7". A message is one line, and the error has the column itself.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

/// The message as JSON without its number and its opening brace. The streams of several clients share this part.
pub fn body(message: &Message) -> String {
    let mut out = Vec::new();
    body_to(&mut out, message);
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn body_to(out: &mut Vec<u8>, message: &Message) {
    if !in_place::write(out, message) {
        let start = out.len();
        serde_json::to_writer(&mut *out, message).expect("a message has string keys and finite numbers only");
        out.remove(start);
    }
}

/// A line without its line end, from a message's number and its [`body`].
pub fn line(seq: u64, body: &str) -> String {
    format!("{{\"seq\":{seq},{body}")
}

/// The message as one line, without its line end.
pub fn encode(seq: u64, message: &Message) -> String {
    let mut out = Vec::new();
    encode_to(&mut out, seq, message);
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Appends the message as one line in UTF-8, without its line end. It writes many lines without a copy of each.
pub fn encode_to(out: &mut Vec<u8>, seq: u64, message: &Message) {
    write!(out, "{{\"seq\":{seq},").expect("a vector takes all");
    body_to(out, message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::examples;

    #[test]
    fn every_type_decodes_to_what_was_encoded() {
        for message in examples() {
            let line = encode(3, &message);
            assert_eq!(decode(&line), Ok(Decoded::Message { seq: 3, message }), "{line}");
        }
        let mut covered: Vec<&str> = examples().iter().map(Message::type_name).collect();
        covered.dedup();
        assert_eq!(covered, Message::TYPES, "an example of each type, in order");
    }

    #[test]
    fn one_pass_accepts_the_same_lines_as_two() {
        let check = |line: &str| {
            let two = in_two_passes(line);
            if let Some((seq, message)) = in_place::read(line) {
                let type_name = Cow::Borrowed(message.type_name());
                assert_eq!(Ok((seq, type_name, Some(message))), two, "{line}");
            }
            match (read(line, &Note::default(), |fields| fields.deserialize_map(OnePass)), two) {
                (Ok(one), two) => assert_eq!(Ok(one), two, "{line}"),
                // Another order of fields, or a name with an escape in it.
                (Err(_), two) => {
                    assert!(
                        !line.starts_with("{\"seq\":3,\"type\":\"") || line.contains('\\') || two.is_err(),
                        "{line}"
                    );
                }
            }
        };
        for message in examples() {
            let line = encode(3, &message);
            check(&line);
            for (at, _) in line.char_indices() {
                let (before, after) = line.split_at(at);
                let numbers = ["0", "9007199254740992"];
                let marks = ["", " ", "\"", ",", "{", "\\", "null"];
                let fields = ["\"seq\":3,", "\"type\":\"gap\",", "\"new\":[{}],"];
                for put in [&numbers[..], &marks, &fields].concat() {
                    check(&format!("{before}{put}{after}"));
                    check(&format!(
                        "{before}{put}{}",
                        after.split_at(after.chars().next().map_or(0, char::len_utf8)).1
                    ));
                }
            }
        }
    }

    #[test]
    fn unknown_is_kept_and_malformed_is_reported() {
        let check = |line: &str, expect: &str| {
            let actual = match decode(line) {
                Ok(Decoded::Message { message, .. }) => message.type_name().to_owned(),
                Ok(Decoded::Unknown { type_name, .. }) => format!("unknown {type_name}"),
                Err(error) => error.to_string(),
            };
            assert_eq!(actual, expect, "{line}");
        };
        check(r#"{"type":"task.completed","seq":1,"id":1,"outcome":"returned","at_ns":5}"#, "task.completed");
        check(r#"{"type":"task.completed","seq":1,"id":1,"outcome":"vanished","at_ns":5,"new":[1]}"#, "task.completed");
        check(r#"{"type":"task.dreamt","seq":1,"of":"sheep"}"#, "unknown task.dreamt");
        check("hello", "not a message: expected a JSON object (column 1)");
        check("", "not a message: expected a JSON object (column 1)");
        check(r#"["gap",1]"#, "not a message: expected a JSON object (column 1)");
        check("{]", "not a message: key must be a string (column 2)");
        check(r#"{"seq":1}"#, "not a message: missing field `type` (column 9)");
        check(r#"{"type":"gap","seq":1}"#, "malformed `gap`: missing field `count` (column 22)");
        check(
            r#"{"type":"snapshot.end","seq":1,"at_ns":-1}"#,
            "malformed `snapshot.end`: invalid value: integer `-1`, expected u64 (column 41)",
        );
        check(
            r#"{"type":"snapshot.end","seq":1,"at_ns":1,"at_ns":2}"#,
            "malformed `snapshot.end`: duplicate field `at_ns` (column 48)",
        );
    }

    #[test]
    fn unknown_fields_are_kept_byte_for_byte() {
        let check = |line: &str, expect: &str| {
            assert_eq!(keep(line).map(|kept| kept.encode(907)), Ok(expect.to_owned()), "{line}");
        };
        check(
            r#"{"new":[1e999, "\u0061"],"type":"snapshot.end", "seq" : 12 ,"at_ns":1,"\"seq\":12":0}"#,
            r#"{"new":[1e999, "\u0061"],"type":"snapshot.end", "seq" : 907 ,"at_ns":1,"\"seq\":12":0}"#,
        );
        check(
            "{\"seq\":3,\"type\":\"task.dreamt\",\"of\":\"naïve\"}\r\n",
            "{\"seq\":907,\"type\":\"task.dreamt\",\"of\":\"naïve\"}",
        );
        for message in examples() {
            check(&encode(1, &message), &encode(907, &message));
        }
        assert_eq!(keep("{").map(|kept| kept.decoded), decode("{"));
    }

    #[test]
    fn unknown_fields_may_have_any_depth() {
        for deep in
            ["[".repeat(200_000) + &"]".repeat(200_000), r#"{"a":"#.repeat(200_000) + "1" + &"}".repeat(200_000)]
        {
            let known = format!(r#"{{"seq":1,"type":"snapshot.end","at_ns":1,"deep":{deep}}}"#);
            assert!(matches!(decode(&known), Ok(Decoded::Message { .. })));
            let unknown = format!(r#"{{"seq":1,"type":"dream","deep":{deep}}}"#);
            assert!(matches!(decode(&unknown), Ok(Decoded::Unknown { .. })));
            let wrong = format!(r#"{{"seq":1,"type":"snapshot.end","at_ns":{deep}}}"#);
            assert!(matches!(decode(&wrong), Err(DecodeError::Malformed { .. })));
        }
        assert!(decode(&"[".repeat(200_000)).is_err());
        assert!(decode(&r#"{"a":"#.repeat(200_000)).is_err());
    }
}
