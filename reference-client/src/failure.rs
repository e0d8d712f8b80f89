//! The reasons why a program has no snapshot for us, and the advice for each.

use crate::args::Address;
use crate::text::fit;
use insight_protocol::PROTOCOL_VERSION;
use insight_reader::Refusal;
use std::fmt;

/// Why there is no snapshot.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing answers, or the connection ended.
    Unreachable(String),
    /// Another program answers.
    NotInsight(String),
    /// insight of another major version answers.
    OtherVersion(String),
    /// The snapshot broke off.
    Incomplete {
        /// The reason; `None` if the reply just ended.
        why: Option<String>,
    },
}

impl Failure {
    /// An error message: the address, the failure and the advice.
    pub fn at(&self, address: &Address) -> String {
        if address.is_assumed() {
            return format!(
                "no program of yours has announced itself, and at {address}: {self}\n\
                 Start one with `cargo insight run`, or call insight::init() in it. Another address: consolation HOST:PORT"
            );
        }
        format!("{address}: {self}\n{}", self.advice())
    }

    fn advice(&self) -> &'static str {
        match self {
            Failure::Unreachable(_) => {
                "Start a program with `cargo insight run`, or call insight::init() in it. It prints its address on stderr. \
                 Another address: consolation HOST:PORT"
            }
            Failure::NotInsight(_) => {
                "Another program has this port. Yours prints its address on stderr: consolation HOST:PORT"
            }
            Failure::OtherVersion(_) => "The program was built with another version of insight.",
            Failure::Incomplete { .. } => "The program ended, or was too slow. Try again.",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unreachable(why) => f.write_str(why),
            Failure::NotInsight(sent) => write!(f, "it answers, but does not speak insight: it sent {sent}"),
            Failure::OtherVersion(protocol) => {
                let protocol = fit(protocol, 20);
                write!(
                    f,
                    "it speaks insight {protocol}, and this consolation {PROTOCOL_VERSION}: use the consolation of its version"
                )
            }
            Failure::Incomplete { why } => {
                f.write_str("the snapshot broke off")?;
                why.as_ref().map_or(Ok(()), |why| write!(f, ": {}", fit(why, 80)))
            }
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        let sent = match refusal {
            Refusal::OtherVersion { protocol } => return Failure::OtherVersion(protocol),
            Refusal::BrokenOff(why) => return Failure::Unreachable(why),
            Refusal::Empty => "nothing".to_owned(),
            Refusal::NotAStream { said } if said.is_empty() => "an empty line".to_owned(),
            Refusal::NotAStream { said } => format!("\"{}\"", fit(&said, 60)),
            Refusal::NoLine | Refusal::NoLineInTime => "a line without an end".to_owned(),
            Refusal::NoHeader => "messages without a header".to_owned(),
            other => format!("bytes that are no text: {other}"),
        };
        Failure::NotInsight(sent)
    }
}
