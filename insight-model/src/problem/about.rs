use insight_protocol::{ProblemKind, Severity};
use std::fmt;

/// The properties that all problems of a kind have.
#[derive(Debug)]
#[non_exhaustive]
pub struct About {
    /// The kind.
    pub kind: ProblemKind,
    /// The severity of its problems.
    pub severities: Severities,
    /// The tiers of its problems.
    pub tiers: Tiers,
    /// Its sentence in the table of SPEC.md.
    pub says: &'static str,
    /// Its symptom, for the list on the documentation's first page: the words before the link to its page.
    pub symptom: &'static str,
    /// The text of that link.
    pub called: &'static str,
}

impl About {
    /// The name of its page of the documentation: the name of the kind with `-` for `_`.
    pub fn page(&self) -> String {
        page(&self.kind)
    }

    /// The severity at first.
    pub(crate) fn least(&self) -> Severity {
        match self.severities {
            Severities::Always(severity) | Severities::Grows { from: severity, .. } => severity,
        }
    }
}

/// The name of the page about problems of this kind.
pub(super) fn page(kind: &ProblemKind) -> String {
    kind.as_str().replace('_', "-")
}

/// The severity of a kind's problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severities {
    /// The same for all.
    Always(Severity),
    /// It becomes worse while the problem lasts.
    Grows {
        /// The severity at first.
        from: Severity,
        /// The severity later.
        to: Severity,
        /// The time of the change, such as `from 30 s on`.
        when: &'static str,
    },
}

impl Severities {
    /// Whether a problem of the kind can have this severity.
    pub fn has(self, severity: Severity) -> bool {
        match self {
            Severities::Always(always) => severity == always,
            Severities::Grows { from, to, .. } => severity == from || severity == to,
        }
    }
}

impl fmt::Display for Severities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Severities::Always(severity) => write!(f, "`{severity}`"),
            Severities::Grows { from, to, when } => write!(f, "`{from}`; `{to}` {when}"),
        }
    }
}

/// The tiers of a kind's problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiers {
    /// All of them are proven.
    Proven,
    /// All of them are suspected.
    Suspected,
    /// Either is possible.
    Both,
}

impl fmt::Display for Tiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tiers::Proven => "`proven`",
            Tiers::Suspected => "`suspected`",
            Tiers::Both => "both",
        })
    }
}
