use std::fmt;

/// A rule of SPEC.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id, such as `task.completed.once`.
    pub id: &'static str,
    /// How it binds.
    pub level: Level,
    /// Whether [`check`](crate::check) can find that a stream breaks the rule.
    pub checked: Checked,
    /// Its sentences, with the line breaks of SPEC.md.
    pub text: &'static str,
}

/// How a rule binds: its strongest word. A rule without such a word binds like a MUST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `MUST`
    Must,
    /// `SHOULD`
    Should,
    /// `MAY`
    May,
}

impl Level {
    /// The word in SPEC.md.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Must => "MUST",
            Level::Should => "SHOULD",
            Level::May => "MAY",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether a stream alone can show that a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It cannot: the rule binds a reader or a server, or is about something outside of the stream.
    Never,
    /// It can.
    Always,
    /// It can, and every reader still understands the stream.
    Strict,
}

/// The rule with this id, or `None` if SPEC.md has no such rule.
pub fn rule(id: &str) -> Option<&'static Rule> {
    let rules = crate::rules::RULES;
    rules.binary_search_by(|rule| rule.id.cmp(id)).ok().map(|at| &rules[at])
}
