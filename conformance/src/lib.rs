//! Checks a stream of the insight protocol against the rules of SPEC.md. The stream is a recording, or comes from a program
//! that runs.
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
//! [`insight_model::Checker`] finds the broken rules that a stream alone can show. This crate adds the strict checks, the
//! text of each rule, the lines around a finding, and reports for people, programs and CI. It reads a stream once, from the
//! first byte to the last, and keeps only live tasks, resources and edges. So it can check a stream that does not end. The
//! cost is that a finding waits for the three lines after it, or for [`Check::release`].
//!
//! With the feature `adapter`, the module `adapter` has the suite for the adapter of an executor. [`cases`] lists its cases.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "adapter")]
pub mod adapter;
mod cases;
mod check;
mod context;
mod diagnose;
mod emit;
mod report;
mod rule;
mod rules;
pub mod vectors;

pub use cases::{Case, RULES_OF_EACH_CASE, SUITE_VERSION, case, cases};
pub use check::{Check, Error, Finding, Options, Sink, Strictness, Summary, check};
pub use context::{ContextLine, TEXT_LIMIT};
pub use diagnose::{Diagnose, Diagnosis};
pub use insight_reader::{Ending, LINE_LIMIT, Outcome, Refusal};
#[cfg(feature = "cli")]
pub use report::Junit;
pub use report::{Json, Text};
pub use rule::{Checked, Level, Rule, rule};

/// The rules of SPEC.md, in the order of their ids.
pub fn rules() -> &'static [Rule] {
    rules::RULES
}
