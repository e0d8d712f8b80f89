//! A task that passes two facades: one of async-std, over one of async-executor. The outer one records it.

use std::cell::Cell;

thread_local! {
    /// This thread is handing an observed future or closure on to another executor.
    static RECORDED: Cell<bool> = const { Cell::new(false) };
}

/// Restores the value of before, also when `spawn` panics.
struct Restore(bool);

impl Drop for Restore {
    fn drop(&mut self) {
        RECORDED.set(self.0);
    }
}

/// Calls `spawn`, which hands an observed future on to another executor. If that executor has a facade of its own, the
/// facade does not record the future again.
pub fn recorded<R>(spawn: impl FnOnce() -> R) -> R {
    let _restore = Restore(RECORDED.replace(true));
    spawn()
}

/// Whether another facade has recorded the future that this thread is spawning.
pub fn is_recorded() -> bool {
    RECORDED.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spawn_is_recorded_once_also_after_a_panic() {
        assert!(!is_recorded());
        assert!(recorded(|| recorded(is_recorded) && is_recorded()));
        assert!(std::panic::catch_unwind(|| recorded(|| panic!("in a spawn"))).is_err());
        assert!(!is_recorded());
    }
}
