//! `cargo xtask systems`: checks that the published crates compile for systems on which we do not test.

use crate::process::{Result, cargo, succeeds};
use std::process::Command;

/// Targets for Windows and macOS.
pub const TARGETS: [&str; 2] = ["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// Checks the crates for each target. rustup installs a missing target. Without rustup, the target is left out.
pub fn check(packages: &[String], targets: &[&str]) -> Result {
    for name in targets {
        if !succeeds(Command::new("rustup").args(["target", "add", name])) {
            println!("xtask: not tried, since it cannot be installed: `rustup target add {name}`");
            continue;
        }
        let mut command = cargo();
        command.args(["check", "--quiet", "--all-features", "--target", name]);
        command.args(packages.iter().flat_map(|package| ["--package", package]));
        let status = command.status().map_err(|error| format!("cannot start cargo: {error}"))?;
        if !status.success() {
            return Err(format!("the crates do not compile for {name}; see above"));
        }
    }
    Ok(())
}
