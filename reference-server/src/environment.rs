//! The environment variables. They take precedence over the options in the code.

use crate::{Awaits, Detail, Error, Panics, ancestors};
use std::ffi::{OsStr, OsString};
use std::path::{Component, PathBuf};

/// The address to listen on.
pub(crate) const LISTEN: &str = "INSIGHT_LISTEN";
/// The tasks whose awaits are captured.
pub(crate) const AWAITS: &str = "INSIGHT_AWAITS";
/// The file to record to.
const RECORD: &str = "INSIGHT_RECORD";
/// Is replaced by the process ID in the path of a recording.
const PID: &str = "{pid}";
/// The ID of the observed process. `cargo insight` sets it.
const PROCESS: &str = "INSIGHT_PROCESS";
/// The facts of a panic that clients get.
const PANICS: &str = "INSIGHT_PANICS";
/// The level of detail of the stream.
const DETAIL: &str = "INSIGHT_DETAIL";
/// Whether the children of that process are observed, too.
const CHILDREN: &str = "INSIGHT_CHILDREN";

const NOT_A_PROCESS: &str = "not a process ID; `cargo insight` sets this variable, so do not set it by hand";
const NOT_MESSAGE_OR_OFF: &str = "write message to send the messages of panics to clients, or off";
const NOT_A_DETAIL: &str =
    "write structure, polls to record each poll, too, or operations to record also each operation";
const NOT_ON_OR_OFF: &str = "write on to observe the children of the program, too, or off";

/// The variables of this process. An empty variable counts as unset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    pub(crate) listen: Option<OsString>,
    pub(crate) record: Option<OsString>,
    pub(crate) process: Option<OsString>,
    pub(crate) children: Option<OsString>,
    pub(crate) awaits: Option<OsString>,
    pub(crate) panics: Option<OsString>,
    pub(crate) detail: Option<OsString>,
}

/// The relation of this process to the program that `cargo insight` starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `cargo insight` did not start this process.
    Unmarked,
    /// This process is the program that `cargo insight` started.
    Marked,
    /// This process is a child of that program, and is observed too.
    Child,
    /// This process is a child of that program, and is not observed.
    Silent,
}

/// Reads an environment variable. `None` in a program with more rights than its caller, such as a setuid program: there the
/// caller could otherwise choose files that only the program may read or write.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|_| !has_more_rights())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn has_more_rights() -> bool {
    // SAFETY: the call takes and returns a number.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn has_more_rights() -> bool {
    // SAFETY: the calls take nothing and return numbers.
    unsafe { libc::getuid() != libc::geteuid() || libc::getgid() != libc::getegid() }
}

#[cfg(not(unix))]
fn has_more_rights() -> bool {
    false
}

impl Environment {
    pub(crate) fn of_process() -> Environment {
        let variable = |name| variable(name).filter(|value| !value.to_string_lossy().trim().is_empty());
        Environment {
            listen: variable(LISTEN),
            record: variable(RECORD),
            process: variable(PROCESS).or_else(|| ancestors::mark(PROCESS)),
            children: variable(CHILDREN),
            awaits: variable(AWAITS),
            panics: variable(PANICS),
            detail: variable(DETAIL),
        }
    }

    /// The facts of a panic that clients get, from the environment or else from the code. `None` if neither says it.
    pub(crate) fn panics(&self, code: Option<Panics>) -> Result<Option<Panics>, Error> {
        let Some(value) = &self.panics else { return Ok(code) };
        match value.to_string_lossy().trim().to_ascii_lowercase().as_str() {
            "message" => Ok(Some(Panics::Message)),
            "off" => Ok(Some(Panics::Off)),
            _ => Err(wrong(PANICS, value, NOT_MESSAGE_OR_OFF)),
        }
    }

    /// The level of detail of the stream, from the environment or else from the code. `None` if neither says it.
    pub(crate) fn detail(&self, code: Option<Detail>) -> Result<Option<Detail>, Error> {
        let Some(value) = &self.detail else { return Ok(code) };
        match value.to_string_lossy().trim().to_ascii_lowercase().as_str() {
            "structure" => Ok(Some(Detail::Structure)),
            "polls" => Ok(Some(Detail::Polls)),
            "operations" => Ok(Some(Detail::Operations)),
            _ => Err(wrong(DETAIL, value, NOT_A_DETAIL)),
        }
    }

    /// The role of the process with this ID.
    pub(crate) fn role(&self, pid: u32) -> Result<Role, Error> {
        let Some(process) = &self.process else { return Ok(Role::Unmarked) };
        let text = process.to_string_lossy();
        // Rust parses `+7` as a number, but it is not a process ID.
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

    /// The tasks whose awaits are captured, from the environment or else from the code.
    pub(crate) fn awaits(&self, code: Option<Awaits>) -> Result<Awaits, Error> {
        self.awaits.as_deref().map_or(Ok(code.unwrap_or_default()), Awaits::parse)
    }

    /// The file to record to, from the environment or else from the code. Each `{pid}` is replaced by the process ID. The name of a
    /// child's file gets its process ID as a prefix otherwise, since its parent already records to the file.
    pub(crate) fn record_to(&self, code: Option<PathBuf>, role: Role, pid: u32) -> Option<PathBuf> {
        let file = match &self.record {
            Some(file) if file.eq_ignore_ascii_case("off") => None,
            Some(file) => Some(PathBuf::from(file)),
            None => code,
        }?;
        if file.to_string_lossy().contains(PID) {
            let replace = |part: Component<'_>| match part.as_os_str().to_str() {
                Some(text) => OsString::from(text.replace(PID, &pid.to_string())),
                None => part.as_os_str().to_owned(),
            };
            return Some(file.components().map(replace).collect());
        }
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

fn wrong(setting: &'static str, value: &OsStr, reason: &'static str) -> Error {
    let value = value.to_string_lossy().into_owned();
    Error::Misconfigured { setting, value, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn child_is_observed_only_if_the_environment_turns_children_on() {
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
    fn panics_from_the_environment_win_over_the_code() {
        let check = |environment: Option<&str>, code: Option<Panics>, expect: &str| {
            let environment = Environment { panics: environment.map(OsString::from), ..Environment::default() };
            let actual = match environment.panics(code) {
                Ok(panics) => format!("{panics:?}"),
                Err(error) => error.to_string(),
            };
            assert_eq!(actual, expect, "{environment:?} {code:?}");
        };
        check(None, None, "None");
        check(None, Some(Panics::Message), "Some(Message)");
        check(Some(" Message "), None, "Some(Message)");
        check(Some("message"), Some(Panics::Off), "Some(Message)");
        check(Some("off"), Some(Panics::Message), "Some(Off)");
        for value in ["on", "messages", "1"] {
            let expect = format!("INSIGHT_PANICS is {value:?}: {NOT_MESSAGE_OR_OFF}");
            check(Some(value), Some(Panics::Message), &expect);
        }
    }

    #[test]
    fn detail_from_the_environment_wins_over_the_code() {
        let check = |environment: Option<&str>, code: Option<Detail>, expect: &str| {
            let environment = Environment { detail: environment.map(OsString::from), ..Environment::default() };
            let actual = match environment.detail(code) {
                Ok(detail) => format!("{detail:?}"),
                Err(error) => error.to_string(),
            };
            assert_eq!(actual, expect, "{environment:?}");
        };
        check(None, None, "None");
        check(None, Some(Detail::Polls), "Some(Polls)");
        check(Some(" Operations "), None, "Some(Operations)");
        check(Some("polls"), Some(Detail::Operations), "Some(Polls)");
        check(Some("structure"), Some(Detail::Polls), "Some(Structure)");
        for value in ["poll", "all", "1"] {
            check(Some(value), Some(Detail::Polls), &format!("INSIGHT_DETAIL is {value:?}: {NOT_A_DETAIL}"));
        }
    }

    #[test]
    fn recording_path_from_the_environment_wins_over_the_code() {
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
        check(Some("runs/{pid}/run-{pid}.ndjson"), None, Role::Marked, Some("runs/7/run-7.ndjson"));
        check(None, Some("run-{pid}.ndjson"), Role::Child, Some("run-7.ndjson"));
        check(Some("run-{pid.ndjson"), None, Role::Unmarked, Some("run-{pid.ndjson"));
    }
}
