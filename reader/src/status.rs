use insight_protocol::{Problem, Severity};

/// The exit status of a command that finds problems: 3 for a hang, 4 if the program is degraded, and 0 for notices or nothing.
///
/// It does not depend on the tier.
///
/// ```
/// assert_eq!(insight_reader::exit_status(&[]), 0);
/// ```
pub fn exit_status(problems: &[Problem]) -> u8 {
    match problems.iter().map(|problem| problem.severity).min() {
        Some(Severity::Hang) => 3,
        Some(Severity::Degraded) => 4,
        Some(Severity::Notice) | None => 0,
    }
}
