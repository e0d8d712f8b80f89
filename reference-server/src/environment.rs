//! The environment variables that win over the code.

use crate::Error;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Where to listen.
pub(crate) const LISTEN: &str = "INSIGHT_LISTEN";
/// Where to record.
const RECORD: &str = "INSIGHT_RECORD";
/// The process that is observed, as `cargo insight` sets it.
const PROCESS: &str = "INSIGHT_PROCESS";
/// Whether the children of that process are observed, too.
const CHILDREN: &str = "INSIGHT_CHILDREN";

const NOT_A_PROCESS: &str = "not a process ID; `cargo insight` sets this variable, so do not set it by hand";
const NOT_ON_OR_OFF: &str = "write on to observe the children of the program, too, or off";

/// The variables of this process. An empty one counts as not set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    pub(crate) listen: Option<OsString>,
    pub(crate) record: Option<OsString>,
    pub(crate) process: Option<OsString>,
    pub(crate) children: Option<OsString>,
}

/// The part of this process among those that `cargo insight` starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `cargo insight` has not started it.
    Unmarked,
    /// It is the program that `cargo insight` has started.
    Marked,
    /// It is a child of that program, and is to be observed, too.
    Child,
    /// It is a child of that program, and stays silent.
    Silent,
}

impl Environment {
    pub(crate) fn of_process() -> Environment {
        let variable = |name| std::env::var_os(name).filter(|value| !value.to_string_lossy().trim().is_empty());
        Environment {
            listen: variable(LISTEN),
            record: variable(RECORD),
            process: variable(PROCESS),
            children: variable(CHILDREN),
        }
    }

    /// The part of the process with this ID.
    pub(crate) fn role(&self, pid: u32) -> Result<Role, Error> {
        let Some(process) = &self.process else { return Ok(Role::Unmarked) };
        let wrong = |setting, value: &OsStr, reason| {
            let value = value.to_string_lossy().into_owned();
            Error::Misconfigured { setting, value, reason }
        };
        let text = process.to_string_lossy();
        // `+7` is a number to Rust only.
        let digits = Some(text.trim()).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let observed: u32 =
            digits.and_then(|text| text.parse().ok()).ok_or_else(|| wrong(PROCESS, process, NOT_A_PROCESS))?;
        let children = match &self.children {
            None => false,
            Some(value) => match value.to_string_lossy().trim().to_ascii_lowercase().as_str() {
                "on" => true,
                "off" => false,
                _ => return Err(wrong(CHILDREN, value, NOT_ON_OR_OFF)),
            },
        };
        Ok(match (observed == pid, children) {
            (true, _) => Role::Marked,
            (false, true) => Role::Child,
            (false, false) => Role::Silent,
        })
    }

    /// The file to record to: the environment's, or else the code's. A child has a file of its own: its parent's is taken.
    pub(crate) fn record_to(&self, code: Option<PathBuf>, role: Role, pid: u32) -> Option<PathBuf> {
        let file = match &self.record {
            Some(file) if file.eq_ignore_ascii_case("off") => None,
            Some(file) => Some(PathBuf::from(file)),
            None => code,
        }?;
        match file.file_name() {
            Some(name) if role == Role::Child => {
                let mut own = OsString::from(format!("{pid}-"));
                own.push(name);
                Some(file.with_file_name(own))
            }
            _ => Some(file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_child_stays_silent_unless_it_is_asked_for() {
        let check = |process: Option<&str>, children: Option<&str>, expect: &str| {
            let process = process.map(OsString::from);
            let environment = Environment { process, children: children.map(OsString::from), ..Environment::default() };
            let actual = match environment.role(7) {
                Ok(role) => format!("{role:?}"),
                Err(error) => error.to_string(),
            };
            assert_eq!(actual, expect, "{environment:?}");
        };
        check(None, None, "Unmarked");
        check(None, Some("on"), "Unmarked");
        check(Some("7"), None, "Marked");
        check(Some(" 7 "), Some("on"), "Marked");
        check(Some("8"), None, "Silent");
        check(Some("8"), Some("off"), "Silent");
        check(Some("8"), Some("ON"), "Child");
        for value in ["seven", "+7", "-7", "7.0", "99999999999"] {
            let expect = format!("INSIGHT_PROCESS is {value:?}: {NOT_A_PROCESS}");
            check(Some(value), None, &expect);
        }
        check(Some("7"), Some("yes"), &format!("INSIGHT_CHILDREN is \"yes\": {NOT_ON_OR_OFF}"));
    }

    #[test]
    fn the_environment_names_the_recording_before_the_code() {
        let check = |environment: Option<&str>, code: Option<&str>, role: Role, expect: Option<&str>| {
            let environment = Environment { record: environment.map(OsString::from), ..Environment::default() };
            let actual = environment.record_to(code.map(PathBuf::from), role, 7);
            assert_eq!(actual.as_deref(), expect.map(Path::new), "{environment:?} {code:?}");
        };
        check(None, None, Role::Unmarked, None);
        check(None, Some("code"), Role::Unmarked, Some("code"));
        check(Some("environment"), Some("code"), Role::Marked, Some("environment"));
        check(Some("OFF"), Some("code"), Role::Unmarked, None);
        check(Some("runs/run.ndjson.gz"), None, Role::Child, Some("runs/7-run.ndjson.gz"));
        check(None, Some("run.ndjson"), Role::Child, Some("7-run.ndjson"));
    }
}
