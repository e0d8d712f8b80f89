//! The files from which the executable was built: cargo lists them beside it, in `target/debug/barbara.d`.

use std::io::Read;
use std::path::{Path, PathBuf};

/// Maximum size of a list that is read, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Whole paths of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BuiltFrom(Vec<PathBuf>);

impl BuiltFrom {
    /// The list of this executable. `None` if there is none, as for a program that was moved, or for a test.
    pub(super) fn of(executable: &Path) -> Option<BuiltFrom> {
        let list = executable.with_extension("d");
        // Checked before we open it, since opening a pipe can block.
        if !list.metadata().ok()?.is_file() {
            return None;
        }
        let mut text = String::new();
        let bytes = std::fs::File::open(list).ok()?.take(MAX_BYTES + 1).read_to_string(&mut text).ok()?;
        (bytes as u64 <= MAX_BYTES).then(|| BuiltFrom::parse(&text))?
    }

    /// Reads `executable: file file`, in which a space of a path is `\ `. `None` if it has no whole path.
    fn parse(text: &str) -> Option<BuiltFrom> {
        let (_, files) = text.lines().next()?.split_once(": ")?;
        let files = files.replace("\\ ", "\0");
        let paths =
            files.split(' ').map(|file| PathBuf::from(file.replace('\0', " "))).filter(|path| path.is_absolute());
        let paths: Vec<PathBuf> = paths.collect();
        (!paths.is_empty()).then_some(BuiltFrom(paths))
    }

    /// The whole path of a file, whose own path begins at the folder of the workspace. A member of the workspace may have a file of
    /// the same name: that is deeper.
    pub(super) fn path_of(&self, file: &Path) -> Option<&Path> {
        let named = self.0.iter().filter(|path| path.ends_with(file));
        named.min_by_key(|path| path.components().count()).map(PathBuf::as_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn whole_path_is_found_by_the_path_in_the_workspace() {
        let list =
            "/w/target/debug/app: /w/crates/b/src/main.rs /w/src/main.rs /w/with\\ space/src/lib.rs src/relative.rs\n";
        let built_from = BuiltFrom::parse(list).unwrap();
        let check = |file: &str, expect: Option<&str>| {
            assert_eq!(built_from.path_of(Path::new(file)), expect.map(Path::new), "{file}");
        };
        check("src/main.rs", Some("/w/src/main.rs"));
        check("crates/b/src/main.rs", Some("/w/crates/b/src/main.rs"));
        check("with space/src/lib.rs", Some("/w/with space/src/lib.rs"));
        check("src/relative.rs", None);
        check("rc/main.rs", None);
        check("src/other.rs", None);
        for no_list in ["", "/w/target/debug/app:", "/w/target/debug/app: src/main.rs", "text"] {
            assert_eq!(BuiltFrom::parse(no_list), None, "{no_list}");
        }
    }
}
