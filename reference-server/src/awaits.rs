//! Captures the awaits of tasks, without a request: once for each wait, and within a budget.
//!
//! The recorder's thread chooses the tasks, a few at each tick. The thread `insight-awaits` has the program poll them, and reads
//! the debug information. The recorder's thread then sends the awaits, if they are not outdated.

mod budget;
mod choice;
mod fresh;
mod made;
mod worker;

pub(crate) use choice::{Captures, Choice, Released};
pub(crate) use made::Made;
#[cfg(test)]
pub(crate) use made::{MadeFrame, MadeLeaf};

use crate::{Error, environment};
use insight_probe::{Capturing, Trace, Traceable};
use insight_protocol::AwaitsOf;
use std::ffi::OsStr;
use std::time::Duration;

/// The tasks whose awaits insight captures without a request. For each of them it has the program poll the task once a wait, at
/// most 50 tasks a second, within 1 % of one processor.
///
/// ```no_run
/// insight::init!(awaits => off);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Awaits {
    /// The tasks of open problems; and while a client or a recording is attached, one of all tasks that wait alike.
    #[default]
    On,
    /// Only the tasks of open problems.
    Problems,
    /// None. A client can still request the trace of a task.
    Off,
}

const NOT_A_SETTING: &str = "write on, or problems to have the awaits only for tasks with a problem, or off";

impl Awaits {
    /// The same in the stream.
    pub(crate) fn tasks(self) -> AwaitsOf {
        match self {
            Awaits::On => AwaitsOf::All,
            Awaits::Problems => AwaitsOf::Problems,
            Awaits::Off => AwaitsOf::NoTask,
        }
    }

    /// The setting in the environment variable.
    pub(crate) fn parse(value: &OsStr) -> Result<Awaits, Error> {
        match value.to_string_lossy().trim().to_ascii_lowercase().as_str() {
            "on" => Ok(Awaits::On),
            "problems" => Ok(Awaits::Problems),
            "off" => Ok(Awaits::Off),
            _ => {
                let value = value.to_string_lossy().into_owned();
                Err(Error::Misconfigured { setting: environment::AWAITS, value, reason: NOT_A_SETTING })
            }
        }
    }
}

/// A task whose awaits can be captured.
pub(crate) trait Capturable: Send + 'static {
    /// Asks for a poll of the task. An error is the reply for a task that is not polled for this.
    fn capture(&self) -> Result<Box<dyn Asked>, Trace>;
    /// Number of wakes of the task by others.
    fn wakes(&self) -> u64;
}

/// A task that was asked for a poll.
pub(crate) trait Asked {
    /// Waits for that poll for at most this time. `None` if it has not come yet: the request stays open.
    fn answer(&self, timeout: Duration) -> Option<Trace>;
    /// Whether the task is running now.
    fn is_running(&self) -> bool;
}

impl Asked for Capturing {
    fn answer(&self, timeout: Duration) -> Option<Trace> {
        Capturing::answer(self, timeout)
    }

    fn is_running(&self) -> bool {
        Capturing::is_running(self)
    }
}

impl Capturable for Traceable {
    fn capture(&self) -> Result<Box<dyn Asked>, Trace> {
        Ok(Box::new(Traceable::capture(self)?))
    }

    fn wakes(&self) -> u64 {
        Traceable::wakes(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_is_read_from_the_environment_variable() {
        let check = |value: &str, expect: Result<Awaits, &str>| {
            let actual = Awaits::parse(OsStr::new(value)).map_err(|error| error.to_string());
            assert_eq!(actual, expect.map_err(str::to_owned), "{value}");
        };
        check("on", Ok(Awaits::On));
        check(" Problems ", Ok(Awaits::Problems));
        check("OFF", Ok(Awaits::Off));
        let fault = "write on, or problems to have the awaits only for tasks with a problem, or off";
        check("no", Err(&format!("INSIGHT_AWAITS is \"no\": {fault}")));
        check("0\n", Err(&format!("INSIGHT_AWAITS is \"0\\n\": {fault}")));
    }
}
