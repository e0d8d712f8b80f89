//! Holds a stream of the insight protocol to the rules of SPEC.md: a recording, or what a program sends now.
//!
//! ```
//! use insight_conformance::{Finding, Options, Sink, Summary, check};
//!
//! struct Print;
//!
//! impl Sink for Print {
//!     fn finding(&mut self, finding: &Finding) -> std::io::Result<()> {
//!         println!("line {}: {}: {}", finding.line, finding.rule.id, finding.actual);
//!         Ok(())
//!     }
//!
//!     fn end(&mut self, _: &Summary) -> std::io::Result<()> {
//!         Ok(())
//!     }
//! }
//!
//! let recording = "{\"seq\":1,\"type\":\"snapshot.end\",\"at_ns\":5}\n";
//! let summary = check(recording.as_bytes(), Options::default(), &mut Print).unwrap();
//! assert!(summary.findings.contains_key("header.first"));
//! ```
//!
//! What a stream alone can show is seen by [`insight_model::Checker`]; this crate adds the strict part, the rule's
//! words, the lines around a finding, and reports for people, programs and CI. It reads a stream once, from front to
//! back, and keeps only what is alive in it. So it can follow one that does not end; the cost is that a finding waits
//! for the three lines after it, or for [`Check::release`].
//!
//! With the feature `adapter`, the module `adapter` holds an executor's adapter to what it says.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "adapter")]
pub mod adapter;
mod check;
mod context;
mod diagnose;
mod emit;
mod report;
mod rule;
mod rules;

pub use check::{Check, Error, Finding, Options, Sink, Strictness, Summary, check};
pub use context::{ContextLine, TEXT_LIMIT};
pub use diagnose::{Diagnose, Verdict};
pub use insight_reader::{Ending, LINE_LIMIT, Outcome, Refusal};
#[cfg(feature = "cli")]
pub use report::Junit;
pub use report::{Json, Text};
pub use rule::{Checked, Level, Rule, rule};

/// The rules of SPEC.md, in the order of their ids.
pub fn rules() -> &'static [Rule] {
    rules::RULES
}
