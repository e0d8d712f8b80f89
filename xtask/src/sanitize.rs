//! `cargo xtask sanitize`: runs the adapters' tests with the address sanitizer. It finds uses of freed memory, and leaks.
//!
//! It is not part of `cargo xtask test`, since a sanitizer needs a nightly compiler.

use crate::fuzz::host;
use crate::process::{Result, root, succeeds, target};
use std::fs;
use std::process::Command;

/// The crates with unsafe code.
const PACKAGES: [&str; 3] = ["insight-probe", "insight-tokio", "insight-tracing"];

/// Expected leaks, by a function on their stack.
///
/// A poll that ends on another thread than its own leaks its task's cell, since a pointer to it may still be in use.
const SUPPRESSIONS: &str = "leak:a_poll_belongs_to_its_thread\n";

/// Runs the tests of each package.
pub fn run() -> Result {
    if !succeeds(Command::new("rustup").args(["run", "nightly", "cargo", "--version"])) {
        return Err("needs a nightly compiler: install one by `rustup toolchain install nightly`".to_owned());
    }
    let mut command = Command::new("rustup");
    command.current_dir(root()).args(["run", "nightly", "cargo", "test", "--all-features", "--no-fail-fast"]);
    let folder = target().join("sanitize");
    let suppressions = folder.join("suppressions.txt");
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&suppressions, SUPPRESSIONS));
    written.map_err(|error| format!("cannot write {}: {error}", suppressions.display()))?;
    // A build for a named target does not apply the flag to build scripts.
    command.args(["--target", &host()?]).args(PACKAGES.iter().flat_map(|package| ["--package", *package]));
    for flags in ["RUSTFLAGS", "RUSTDOCFLAGS"] {
        command.env(flags, "-Zsanitizer=address");
    }
    command.env("LSAN_OPTIONS", format!("suppressions={}", suppressions.display())).env("CARGO_TARGET_DIR", folder);
    command.env_remove("RUSTC").env_remove("CARGO");
    let status = command.status().map_err(|error| format!("cannot start rustup: {error}"))?;
    if status.success() { Ok(()) } else { Err("see the failed test or the sanitizer's report above".to_owned()) }
}
