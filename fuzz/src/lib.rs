//! The common part of the targets: the rules' ids, and streams from a fuzzer's bytes.

pub mod tidy;
pub mod wild;

use std::collections::HashSet;
use std::sync::LazyLock;

/// The ids of the rules of SPEC.md.
pub static RULES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("../../SPEC.md").lines();
    lines.filter_map(|line| line.strip_prefix("- r[")?.strip_suffix(']')).collect()
});
