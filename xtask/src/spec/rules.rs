//! The rules of SPEC.md. Each has an id, and its check is in conformance/requirements.toml.

use std::collections::{BTreeMap, BTreeSet};

/// The words for levels, the strongest first.
const WORDS: &[&str] = &["MUST", "SHOULD", "MAY"];

/// A rule of SPEC.md: a line `- r[id]`, and the indented lines below it.
struct Rule<'t> {
    id: &'t str,
    line: usize,
    text: String,
}

impl Rule<'_> {
    /// The strongest word of the rule. A rule without any binds like a MUST.
    fn level(&self) -> &'static str {
        WORDS.iter().find(|word| has_word(&self.text, word)).unwrap_or(&"MUST")
    }
}

/// A table of requirements.toml.
#[derive(Default)]
struct Requirement<'t> {
    line: usize,
    level: &'t str,
    who: &'t str,
    checks: Vec<&'t str>,
    uncheckable: &'t str,
}

/// The errors in the rules and their requirements, one line each. `source` returns the text of a file.
pub fn findings(spec: &str, requirements: &str, source: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let (rules, mut findings) = rules(spec);
    let requirements = match parse(requirements) {
        Ok(requirements) => requirements,
        Err(finding) => {
            findings.push(finding);
            return findings;
        }
    };
    for rule in &rules {
        match requirements.get(rule.id) {
            None => findings.push(format!("SPEC.md:{}: `{}` has no requirement", rule.line, rule.id)),
            Some(requirement) => {
                let wrong = wrong_with(requirement, rule, &source);
                findings.extend(
                    wrong.map(|wrong| format!("requirements.toml:{}: `{}` {wrong}", requirement.line, rule.id)),
                );
            }
        }
    }
    let known: BTreeSet<&str> = rules.iter().map(|rule| rule.id).collect();
    let unknown = requirements.iter().filter(|(id, _)| !known.contains(*id));
    findings.extend(unknown.map(|(id, r)| format!("requirements.toml:{}: SPEC.md has no rule `{id}`", r.line)));
    findings
}

/// The differences between the rules that the cases of the suite name, and the rules with a check `suite:`, one line each.
pub fn suite_findings(requirements: &str, of_cases: &BTreeSet<&str>) -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    for (id, requirement) in parse(requirements)? {
        let listed = requirement.checks.iter().any(|check| check.starts_with("suite:"));
        let line = requirement.line;
        match (listed, of_cases.contains(id)) {
            (true, false) => findings.push(format!("requirements.toml:{line}: no case of the suite names `{id}`")),
            (false, true) => {
                findings.push(format!("requirements.toml:{line}: a case of the suite names `{id}`: add `suite:{id}`"));
            }
            (true, true) | (false, false) => {}
        }
    }
    Ok(findings)
}

/// The rules as a Rust table for programs that print them. [`findings`] has the errors in them.
pub fn table(spec: &str, requirements: &str) -> Result<String, String> {
    let (mut rules, _) = rules(spec);
    let requirements = parse(requirements)?;
    rules.sort_by_key(|rule| rule.id);
    let mut table = TABLE_START.to_owned();
    for rule in rules {
        let checks = requirements.get(rule.id).map_or(&[][..], |requirement| &requirement.checks);
        let has = |kind: &str| checks.iter().any(|check| check.starts_with(kind));
        let checked = match (has("lifecycle:"), has("strict:")) {
            (true, _) => "Always",
            (false, true) => "Strict",
            (false, false) => "Never",
        };
        let level = match rule.level() {
            "SHOULD" => "Should",
            "MAY" => "May",
            _ => "Must",
        };
        let text: Vec<&str> = rule.text.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
        let Rule { id, .. } = rule;
        table.push_str(&format!(
            "    Rule {{\n        id: {id:?},\n        level: Level::{level},\n        checked: Checked::{checked},\n        \
             text: {:?},\n    }},\n",
            text.join("\n")
        ));
    }
    table.push_str("];\n");
    Ok(table)
}

const TABLE_START: &str = "\
//! The rules of SPEC.md, in the order of their ids.
//!
//! Generated from SPEC.md and requirements.toml by `cargo xtask docs`. Change these files instead.

use crate::rule::{Checked, Level, Rule};

#[rustfmt::skip]
pub(crate) static RULES: &[Rule] = &[
";

fn rules(spec: &str) -> (Vec<Rule<'_>>, Vec<String>) {
    let mut rules: Vec<Rule> = Vec::new();
    let mut findings = Vec::new();
    let mut references = Vec::new();
    let mut in_rule = false;
    let mut in_block = false;
    for (line, number) in spec.lines().zip(1..) {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block {
        } else if let Some(id) = line.strip_prefix("- r[").and_then(|rest| rest.strip_suffix(']')) {
            if !well_formed(id) {
                findings.push(format!("SPEC.md:{number}: `{id}` is not dotted lower-case words"));
            }
            if rules.iter().any(|rule| rule.id == id) {
                findings.push(format!("SPEC.md:{number}: there is a rule `{id}` already"));
            }
            in_rule = true;
            rules.push(Rule { id, line: number, text: String::new() });
        } else {
            in_rule &= line.starts_with("  ");
            references.extend(references_in(line).map(|id| (number, id)));
            match rules.last_mut().filter(|_| in_rule) {
                Some(rule) => {
                    rule.text.push_str(line);
                    rule.text.push('\n');
                }
                None => findings.extend(
                    WORDS
                        .iter()
                        .filter(|word| has_word(line, word))
                        .map(|word| format!("SPEC.md:{number}: {word} outside of a rule with an id")),
                ),
            }
        }
    }
    let empty = rules.iter().filter(|rule| rule.text.is_empty());
    findings.extend(empty.map(|rule| format!("SPEC.md:{}: `{}` has no text", rule.line, rule.id)));
    let dangling = references.iter().filter(|(_, id)| !rules.iter().any(|rule| rule.id == *id));
    findings.extend(dangling.map(|(number, id)| format!("SPEC.md:{number}: there is no rule `{id}`")));
    (rules, findings)
}

/// Whether an id has at least two parts of lower-case letters and digits with dots between. A part may have hyphens.
fn well_formed(id: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    id.contains('.') && id.split(['.', '-']).all(part)
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|other| other == word)
}

/// The ids of the `r[id]` in a line.
fn references_in(line: &str) -> impl Iterator<Item = &str> {
    line.split("r[").skip(1).filter_map(|rest| Some(rest.split_once(']')?.0))
}

/// Parses the part of TOML that the file uses: `["id"]`, `key = "text"`, and `key = [` with one text per line.
fn parse(text: &str) -> Result<BTreeMap<&str, Requirement<'_>>, String> {
    let mut requirements: BTreeMap<&str, Requirement> = BTreeMap::new();
    let mut present: Option<&str> = None;
    let mut in_list = false;
    for (line, number) in text.lines().zip(1..) {
        let wrong = |message: &str| Err(format!("requirements.toml:{number}: {message}"));
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(id) = line.strip_prefix("[\"").and_then(|rest| rest.strip_suffix("\"]")) {
            if requirements.insert(id, Requirement { line: number, ..Requirement::default() }).is_some() {
                return wrong(&format!("there is a requirement of `{id}` already"));
            }
            present = Some(id);
            continue;
        }
        let Some(requirement) = present.and_then(|id| requirements.get_mut(id)) else {
            return wrong("a key before the first rule");
        };
        if in_list {
            if line == "]" {
                in_list = false;
            } else if let Some(check) = quoted(line.trim_start().trim_end_matches(',')) {
                requirement.checks.push(check);
            } else {
                return wrong("expected a text of the list");
            }
            continue;
        }
        match line.split_once(" = ").map(|(key, value)| (key, value, quoted(value))) {
            Some(("level", _, Some(level))) => requirement.level = level,
            Some(("who", _, Some(who))) => requirement.who = who,
            Some(("check", _, Some(check))) => requirement.checks.push(check),
            Some(("check", "[", _)) => in_list = true,
            Some(("uncheckable", _, Some(reason))) => requirement.uncheckable = reason,
            _ => return wrong("expected level, who, check or uncheckable"),
        }
    }
    Ok(requirements)
}

fn quoted(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains(['"', '\\']))
}

fn wrong_with(requirement: &Requirement, rule: &Rule, source: impl Fn(&str) -> Option<String>) -> Option<String> {
    let Requirement { level, who, checks, uncheckable, .. } = requirement;
    if *level != rule.level() {
        return Some(format!("is {} in SPEC.md, and `{level}` here", rule.level()));
    }
    if !["producer", "reader", "server"].contains(who) {
        return Some(format!("has `who = {who}`, which is not producer, reader or server"));
    }
    match (checks.is_empty(), uncheckable.is_empty()) {
        (true, true) => return Some("has neither a check nor a reason why there is none".to_owned()),
        (false, false) => return Some("has both a check and a reason why there is none".to_owned()),
        _ => {}
    }
    checks.iter().find_map(|check| {
        let of_rule = ["lifecycle:", "strict:", "suite:"].iter().find_map(|kind| check.strip_prefix(kind));
        if let Some(id) = of_rule {
            return (id != rule.id).then(|| format!("has the check of another rule, `{check}`"));
        }
        let found = check
            .split_once("::")
            .is_some_and(|(path, name)| source(path).is_some_and(|text| text.contains(&format!("fn {name}("))));
        (!found).then(|| format!("has the check `{check}`, and there is no such test"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "- r[task.once]\n  A task MUST end once,\n  and MAY begin.\n";
    const REQUIREMENTS: &str =
        "[\"task.once\"]\nlevel = \"MUST\"\nwho = \"producer\"\ncheck = \"lifecycle:task.once\"\n";

    fn all(spec: &str, requirements: &str) -> Vec<String> {
        findings(spec, requirements, |path| (path == "src/a.rs").then(|| "fn ends() {".to_owned()))
    }

    #[test]
    fn wrong_rule_of_the_spec_is_reported() {
        let check = |spec: &str, expect: &[&str]| assert_eq!(rules(spec).1, expect, "{spec}");
        check(SPEC, &[]);
        check("- r[a.b-c2]\n  It is r[a.b-c2].\n\nMUSTARD\n", &[]);
        check("```json\nMUST\n```\n", &[]);
        for id in ["task", "Task.once", "task..once", "task.once-", "task.on_ce", "task.2", ""] {
            check(&format!("- r[{id}]\n  So.\n"), &[&format!("SPEC.md:1: `{id}` is not dotted lower-case words")]);
        }
        check("- r[a.b]\n  So.\n- r[a.b]\n  So.\n", &["SPEC.md:3: there is a rule `a.b` already"]);
        check("- r[a.b]\n\n  So.\n", &["SPEC.md:1: `a.b` has no text"]);
        check("- r[a.b]\n  So.\nIt SHOULD.\n", &["SPEC.md:3: SHOULD outside of a rule with an id"]);
        check("- It MUST NOT.\n", &["SPEC.md:1: MUST outside of a rule with an id"]);
        check("See r[a.b].\n", &["SPEC.md:1: there is no rule `a.b`"]);
    }

    #[test]
    fn rule_of_a_case_has_the_suite_as_a_check() {
        let check = |requirements: &str, of_cases: &[&str], expect: &[&str]| {
            let findings = suite_findings(requirements, &of_cases.iter().copied().collect()).unwrap();
            assert_eq!(findings, expect, "{requirements}");
        };
        let listed = REQUIREMENTS.replace("lifecycle:", "suite:");
        check(&listed, &["task.once"], &[]);
        check(&listed, &[], &["requirements.toml:1: no case of the suite names `task.once`"]);
        check(REQUIREMENTS, &[], &[]);
        let missing = "requirements.toml:1: a case of the suite names `task.once`: add `suite:task.once`";
        check(REQUIREMENTS, &["task.once"], &[missing]);
    }

    #[test]
    fn table_has_each_rule_in_the_order_of_the_ids() {
        let spec = "- r[b.c]\n  It \"SHOULD\":\n  1. so;\n     or so.\n- r[a.b]\n  So.\n";
        let requirement = |id: &str, check: &str| format!("[\"{id}\"]\ncheck = \"{check}\"\n");
        let check = |checks: &str, expect: &str| {
            let table = table(spec, &(requirement("a.b", "src/a.rs::b") + &requirement("b.c", checks))).unwrap();
            let (_, rules) = table.split_once("= &[\n").unwrap();
            let rules = rules.replace("\n        ", " ").replace(",\n    }", " }");
            let expect = format!(
                "    Rule {{ id: \"a.b\", level: Level::Must, checked: Checked::Never, text: \"So.\" }},\n    Rule {{ id: \
                 \"b.c\", level: Level::Should, checked: Checked::{expect}, text: \"It \\\"SHOULD\\\":\\n1. so;\\n   or \
                 so.\" }},\n];\n"
            );
            assert_eq!(rules, expect);
        };
        check("lifecycle:b.c", "Always");
        check("strict:b.c", "Strict");
    }

    #[test]
    fn wrong_requirement_is_reported() {
        let check = |from: &str, to: &str, expect: &[&str]| {
            assert!(REQUIREMENTS.contains(from));
            let requirements = REQUIREMENTS.replace(from, to);
            assert_eq!(all(SPEC, &requirements), expect, "{requirements}");
        };
        check("", "", &[]);
        check("\"lifecycle:task.once\"", "\"src/a.rs::ends\"", &[]);
        check("\"lifecycle:task.once\"", "[\n    \"src/a.rs::ends\",\n    \"lifecycle:task.once\",\n]", &[]);
        check("lifecycle:task.once", "strict:task.once", &[]);
        check("lifecycle:task.once", "suite:task.once", &[]);
        check("check = \"lifecycle:task.once\"", "uncheckable = \"a reason\"", &[]);
        check(
            "task.once\"]",
            "task.twice\"]",
            &["SPEC.md:1: `task.once` has no requirement", "requirements.toml:1: SPEC.md has no rule `task.twice`"],
        );
        let wrong = |from: &str, to: &str, expect: &str| {
            check(from, to, &[&format!("requirements.toml:1: `task.once` {expect}")]);
        };
        wrong("MUST", "MAY", "is MUST in SPEC.md, and `MAY` here");
        wrong("producer", "nobody", "has `who = nobody`, which is not producer, reader or server");
        wrong("check = \"lifecycle:task.once\"", "", "has neither a check nor a reason why there is none");
        wrong("check =", "uncheckable = \"x\"\ncheck =", "has both a check and a reason why there is none");
        wrong("lifecycle:task.once", "lifecycle:task.end", "has the check of another rule, `lifecycle:task.end`");
        for gone in ["src/a.rs::end", "src/b.rs::ends", "ends"] {
            wrong("lifecycle:task.once", gone, &format!("has the check `{gone}`, and there is no such test"));
        }
        let key = "requirements.toml:2: expected level, who, check or uncheckable";
        check("level = \"MUST\"", "level = MUST", &[key]);
        check("level = \"MUST\"", "grade = \"MUST\"", &[key]);
        check("[\"task.once\"]\n", "", &["requirements.toml:1: a key before the first rule"]);
    }
}
