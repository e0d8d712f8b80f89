//! Finds the observed process among the ancestors of this one, even if a process between them has cleared the environment.

use std::ffi::OsString;

/// Maximum number of ancestors that are checked.
#[cfg(target_os = "linux")]
const MOST: usize = 32;

/// The value of the variable `name` in the nearest ancestor that `cargo insight` has marked with its own process ID.
#[cfg(target_os = "linux")]
pub(crate) fn mark(name: &str) -> Option<OsString> {
    let parent = |process: &str| parent(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?);
    let first = parent("self")?;
    let ancestors = std::iter::successors(Some(first), |pid| parent(&pid.to_string())).take_while(|pid| *pid > 1);
    let is_marked = |pid: &u32| {
        // The environment of another user's process cannot be read.
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mark = format!("{name}={pid}");
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    ancestors.take(MOST).find(is_marked).map(|pid| pid.to_string().into())
}

/// Other systems do not let us read the environment of another process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn mark(_: &str) -> Option<OsString> {
    None
}

/// The parent's process ID in the text of `/proc/PID/stat`. The program name before it may contain any character.
#[cfg(target_os = "linux")]
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn parent_id_is_found_after_any_program_name() {
        for (stat, expect) in
            [("7 (app) S 5 7 7 0", Some(5)), ("7 (a) S 1 (b) R 6 7", Some(6)), ("7 (app) S", None), ("", None)]
        {
            assert_eq!(parent(stat), expect, "{stat}");
        }
        let own = std::fs::read_to_string("/proc/self/stat").unwrap();
        assert_eq!(parent(&own), Some(std::os::unix::process::parent_id()));
    }
}
