//! The waiting packages of the program's dependency graph. The build tool has written them to a file.

use crate::environment::variable;
use crate::say;
use insight_protocol::{GraphFacts, PackageFolder};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The environment variable that names the file. It takes precedence over the folder.
const VARIABLE: &str = "INSIGHT_COVERAGE";

static COMPILED_IN: OnceLock<&'static str> = OnceLock::new();

/// The folders of packages, from the first read.
static FOLDERS: OnceLock<Vec<PackageFolder>> = OnceLock::new();

/// The folders of the packages that come from no registry and no repository. Empty if they are unknown.
pub(crate) fn folders() -> &'static [PackageFolder] {
    FOLDERS.get().map(Vec::as_slice).unwrap_or_default()
}

/// Sets the folder with the [`GraphFacts`] of programs. Call it before insight starts. The facades of `cargo insight` call it with
/// a path that is compiled in. Programs of several workspaces may share the folder, since each file has its program's name. The
/// environment variable `INSIGHT_COVERAGE` names a file, and takes precedence.
#[doc(hidden)]
pub fn graph_facts_at(path: &'static str) {
    // All facades name the same folder, so only the first call matters.
    let _ = COMPILED_IN.set(path);
}

/// The facts of this program. `None` if they are unknown. Reads a file, so do not call it on the program's own threads.
pub(crate) fn facts() -> Option<GraphFacts> {
    let named = variable(VARIABLE).filter(|path| !path.is_empty());
    // The file is missing if the program was moved to another machine.
    let compiled_in = || COMPILED_IN.get().and_then(|folder| of_program(folder)).filter(|path| path.exists());
    let path = &named.map(PathBuf::from).or_else(compiled_in)?;
    match read(path) {
        Ok(facts) => {
            let _ = FOLDERS.set(facts.folders.clone());
            Some(facts)
        }
        Err(reason) => {
            say(&format!("coverage is unknown: cannot read {}: {reason}", path.display()));
            None
        }
    }
}

/// The file of this program in a folder.
fn of_program(folder: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let name = program.file_stem()?.to_str()?;
    Some(Path::new(folder).join(format!("{}.json", without_hash(name))))
}

/// A program's name without the hash that cargo adds to that of a test.
fn without_hash(name: &str) -> &str {
    let is_hash = |hash: &str| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    match name.rsplit_once('-') {
        Some((name, hash)) if is_hash(hash) => name,
        _ => name,
    }
}

fn read(path: &Path) -> Result<GraphFacts, String> {
    let text_of = |error: std::io::Error| error.to_string();
    // Checked before we open it, since opening a pipe can block.
    if !path.metadata().map_err(text_of)?.is_file() {
        return Err("it is not a file".to_owned());
    }
    let mut text = String::new();
    // One byte more than the maximum, so that `parse` notices a file that is too large.
    let most = GraphFacts::MAX_BYTES as u64 + 1;
    File::open(path).map_err(text_of)?.take(most).read_to_string(&mut text).map_err(text_of)?;
    GraphFacts::parse(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_removed_from_the_name_of_a_test() {
        for (name, expect) in [
            ("app", "app"),
            ("my-app", "my-app"),
            ("my-app-0123456789abcdef", "my-app"),
            ("app-0123456789abcdeg", "app-0123456789abcdeg"),
        ] {
            assert_eq!(without_hash(name), expect);
        }
    }

    #[test]
    fn file_is_read_or_the_error_gives_the_reason() {
        let folder = std::env::temp_dir().join(format!("insight-graph-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let check = |name: &str, content: Option<&str>, expect: Result<usize, &str>| {
            let path = folder.join(name);
            content.into_iter().for_each(|content| std::fs::write(&path, content).unwrap());
            let read = read(&path).map(|facts| facts.packages.len());
            assert_eq!(read, expect.map_err(str::to_owned), "{name}");
        };
        check("facts.json", Some(r#"{"version":1,"packages":[{"name":"a","version":"1","covered":true}]}"#), Ok(1));
        check("other.json", Some(r#"{"version":7}"#), Err("its version is 7, and this crate reads 1"));
        check("large.json", Some(&" ".repeat(2 << 20)), Err("it has more than 1048576 bytes"));
        check(".", None, Err("it is not a file"));
        check("none.json", None, Err("No such file or directory (os error 2)"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
