//! The file of the known failures of an adapter.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The known failures of one adapter: for each case its reason.
///
/// A case of the baseline that fails is reported and does not fail the suite. If it passes or does not run, its entry is stale,
/// and fails the suite. So does an entry for a case that the suite does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    reasons: BTreeMap<String, String>,
}

/// A baseline that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BaselineError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1; 0 if the file could not be read.
    pub line: usize,
    /// The fault in it.
    pub message: String,
}

impl fmt::Display for BaselineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BaselineError { path, line, message } = self;
        match line {
            0 => write!(f, "cannot read {}: {message}", path.display()),
            line => write!(f, "{}:{line}: {message}", path.display()),
        }
    }
}

impl std::error::Error for BaselineError {}

impl Baseline {
    /// Reads the table `[suite]` of a file in TOML. Without the file or the table, nothing is known to fail.
    ///
    /// ```toml
    /// [conformance]
    /// "lock.mutex.released" = "the hold ends after the release: issue 12"
    /// ```
    pub fn read(path: impl AsRef<Path>, suite: &str) -> Result<Baseline, BaselineError> {
        let path = path.as_ref();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Baseline::default()),
            Err(error) => return Err(BaselineError { path: path.into(), line: 0, message: error.to_string() }),
        };
        let wrong = |(line, message)| BaselineError { path: path.into(), line, message };
        Baseline::parse(&text, suite).map_err(wrong)
    }

    /// Parses the part of TOML that a baseline needs: tables, and strings under quoted or dotted keys.
    fn parse(text: &str, suite: &str) -> Result<Baseline, (usize, String)> {
        let mut baseline = Baseline::default();
        let mut table = None;
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                table = Some(name.trim());
                continue;
            }
            let wrong = |message: &str| Err((number, message.to_owned()));
            let Some((id, reason)) = entry(line) else { return wrong("expected `\"case\" = \"reason\"`") };
            if reason.trim().is_empty() {
                return wrong("a known failure needs a reason");
            }
            match table {
                None => {
                    return wrong(
                        "an entry before the first table: a table has the name of a suite, such as [conformance]",
                    );
                }
                Some(table) if table != suite => {}
                Some(_) if baseline.reasons.contains_key(id) => {
                    return wrong("there is an entry for this case already");
                }
                Some(_) => drop(baseline.reasons.insert(id.to_owned(), reason.to_owned())),
            }
        }
        Ok(baseline)
    }

    /// The reason why the case fails; `None` if it must not.
    pub fn reason(&self, case: &str) -> Option<&str> {
        self.reasons.get(case).map(String::as_str)
    }

    /// The entries for cases that the suite does not have.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.reasons.keys().map(String::as_str).filter(|id| crate::case(id).is_none())
    }
}

/// The key and the value of a line.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    let key = quoted(key).unwrap_or(key);
    let value = value.trim_start();
    // A comment may follow.
    let end = value.get(1..)?.find('"')? + 2;
    let rest = value[end..].trim_start();
    let is_key = !key.is_empty() && !key.contains(['"', ' ']);
    (is_key && (rest.is_empty() || rest.starts_with('#'))).then_some((key, quoted(&value[..end])?))
}

fn quoted(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baseline_has_the_entries_of_its_table() {
        let check = |text: &str, expect: Result<&[(&str, &str)], (usize, &str)>| {
            let parsed = Baseline::parse(text, "one");
            let parsed = parsed.map(|it| it.reasons.into_iter().collect::<Vec<_>>());
            let owned = |(id, reason): &(&str, &str)| ((*id).to_owned(), (*reason).to_owned());
            let expect = expect.map(|entries| entries.iter().map(owned).collect::<Vec<_>>());
            assert_eq!(parsed, expect.map_err(|(line, message)| (line, message.to_owned())), "{text}");
        };
        check("", Ok(&[]));
        check("# none\n[one]\n\n", Ok(&[]));
        check("[one]\n\"task.ends\" = \"a = b\" # 12\n[two]\n\"task.wakes\" = \"x\"\n", Ok(&[("task.ends", "a = b")]));
        check("[two]\ntask.ends = \"x\"\n[one]\ntask.wakes = \"y\"", Ok(&[("task.wakes", "y")]));
        let form = "expected `\"case\" = \"reason\"`";
        for line in ["task.ends", "task.ends = x", "task.ends = \"x", "= \"x\"", "task.ends = \"x\" y", "a b = \"x\""] {
            check(&format!("[one]\n{line}\n"), Err((2, form)));
        }
        check("[one]\ntask.ends = \" \"", Err((2, "a known failure needs a reason")));
        check("[one]\na.b = \"x\"\n\"a.b\" = \"y\"", Err((3, "there is an entry for this case already")));
        let first = "an entry before the first table: a table has the name of a suite, such as [conformance]";
        check("task.ends = \"x\"", Err((1, first)));
    }

    #[test]
    fn entry_of_no_case_is_unknown() {
        let baseline = Baseline::parse("[one]\ntask.ends = \"x\"\ntask.gone = \"y\"", "one").unwrap();
        assert_eq!(baseline.unknown().collect::<Vec<_>>(), ["task.gone"]);
        assert_eq!(baseline.reason("task.ends"), Some("x"));
        assert_eq!(baseline.reason("task.wakes"), None);
    }
}
