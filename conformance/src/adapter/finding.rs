//! The findings of a case.

use super::contract;
use crate::context::ContextLine;
use crate::report::context_text;
use crate::{Rule, rule};
use insight_reader::visible;
use std::fmt;

/// A rule that an adapter breaks in a case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The rule: of SPEC.md, or of the trait [`Adapter`](insight_protocol::adapter::Adapter), whose rules begin with `adapter.`.
    pub rule: Rule,
    /// The checked fact in words, such as "the end of `cancelled`".
    pub about: String,
    /// The expected line of the stream, with the fields that matter.
    pub expected: String,
    /// The line of the stream, or the absence of such a line.
    pub actual: String,
    /// The number of that line.
    pub line: Option<u64>,
    /// The lines around it; the last ones if there is no such line.
    pub context: Vec<ContextLine>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { rule, about, expected, actual, line, context } = self;
        writeln!(f, "{} ({}): {}", rule.id, rule.level, visible(about))?;
        for line in rule.text.lines() {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "  expected: {}", visible(expected))?;
        writeln!(f, "  actual:   {}", visible(actual))?;
        writeln!(f)?;
        f.write_str(&context_text(context, *line, None))
    }
}

/// The rule with this ID, of SPEC.md or of the trait.
pub(super) fn rule_of(id: &'static str) -> Rule {
    let unlisted = Rule { id, level: crate::Level::Must, checked: crate::Checked::Never, text: "" };
    contract::find(id).or_else(|| rule(id)).copied().unwrap_or(unlisted)
}
