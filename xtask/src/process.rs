//! What the commands share: where the repository is, and how its cargo is run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Done, or one line that says what failed and what to do.
pub type Result<T = ()> = std::result::Result<T, String>;

/// The root of the repository.
pub fn root() -> PathBuf {
    // Cargo says where the package is now; the compiler's answer is for a binary that was started without cargo.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| OsString::from(env!("CARGO_MANIFEST_DIR")));
    Path::new(&manifest).parent().expect("the package is a folder of the repository").to_owned()
}

/// The cargo that runs this, started in the root.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root());
    command
}

/// Reads a file of the repository.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(root().join(path)).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
