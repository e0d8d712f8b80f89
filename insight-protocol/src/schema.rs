//! The JSON Schemas of the protocol in schema/, made from the wire types.
//!
//! The types define the messages. Two transforms make two schemas of them: a strict one for producers, and an open one for
//! readers. Where a type needs keywords for the strict schema only, it has them in the keyword `x-emit`. They are merged
//! into the strict schema, and left out of the open one.

use crate::{MAX_NUMBER, Message, Problems, TaskTrace};
use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

mod openapi;
pub use openapi::openapi;

/// The start of the schemas' `$id`.
const ID: &str = "https://github.com/wish4/async-insight/schema/v1/";
/// r[extension.name]
const EXTENSION: &str = "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)+$";
/// A type, a field or an enum's word of an extension: r[extension.words]
const EXTENSION_WORD: &str = "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+){2,}$";

/// The schema for producers: only the names of this version, and types, fields and words of extensions.
pub fn emit() -> Value {
    let mut schema = root::<Message>(Contract::Serialize, Emit);
    name(&mut schema, "emit.schema.json", "A message, as a producer must send it");
    let mut branches = messages(&mut schema);
    let kind = json!({ "type": "string", "pattern": EXTENSION_WORD });
    other(&mut schema, &mut branches, "Extension", "A message of an extension.", kind, 1);
    finish(schema, branches)
}

/// The schema for readers, which also accepts later versions and extensions.
pub fn accept() -> Value {
    let mut schema = root::<Message>(Contract::Deserialize, Accept);
    name(&mut schema, "accept.schema.json", "A message, as a reader must take it");
    let mut branches = messages(&mut schema);
    let kind = json!({ "type": "string", "not": { "enum": Message::TYPES } });
    let description =
        "A message of a later version or of an extension: it is not an error, and a reader keeps or ignores it.";
    other(&mut schema, &mut branches, "Unknown", description, kind, 0);
    finish(schema, branches)
}

/// The reply to `/v1/problems`, as a reader must take it.
pub fn problems() -> Value {
    let mut schema = root::<Problems>(Contract::Deserialize, Accept);
    name(&mut schema, "problems.schema.json", "The reply to /v1/problems");
    sorted(schema.into())
}

/// The reply to `/v1/tasks/{id}/trace`, as a reader must take it.
pub fn trace() -> Value {
    let mut schema = root::<TaskTrace>(Contract::Deserialize, Accept);
    name(&mut schema, "trace.schema.json", "The reply to /v1/tasks/{id}/trace");
    sorted(schema.into())
}

fn root<T: JsonSchema>(contract: Contract, transform: impl Transform + Clone + Send + 'static) -> Schema {
    let mut settings = SchemaSettings::draft2020_12().with_transform(transform);
    settings.contract = contract;
    settings.into_generator().into_root_schema_for::<T>()
}

fn name(schema: &mut Schema, file: &str, title: &str) {
    schema.insert("$id".to_owned(), format!("{ID}{file}").into());
    schema.insert("title".to_owned(), title.into());
}

fn definitions(schema: &mut Schema) -> &mut Map<String, Value> {
    schema.get_mut("$defs").and_then(Value::as_object_mut).expect("the messages are definitions")
}

/// Gives each message its `type` and `seq`, and returns a reference to each.
///
/// schemars makes a branch with serde's tag next to a `$ref`. There, `additionalProperties` would apply to only one of the two,
/// so the tag is moved into the definition.
fn messages(schema: &mut Schema) -> Vec<Value> {
    let Some(Value::Array(branches)) = schema.remove("oneOf") else {
        unreachable!("a tagged enum has a branch a variant")
    };
    let definitions = definitions(schema);
    let mut references = Vec::new();
    for branch in branches {
        let tag = branch["properties"]["type"]["const"].clone();
        let name =
            branch["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")).expect("each variant is a type");
        let message = definitions.get_mut(name).expect("each reference is defined");
        // A reader must accept `seq` 0: it finds lost messages by the numbers. See r[stream.seq.loss].
        let least = if message["additionalProperties"] == false { 1 } else { 0 };
        message["title"] = tag.clone();
        message["properties"]["type"] = json!({ "const": tag });
        message["properties"]["seq"] = sequence(least);
        let required = message["required"].as_array_mut().expect("each message has a required field");
        required.splice(0..0, [json!("type"), json!("seq")]);
        references.push(reference(name));
    }
    references
}

/// Adds a branch for messages whose envelope alone is known.
fn other(schema: &mut Schema, branches: &mut Vec<Value>, name: &str, description: &str, kind: Value, least: u64) {
    let other = json!({
        "description": description,
        "type": "object",
        "properties": { "type": kind, "seq": sequence(least) },
        "required": ["type", "seq"],
        "additionalProperties": true,
    });
    definitions(schema).insert(name.to_owned(), other);
    branches.push(reference(name));
}

fn finish(mut schema: Schema, branches: Vec<Value>) -> Value {
    schema.insert("description".to_owned(), "One line of a stream. The field `type` names the message.".into());
    schema.insert("oneOf".to_owned(), branches.into());
    sorted(schema.into())
}

/// Sorts all keys, so that the text does not depend on serde_json's `preserve_order`, which another crate may enable.
fn sorted(mut schema: Value) -> Value {
    schema.sort_all_objects();
    schema
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn sequence(least: u64) -> Value {
    json!({
        "description": "The message's number in the stream: 1 in the first message, and one more in each.",
        "type": "integer",
        "minimum": least,
        "maximum": MAX_NUMBER,
    })
}

/// Makes the strict schema for producers.
#[derive(Clone)]
struct Emit;

impl Transform for Emit {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::Object(stricter)) = schema.remove("x-emit") {
            schema.ensure_object().extend(stricter);
        }
        transform_subschemas(self, schema);
        number(schema);
        close(schema);
    }
}

/// Makes the open schema for readers.
#[derive(Clone)]
struct Accept;

impl Transform for Accept {
    fn transform(&mut self, schema: &mut Schema) {
        schema.remove("x-emit");
        transform_subschemas(self, schema);
        number(schema);
        if schema.get("properties").is_some() {
            schema.insert("additionalProperties".to_owned(), true.into());
        }
    }
}

/// Adds the range of a number. schemars adds only the `format`, which is an annotation.
fn number(schema: &mut Schema) {
    let most = match schema.remove("format") {
        Some(format) if format == "uint32" => u64::from(u32::MAX),
        Some(format) if format == "uint64" => MAX_NUMBER,
        Some(format) => unreachable!("the protocol has no numbers of format {format}"),
        None => return,
    };
    schema.insert("maximum".to_owned(), most.into());
}

/// Allows no other fields than those of extensions, and no `null` for an optional field.
fn close(schema: &mut Schema) {
    let required = schema.remove("required");
    let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let mut required: Vec<Value> = required.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    // serde always writes a field that has a default, but the protocol does not require it.
    required.retain(|name| name.as_str().is_some_and(|name| fields[name].get("default").is_none()));
    for (name, field) in fields {
        if !required.iter().any(|required| required == name) {
            not_null(field);
        }
    }
    schema.insert("required".to_owned(), required.into());
    schema.insert("patternProperties".to_owned(), json!({ EXTENSION_WORD: true }));
    schema.insert("additionalProperties".to_owned(), false.into());
}

fn not_null(field: &mut Value) {
    if let Some(Value::Array(types)) = field.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            field["type"] = only.clone();
        }
    } else if let Some([only, null]) = field.get("anyOf").and_then(Value::as_array).map(Vec::as_slice) {
        if null["type"] == "null" {
            let target = only["$ref"].clone();
            let field = field.as_object_mut().expect("a schema with a keyword is an object");
            field.remove("anyOf");
            field.insert("$ref".to_owned(), target);
        }
    }
}

/// `x-emit` of an open enum: a word of this version, or of an extension.
pub(crate) fn open_enum(known: &[&str]) -> Value {
    json!({ "anyOf": [{ "enum": known }, { "pattern": EXTENSION_WORD }] })
}

/// `x-emit` of a list of extensions.
pub(crate) fn reverse_dns_names() -> Value {
    json!({ "items": { "type": "string", "pattern": EXTENSION } })
}

/// `x-emit` of the protocol version.
pub(crate) fn version() -> Value {
    json!({ "pattern": "^1\\.(0|[1-9][0-9]*)$" })
}

/// `x-emit` of a number that is counted from 1.
pub(crate) fn from_1() -> Value {
    json!({ "minimum": 1 })
}

/// `x-emit` of a text with a bound.
pub(crate) fn at_most_characters(count: usize) -> Value {
    json!({ "maxLength": count })
}

/// `x-emit` of a list with a bound.
pub(crate) fn at_most(items: usize) -> Value {
    json!({ "maxItems": items })
}
