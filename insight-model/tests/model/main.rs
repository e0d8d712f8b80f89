//! Scenarios in text, and the findings, messages and graphs that follow from them.

mod scenario;

mod coverage;
mod diagnose;
mod dot;
mod explain;
mod freers;
mod oracle;
mod snapshot;
mod watch;
