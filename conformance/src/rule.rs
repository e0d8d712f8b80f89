use std::fmt;

/// A rule of SPEC.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id, such as `task.completed.once`.
    pub id: &'static str,
    /// How it binds.
    pub level: Level,
    /// Whether [`check`](crate::check) can see that it is broken.
    pub checked: Checked,
    /// Its sentences, a line as SPEC.md has it.
    pub text: &'static str,
}

/// How a rule binds: its strongest word. One without any binds like a MUST.
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
    /// It cannot: the rule binds a reader or a server, or speaks of what is not in the stream.
    Never,
    /// It can.
    Always,
    /// It can, and no reader stumbles over it.
    Strict,
}

/// The rule of this id, when SPEC.md has one.
pub fn rule(id: &str) -> Option<&'static Rule> {
    let rules = crate::rules::RULES;
    rules.binary_search_by(|rule| rule.id.cmp(id)).ok().map(|at| &rules[at])
}
