//! Scenarios in text, and the findings, messages and graphs that follow from them.

mod scenario;

mod awaits;
mod can_end;
mod cancellers;
mod coverage;
mod diagnose;
mod dot;
mod ended;
mod explain;
mod freers;
mod lines;
mod names;
mod oracle;
mod snapshot;
mod watch;
