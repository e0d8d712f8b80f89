use super::*;
use insight_protocol::{Decoded, decode};
use jsonschema::Validator;
use std::path::{Path, PathBuf};

#[path = "../../../insight-protocol/tests/corpus/mod.rs"]
mod corpus;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/v1")
}

/// The lines of one folder of examples of the schema.
fn examples(name: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder().join("examples").join(name)).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts
        .flat_map(|text| match serde_json::from_str::<Value>(&text) {
            Ok(example) if example["rule"].is_string() => vec![example["line"].as_str().unwrap().to_owned()],
            _ => text.lines().map(str::to_owned).collect(),
        })
        .collect()
}

/// The rules that a line breaks, unless it does not decode.
fn broken(emit: &Emit, line: &str, announced: &Announced) -> Option<Vec<&'static str>> {
    let type_name = match decode(line).ok()? {
        Decoded::Message { message, .. } => message.type_name().to_owned(),
        Decoded::Unknown { type_name, .. } => type_name,
    };
    Some(emit.check(line, &type_name, announced).iter().map(|deviation| deviation.rule).collect())
}

/// Compares this module with the schema. Returns the number of lines that both accept, the number that both refuse, and the
/// number of exceptions: lines that only the decoder accepts, because a JSON parser has limits that JSON has not.
fn compare(lines: impl Iterator<Item = (&'static str, String)>) -> (usize, usize, usize) {
    let emit = Emit::new();
    let schema = std::fs::read_to_string(folder().join("emit.schema.json")).unwrap();
    let schema: Validator = jsonschema::draft202012::new(&serde_json::from_str(&schema).unwrap()).unwrap();
    let (mut sent, mut not_sent, mut excepted) = (0, 0, 0);
    for (kind, line) in lines {
        let Some(mut rules) = broken(&emit, &line, &Announced::default()) else { continue };
        // One line does not show whether an extension is listed, so the schema cannot check it.
        rules.retain(|rule| *rule != "extension.listed");
        let taken = serde_json::from_str(&line).is_ok_and(|value: Value| schema.is_valid(&value));
        let start: String = line.chars().take(2000).collect();
        match (rules.is_empty(), taken) {
            (true, true) => sent += 1,
            (false, false) => not_sent += 1,
            (true, false) if kind == "unread" => excepted += 1,
            _ => panic!("{kind}: the schema accepts: {taken}; broken rules: {rules:?}: {start}"),
        }
    }
    (sent, not_sent, excepted)
}

#[test]
fn findings_agree_with_emit_schema_json() {
    let examples = ["valid", "later", "invalid"].iter().flat_map(|name| examples(name));
    let (sent, not_sent, excepted) = compare(examples.map(|line| ("example", line)));
    assert!(sent >= 20 && not_sent >= 6 && excepted == 0, "{sent} {not_sent} {excepted}");
    let corpus = corpus::corpus().into_iter().map(|document| (document.kind, document.text));
    let (sent, not_sent, excepted) = compare(corpus);
    println!("{sent} accepted, {not_sent} refused, {excepted} exceptions");
    assert!(sent >= 300 && not_sent >= 300 && excepted > 0, "{sent} {not_sent} {excepted}");
}

#[test]
fn each_deviation_has_its_rule() {
    let emit = Emit::new();
    let check = |line: &str, expect: &[&str], later: &[&str]| {
        let mut announced = Announced { later: false, extensions: vec!["com.example".to_owned()] };
        assert_eq!(broken(&emit, line, &announced).as_deref(), Some(expect), "{line}");
        announced.later = true;
        assert_eq!(broken(&emit, line, &announced).as_deref(), Some(later), "of a later version: {line}");
    };
    let same = |line: &str, expect: &[&str]| check(line, expect, expect);
    same(r#"{"seq":1,"type":"snapshot.end","at_ns":1}"#, &[]);
    check(r#"{"seq":1,"type":"snapshot.end","at_ns":1,"cost":5}"#, &["extension.words"], &[]);
    check(r#"{"seq":1,"type":"task.dreamt"}"#, &["extension.words"], &[]);
    check(r#"{"seq":1,"type":"task.completed","id":4,"outcome":"eaten","at_ns":1}"#, &["extension.words"], &[]);
    same(r#"{"seq":1,"type":"snapshot.end","at_ns":1,"com.example.cost":5}"#, &[]);
    same(r#"{"seq":1,"type":"snapshot.end","at_ns":1,"com.examples.cost":5}"#, &["extension.listed"]);
    same(r#"{"seq":1,"type":"snapshot.end","at_ns":1,"com..cost":5}"#, &["extension.words"]);
    same(r#"{"seq":1,"type":"org.example.rain"}"#, &["extension.listed"]);
    same(r#"{"seq":1,"type":"com.example.rain","wet":[{"very":null}]}"#, &[]);
    same(r#"{"seq":1,"type":"task.completed","id":4,"outcome":"org.example.eaten","at_ns":1}"#, &["extension.listed"]);
    same(r#"{"seq":1,"type":"task.spawned","id":4,"kind":"task","parent":null,"at_ns":1}"#, &["framing.null.not-sent"]);
    same(r#"{"seq":1,"type":"define.location","id":1,"file":"a.rs","line":0,"column":1}"#, &["malformed.known-type"]);
    same(r#"{"seq":0,"type":"snapshot.end","at_ns":1}"#, &["stream.seq.plus-one"]);
}
