//! Checks of SPEC.md: its examples are messages, every message has an example, each rule has an id and a requirement.

mod rules;

use crate::process::{Result, read};
use insight_protocol::{Decoded, Message, decode};
use std::collections::BTreeSet;
use std::path::Path;

/// The errors in SPEC.md and in the requirements of its rules, one line each.
pub fn findings() -> Result<Vec<String>> {
    let spec = read(Path::new("SPEC.md"))?;
    let requirements = read(Path::new("conformance/requirements.toml"))?;
    let mut findings = findings_in(&spec);
    findings.extend(rules::findings(&spec, &requirements, |path| read(Path::new(path)).ok()));
    let of_cases = insight_conformance::cases().iter().flat_map(|case| case.rules);
    let of_cases = of_cases.chain(insight_conformance::RULES_OF_EACH_CASE).copied().collect();
    findings.extend(rules::suite_findings(&requirements, &of_cases)?);
    Ok(findings)
}

/// The rules of SPEC.md as the Rust table of the conformance checker.
pub fn rules_table() -> Result<String> {
    rules::table(&read(Path::new("SPEC.md"))?, &read(Path::new("conformance/requirements.toml"))?)
}

fn findings_in(text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut covered = BTreeSet::new();
    for (number, line) in examples(text) {
        let finding = match decode(line) {
            Ok(Decoded::Message { seq: 1.., message }) => {
                let unknown = unknown_fields(line, &message);
                covered.insert(message.type_name());
                if unknown.is_empty() {
                    continue;
                }
                format!("the example has fields that `{}` does not: {}", message.type_name(), unknown.join(", "))
            }
            Ok(Decoded::Message { .. }) => "the example's `seq` is not 1 or more".to_owned(),
            Ok(Decoded::Unknown { type_name, .. }) => format!("the example is of an unknown type `{type_name}`"),
            Err(error) => format!("the example is {error}"),
        };
        findings.push(format!("SPEC.md:{number}: {finding}"));
    }
    let missing = Message::TYPES.iter().filter(|type_name| !covered.contains(*type_name));
    findings.extend(missing.map(|type_name| format!("SPEC.md: `{type_name}` has no example")));
    findings
}

/// The lines of the ```json blocks, with their numbers.
fn examples(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        if line.starts_with("```") {
            inside = !inside && line == "```json";
            return None;
        }
        inside.then_some((number, line))
    })
}

/// The fields that the message does not have. A reader ignores them, so an example must not have any.
fn unknown_fields(line: &str, message: &Message) -> Vec<String> {
    let object = |json: &str| match serde_json::from_str(json) {
        Ok(serde_json::Value::Object(object)) => object,
        _ => serde_json::Map::new(),
    };
    let known = object(&insight_protocol::encode(1, message));
    object(line)
        .into_iter()
        .filter(|(name, value)| known.get(name) != Some(value) && name != "seq")
        .map(|(n, _)| n)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spec_is_correct() {
        assert_eq!(findings().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn wrong_example_is_reported() {
        let check = |example: &str, expect: &str| {
            let actual = findings_in(&format!("# SPEC\n```json\n{example}\n```\n"));
            assert_eq!(actual[0], expect);
        };
        check("{}", "SPEC.md:3: the example is not a message: missing field `type` (column 2)");
        check(
            r#"{"seq":1,"type":"snapshot.end"}"#,
            "SPEC.md:3: the example is malformed `snapshot.end`: missing field `at_ns` (column 31)",
        );
        check(r#"{"seq":1,"type":"dream"}"#, "SPEC.md:3: the example is of an unknown type `dream`");
        check(r#"{"seq":0,"type":"snapshot.end","at_ns":1}"#, "SPEC.md:3: the example's `seq` is not 1 or more");
        check(
            r#"{"seq":1,"type":"snapshot.end","at_ns":1,"end_ns":2}"#,
            "SPEC.md:3: the example has fields that `snapshot.end` does not: end_ns",
        );
        check(r#"{"seq":1,"type":"snapshot.end","at_ns":1}"#, "SPEC.md: `stream.header` has no example");
    }
}
