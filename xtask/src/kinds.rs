//! The lists of kinds, operations and cases in documents, made from the lists of insight-model and insight-conformance.

use crate::process::{Result, read};
use insight_model::operation;
use insight_model::problem::{self, ALL, About};
use insight_model::resource_kind::{self, Ends};
use insight_protocol::{Capability, Operation};
use std::path::Path;

const MADE: &str = "made by `cargo xtask docs` from ";

/// The document with its present lists.
pub fn filled(path: &str) -> Result<String> {
    let text = read(Path::new(path))?;
    fill(&text).map_err(|why| format!("{path}: {why}"))
}

fn fill(text: &str) -> Result<String> {
    let is_measured = |about: &&&About| problem::is_measured(&about.kind);
    let parts = [
        ("resource kinds", "insight-model/src/resource_kind", resource_kinds()),
        ("operations", "insight-model/src/operation.rs", operations()),
        ("kinds", "insight-model/src/problem", problem_kinds()),
        (
            "stuck kinds",
            "insight-model/src/problem",
            ALL.iter().filter(|it| !is_measured(it)).map(|about| line(about)).collect(),
        ),
        (
            "measured kinds",
            "insight-model/src/problem",
            ALL.iter().filter(is_measured).map(|about| line(about)).collect::<String>(),
        ),
        ("cases", "conformance/src/cases.rs", cases()),
    ];
    let (mut text, mut found) = (text.to_owned(), 0);
    for (name, source, part) in parts {
        let (begin, end) = (format!("<!-- {name}: {MADE}{source} -->\n"), format!("\n<!-- end of {name} -->"));
        let Some(start) = text.find(&begin).map(|at| at + begin.len()) else { continue };
        let length = text[start..].find(&end).ok_or(format!("`{name}` has no end"))?;
        text.replace_range(start..start + length, &format!("\n{part}"));
        found += 1;
    }
    if found == 0 { Err("it has no list of kinds".to_owned()) } else { Ok(text) }
}

/// The table of the kinds of problems in SPEC.md.
fn problem_kinds() -> String {
    let row = |about: &&About| {
        let About { kind, tiers, severities, says, .. } = about;
        format!("| `{kind}` | {tiers} | {severities} | {says} |\n")
    };
    let rows: String = ALL.iter().map(row).collect();
    format!("| kind | tiers | severity | meaning |\n|---|---|---|---|\n{rows}")
}

/// The table of the kinds of resources in SPEC.md.
fn resource_kinds() -> String {
    let rows = resource_kind::ALL.iter().map(|(kind, definition)| {
        let parties = match definition.ends {
            Ends::None => "",
            Ends::Handles => "`sender`, `receiver`",
            Ends::Joined => "`joined`",
        };
        format!("| `{kind}` | {} | {parties} |\n", definition.says)
    });
    format!("| kind | | parties |\n|---|---|---|\n{}", rows.collect::<String>())
}

/// The table of the operations in SPEC.md.
fn operations() -> String {
    let row = |(operation, definition): (Operation, &operation::Definition)| {
        format!("| `{operation}` | {} | {} |\n", definition.says, definition.unblocked_by)
    };
    format!("| operation | | unblocked by |\n|---|---|---|\n{}", operation::ALL.iter().map(row).collect::<String>())
}

/// The table of the cases of the suite for adapters.
fn cases() -> String {
    let rows = insight_conformance::cases().iter().map(|case| {
        let needs = code(case.capabilities.iter().map(Capability::as_str));
        let rules = code(case.rules.iter().copied());
        format!("| `{}` | {} | {needs} | {rules} | {} |\n", case.id, case.sentence, case.since)
    });
    format!("| case | | needs | rules | since |\n|---|---|---|---|---|\n{}", rows.collect::<String>())
}

/// Words as code, with commas between.
fn code<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The line of a kind on the documentation's first page.
fn line(about: &About) -> String {
    format!("- {}: [{}]({}.md).\n", about.symptom, about.called, about.page())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hangs;
    use std::collections::BTreeSet;

    #[test]
    fn list_is_filled_between_its_marks() {
        let document = |list: &str| {
            format!(
                "# A\n\n<!-- stuck kinds: {MADE}insight-model/src/problem -->\n{list}\n<!-- end of stuck kinds -->\n\nmore\n"
            )
        };
        let once = fill(&document("")).unwrap();
        assert!(once.contains("\n- Tasks wait for each other: [deadlock](deadlock.md).\n"), "{once}");
        assert!(!once.contains("large future"), "{once}");
        assert_eq!(fill(&once), Ok(once.clone()));
        assert_eq!(fill(&document("old\n")), Ok(once));
        assert_eq!(fill("nothing"), Err("it has no list of kinds".to_owned()));
        assert!(
            fill(&format!("<!-- kinds: {MADE}insight-model/src/problem -->\n")).unwrap_err().contains("has no end")
        );
    }

    /// insight-model tests the texts of each kind, and `docs --check` the lists in documents.
    #[test]
    fn each_kind_has_its_page_its_tests_and_a_program_of_the_corpus() {
        let programs: BTreeSet<String> = hangs::kinds().unwrap();
        for about in ALL {
            let page = format!("docs/{}.md", about.page());
            assert!(read(Path::new(&page)).is_ok_and(|text| text.starts_with("# ")), "there is no {page}");
            let tests = match problem::is_measured(&about.kind) {
                true => format!("insight-model/tests/health/{}.rs", about.kind),
                false => "insight-model/tests/model/diagnose.rs".to_owned(),
            };
            let tried = read(Path::new(&tests)).is_ok_and(|text| text.contains(&format!("{} ", about.kind)));
            assert!(tried, "{tests} has no {}", about.kind);
            assert!(programs.contains(about.kind.as_str()), "no program of the corpus has a {}", about.kind);
        }
    }
}
