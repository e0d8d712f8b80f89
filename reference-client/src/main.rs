//! The binary `consolation`.

use std::process::ExitCode;

fn main() -> ExitCode {
    wish4_consolation::run(std::env::args_os())
}
