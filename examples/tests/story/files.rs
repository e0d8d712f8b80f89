//! Paths and lines of source files, and folders that are removed at the end of a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The root of the workspace, where paths that are known at compile time begin.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a folder of the workspace")
}

/// The location of the only line that contains this text, as clients show it: `examples/barbara.rs:75`.
pub fn place(file: &str, text: &str) -> String {
    format!("{file}:{}", line(file, text))
}

/// The number of the only line that contains this text.
pub fn line(file: &str, text: &str) -> u32 {
    let source = fs::read_to_string(root().join(file)).unwrap();
    let lines: Vec<u32> = (1..).zip(source.lines()).filter(|(_, line)| line.contains(text)).map(|(n, _)| n).collect();
    assert_eq!(lines.len(), 1, "{text:?} must be once in {file}: {lines:?}");
    lines[0]
}

/// A new folder outside of the workspace.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("insight-story-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        // The temporary folder may be a link: programs print the path that the link leads to.
        Folder(path.canonicalize().unwrap())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
