//! Compares schema/v1 with the types, its examples with the schemas, and the schemas with the decoder.
#![cfg(feature = "schema")]

use insight_protocol::examples::examples;
use insight_protocol::{Decoded, Message, decode, encode, schema};
use jsonschema::Validator;
use serde_json::Value;
use std::path::{Path, PathBuf};

mod corpus;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/v1")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of one folder of examples, in order.
fn files(name: &str) -> Vec<(String, String)> {
    let folder = folder().join("examples").join(name);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), read(path))).collect()
}

fn committed(name: &str) -> Validator {
    let schema: Value = serde_json::from_str(&read(&folder().join(name))).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// Whether the schema accepts a line. A line that is not JSON is refused.
fn accepts(schema: &Validator, line: &str) -> bool {
    serde_json::from_str(line).is_ok_and(|value: Value| schema.is_valid(&value))
}

#[test]
fn committed_schemas_match_the_types() {
    for (name, expect) in [
        ("emit.schema.json", schema::emit()),
        ("accept.schema.json", schema::accept()),
        ("problems.schema.json", schema::problems()),
        ("openapi.json", schema::openapi()),
    ] {
        assert!(read(&folder().join(name)) == format!("{expect:#}\n"), "{name}: run `cargo xtask schema`");
        if name != "openapi.json" {
            assert!(jsonschema::meta::is_valid(&expect), "{name} is a schema");
        }
    }
}

#[test]
fn every_reference_of_the_openapi_document_is_defined() {
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(object) => {
                if let Some(path) = object.get("$ref") {
                    let pointer = path.as_str().unwrap().strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{path}");
                }
                object.values().for_each(|value| check(value, document));
            }
            Value::Array(items) => items.iter().for_each(|value| check(value, document)),
            _ => {}
        }
    }
    let document = schema::openapi();
    check(&document, &document);
    let mut message = document["components"]["schemas"]["Message"].clone();
    message["components"] = document["components"].clone();
    let message = jsonschema::draft202012::new(&message).unwrap();
    assert!(examples().iter().all(|example| accepts(&message, &encode(1, example))));
}

#[test]
fn valid_examples_are_valid_and_cover_every_type() {
    let (emit, accept) = (committed("emit.schema.json"), committed("accept.schema.json"));
    let files = files("valid");
    for type_name in Message::TYPES {
        assert!(files.iter().any(|(name, text)| name == type_name && !text.is_empty()), "{type_name}");
    }
    for (name, text) in &files {
        for (line, number) in text.lines().zip(1..) {
            let value: Value = serde_json::from_str(line).unwrap();
            let errors: Vec<String> = emit.iter_errors(&value).map(|error| error.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new(), "{line}");
            assert!(accept.is_valid(&value), "{line}");
            let Ok(Decoded::Message { seq, message }) = decode(line) else { panic!("{line}") };
            assert_eq!((seq, message.type_name()), (number, name.as_str()));
            assert_eq!(encode(seq, &message), line);
        }
    }
}

#[test]
fn examples_of_later_versions_are_accepted_and_not_emitted() {
    let (emit, accept) = (committed("emit.schema.json"), committed("accept.schema.json"));
    for (_, text) in files("later") {
        for line in text.lines() {
            assert_eq!((accepts(&emit, line), accepts(&accept, line)), (false, true), "{line}");
            assert!(decode(line).is_ok(), "{line}");
        }
    }
}

#[test]
fn invalid_examples_are_refused_by_the_schema_and_by_the_decoder_for_the_stated_rule() {
    let accept = committed("accept.schema.json");
    let spec = read(&folder().join("../../SPEC.md"));
    let files = files("invalid");
    assert!(files.len() >= 15);
    for (name, text) in files {
        let example: Value = serde_json::from_str(&text).unwrap();
        let line = example["line"].as_str().unwrap();
        let error = decode(line).expect_err(&name);
        assert_eq!(error.rule(), example["rule"], "{name}: {error}");
        assert!(spec.contains(&format!("r[{}]", error.rule())), "{name}: SPEC.md has no rule {}", error.rule());
        let excepted = example.get("schema_accepts_because").is_some();
        assert_eq!(accepts(&accept, line), excepted, "{name}");
    }
}

#[test]
fn emit_accepts_only_names_of_version_1_and_of_extensions() {
    let emit = committed("emit.schema.json");
    let check = |line: &str, expect: bool| assert_eq!(accepts(&emit, line), expect, "{line}");
    check(r#"{"seq":1,"type":"task.completed","id":4,"outcome":"com.example.evicted","at_ns":1}"#, true);
    check(r#"{"seq":1,"type":"task.completed","id":4,"outcome":"evicted","at_ns":1}"#, false);
    check(r#"{"seq":1,"type":"task.completed","id":4,"outcome":"returned","at_ns":1,"com.example.cost":[5]}"#, true);
    check(r#"{"seq":1,"type":"task.completed","id":4,"outcome":"returned","at_ns":1,"cost":5}"#, false);
    check(r#"{"seq":1,"type":"com.example.weather","sun":true}"#, true);
    check(r#"{"seq":1,"type":"task.dreamt"}"#, false);
    check(r#"{"seq":0,"type":"snapshot.end","at_ns":1}"#, false);
    check(r#"{"seq":1,"type":"task.spawned","id":4,"kind":"task","parent":null,"at_ns":1}"#, false);
    check(r#"{"seq":1,"type":"define.location","id":1,"file":"a.rs","line":0,"column":1}"#, false);
}

/// The allowed differences between schema and decoder, by the kind of the change, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("twice", "JSON Schema gets an object after its parser has dropped one of the fields; r[framing.field-once]"),
    ("lexical", "JSON Schema gets a number, not its spelling; r[number.range]"),
    (
        "unread",
        "the decoder skips unknown fields and messages, and a JSON parser has limits that JSON has not: of \
         nesting, of numbers, of text that is not Unicode; r[unknown.field]",
    ),
];

#[test]
fn schema_and_decoder_accept_the_same() {
    let (emit, accept) = (committed("emit.schema.json"), committed("accept.schema.json"));
    let corpus = corpus::corpus();
    let mut used = vec![0; EXCEPTIONS.len()];
    let (mut accepted, mut refused) = (0, 0);
    for document in &corpus {
        let line = document.text.as_str();
        let decoded = decode(line);
        let (schema, decoder) = (accepts(&accept, line), decoded.is_ok());
        if schema != decoder {
            let exception = EXCEPTIONS.iter().position(|(kind, _)| *kind == document.kind);
            let exception = exception.unwrap_or_else(|| {
                let line: String = line.chars().take(2000).collect();
                panic!("{}: the schema accepts: {schema}; the decoder: {decoded:?}: {line}", document.kind)
            });
            used[exception] += 1;
        }
        assert!(schema || !accepts(&emit, line), "emit accepts it, and accept refuses it: {line}");
        if let Ok(Decoded::Message { seq, message }) = decoded {
            let again = encode(seq, &message);
            assert_eq!(decode(&again), Ok(Decoded::Message { seq, message }), "{line}");
        }
        *if decoder { &mut accepted } else { &mut refused } += 1;
    }
    for ((kind, _), count) in EXCEPTIONS.iter().zip(&used) {
        assert!(*count > 0, "the exception `{kind}` is not needed");
    }
    println!("{} documents: {accepted} accepted, {refused} refused, {used:?} by exception", corpus.len());
    assert!(corpus.len() >= 300 && accepted >= 300 && refused >= 300);
}
