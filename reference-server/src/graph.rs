//! The waiting packages of the program's dependency graph, from the file that the tool that built it has left.

use crate::say;
use insight_protocol::GraphFacts;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

/// The environment variable that names the file, and wins.
const VARIABLE: &str = "INSIGHT_COVERAGE";

static COMPILED_IN: OnceLock<&'static str> = OnceLock::new();

/// Names the file with the [`GraphFacts`] of this program, before insight is turned on: for the facades of `cargo insight`,
/// into which the path is compiled. The environment variable `INSIGHT_COVERAGE` names a file too, and wins.
#[doc(hidden)]
pub fn graph_facts_at(path: &'static str) {
    // The first facade names the same file as the others.
    let _ = COMPILED_IN.set(path);
}

/// The facts of this program; `None` if they are unknown. Reads a file, so not on the program's own threads.
pub(crate) fn facts() -> Option<GraphFacts> {
    let named = std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let compiled_in = COMPILED_IN.get().copied().map(Path::new);
    // A program that was moved to another machine has left its file behind.
    let path = named.as_deref().map(Path::new).or(compiled_in.filter(|path| path.exists()))?;
    match read(path) {
        Ok(facts) => Some(facts),
        Err(reason) => {
            say(&format!("coverage is unknown: cannot read {}: {reason}", path.display()));
            None
        }
    }
}

fn read(path: &Path) -> Result<GraphFacts, String> {
    let said = |error: std::io::Error| error.to_string();
    // Before it is opened: to open a pipe waits.
    if !path.metadata().map_err(said)?.is_file() {
        return Err("it is not a file".to_owned());
    }
    let mut text = String::new();
    // One more than the maximum, for `parse` to see that it is too large.
    let most = GraphFacts::MAX_BYTES as u64 + 1;
    File::open(path).map_err(said)?.take(most).read_to_string(&mut text).map_err(said)?;
    GraphFacts::parse(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_or_the_reason_is_given() {
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
