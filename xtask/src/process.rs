//! The common part of the commands: the root of the repository, and calls of its cargo.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The error is one line with the failure and the remedy.
pub type Result<T = ()> = std::result::Result<T, String>;

/// The root of the repository.
pub fn root() -> PathBuf {
    // Cargo knows the present folder of the package. The compiled-in folder is for a binary that was started without cargo.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| OsString::from(env!("CARGO_MANIFEST_DIR")));
    Path::new(&manifest).parent().expect("the package is a folder of the repository").to_owned()
}

/// The cargo that started this command, to be run in the root.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.current_dir(root());
    command
}

/// Cargo's folder for build outputs.
pub fn target() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| OsString::from("target")))
}

/// Whether the command starts and succeeds.
pub fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Installs packages of Debian. Works only as root and with apt-get, since then no question is asked.
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

/// Processor time of all processes that this one has started and that have ended, with their own. `None` without Linux.
///
/// Unlike the time on a clock, it is the same on a busy machine.
pub fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name is in parentheses and may contain anything. By proc(5), cutime and cstime are fields 16 and 17, in hundredths of
    // a second.
    let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13).take(2);
    let ticks = fields.map(|field| field.parse::<u64>().ok()).sum::<Option<u64>>()?;
    Some(Duration::from_millis(10 * ticks))
}
