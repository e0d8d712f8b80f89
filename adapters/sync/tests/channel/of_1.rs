use insight_sync::channel_1 as channel;

// The same tests for both versions, on purpose.
#[allow(clippy::duplicate_mod)]
#[path = "seen.rs"]
mod seen;
