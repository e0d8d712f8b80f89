//! What the commands share: where the repository is, and how its cargo is run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// Where what is built goes: cargo's own folder.
pub fn target() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| OsString::from("target")))
}

/// Whether the command can be started, and succeeds.
pub fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Installs packages of Debian where that is possible without asking: as root, and with apt-get.
pub fn apt_get_install(packages: &[&str]) -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if !root {
        return false;
    }
    println!("xtask: installing {}", packages.join(", "));
    let apt_get =
        |arguments: &[&str]| succeeds(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"));
    let install = [&["-qq", "-y", "--no-install-recommends", "install"], packages].concat();
    apt_get(&["-qq", "update"]) && apt_get(&install)
}

/// Reads a file of the repository.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(root().join(path)).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
