/// A threshold that nothing reaches: problems of this kind are not looked for.
pub const OFF: u64 = u64::MAX;

/// Minimum age of facts before they make a problem: half a second.
///
/// Facts reach the model from each thread apart, and states are sampled every 100 ms by default. So the facts of one moment
/// are complete a few samples later, and five samples are enough. A wait that ends within half a second is too short
/// for a user to look at.
pub const DEFAULT_SETTLE_NS: u64 = 500_000_000;

/// A millisecond, in nanoseconds.
pub(crate) const MS: u64 = 1_000_000;

/// A second, in nanoseconds.
pub(crate) const SECOND: u64 = 1_000 * MS;
