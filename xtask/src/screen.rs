//! `cargo xtask screen`: the screen in the README, drawn by consolation in a terminal.

use crate::process::{Result, cargo};

/// Writes docs/screen.svg by the test that compares it.
pub fn write() -> Result {
    let mut command = cargo();
    command.args(["test", "--quiet", "--package", "insight-examples", "--test", "story", "image_in_the_readme"]);
    let status = command.env("INSIGHT_WRITE_SCREEN", "1").status();
    let status = status.map_err(|error| format!("cannot start cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("consolation does not show the recording; see above".to_owned()) }
}
