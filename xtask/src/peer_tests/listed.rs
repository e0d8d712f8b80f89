//! The tests that do not pass unchanged, each with its reason.

use super::Mode;
use crate::process::{Result, read};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

/// The content of a file of tables. An entry `[[listed]]` is a `test` (a file, or `file::test`) that fails, with the
/// `reason`, and with `recording` if it fails in one mode only. An entry `[[changed]]` is a `test` (a file) in which the text
/// `from` is replaced by `to`, with the `reason`.
pub struct Listed {
    entries: Vec<Entry>,
    changes: Vec<Entry>,
    /// The names that `has` was called with.
    used: RefCell<BTreeSet<String>>,
}

#[derive(Default)]
struct Entry {
    test: String,
    recording: Option<String>,
    from: String,
    to: String,
    reason: String,
}

impl Listed {
    pub fn read(path: &Path) -> Result<Listed> {
        parse(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Whether the test `name` is listed as failing.
    pub fn has(&self, name: &str, mode: Mode) -> bool {
        let Some(entry) = self.entries.iter().find(|entry| entry.test == name) else { return false };
        self.used.borrow_mut().insert(name.to_owned());
        entry.recording.as_deref().is_none_or(|recording| recording == mode.name())
    }

    /// The text of a test file with its changes.
    pub fn change(&self, file: &str, mut text: String) -> Result<String> {
        for change in self.changes.iter().filter(|change| change.test == file) {
            if !text.contains(&change.from) {
                return Err(format!("cannot change {file}: it has no `{}`", change.from));
            }
            text = text.replace(&change.from, &change.to);
        }
        Ok(text)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len() + self.changes.len()
    }

    /// The entries that belong to no file or test.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        let tests = self.entries.iter().map(|entry| &*entry.test);
        tests.filter(|test| !self.used.borrow().contains(*test))
    }
}

fn parse(text: &str) -> Result<Listed> {
    let (mut entries, mut changes) = (Vec::new(), Vec::new());
    let mut table: &mut Vec<Entry> = &mut entries;
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        match line {
            "[[listed]]" => table = &mut entries,
            "[[changed]]" => table = &mut changes,
            _ => {}
        }
        if line.starts_with("[[") {
            table.push(Entry::default());
        }
        let value = line.split_once(" = ").and_then(|(key, value)| {
            Some((key, value.strip_prefix('"')?.strip_suffix('"')?.to_owned())).filter(|(_, text)| !text.is_empty())
        });
        match (line, table.last_mut(), value) {
            ("" | "[[listed]]" | "[[changed]]", _, _) => {}
            (line, _, _) if line.starts_with('#') => {}
            (_, Some(entry), Some(("test", value))) => entry.test = value,
            (_, Some(entry), Some(("reason", value))) => entry.reason = value,
            (_, Some(entry), Some(("from", value))) => entry.from = value,
            (_, Some(entry), Some(("to", value))) => entry.to = value,
            (_, Some(entry), Some(("recording", value))) if ["off", "on"].contains(&&*value) => {
                entry.recording = Some(value);
            }
            _ => return Err(format!("line {number} is not of a `[[listed]]` or `[[changed]]` test")),
        }
    }
    let nothing = |entry: &&Entry| entry.test.is_empty() || entry.reason.is_empty();
    let no_text = |entry: &&Entry| entry.from.is_empty() || entry.to.is_empty();
    match entries.iter().chain(&changes).find(nothing).or(changes.iter().find(no_text)) {
        Some(entry) => Err(format!("an entry lacks its test, text or reason: `{}{}`", entry.test, entry.reason)),
        None => Ok(Listed { entries, changes, used: RefCell::default() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_wrong_ones_are_errors() {
        let text = "# why\n[[listed]]\ntest = \"a::b\"\nreason = \"x\"\n\n[[listed]]\ntest = \"c\"\nrecording = \"on\"\nreason = \"y\"";
        let listed = parse(text).unwrap();
        assert!(listed.has("a::b", Mode::Off) && !listed.has("c", Mode::Off) && listed.has("c", Mode::On));
        assert!(!listed.has("a", Mode::On));
        assert_eq!((listed.unused().count(), listed.len()), (0, 2));
        let changed = parse("[[changed]]\ntest = \"a\"\nfrom = \"x\"\nto = \"y\"\nreason = \"z\"").unwrap();
        assert_eq!(changed.change("a", "1x2".to_owned()), Ok("1y2".to_owned()));
        assert_eq!(changed.change("b", "1x2".to_owned()), Ok("1x2".to_owned()));
        assert!(changed.change("a", "12".to_owned()).is_err());
        for wrong in [
            "test = \"a\"",
            "[[listed]]\ntest = \"a\"",
            "[[listed]]\nrecording = \"maybe\"",
            "[[listed]]\nx",
            "[[changed]]\ntest = \"a\"\nreason = \"b\"",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
