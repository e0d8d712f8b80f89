//! Scenarios in, findings, messages and pictures out.

mod scenario;

mod coverage;
mod diagnose;
mod dot;
mod explain;
mod freers;
mod oracle;
mod snapshot;
mod watch;
