use crate::Model;
use crate::wants::Rules;
use insight_protocol::Tier;
use std::cell::Cell;

/// One model, as one pass of the diagnosis reads it.
pub(crate) struct Look<'m> {
    pub(crate) model: &'m Model,
    pub(crate) rules: Rules,
    pub(crate) tier: Tier,
    /// Count only tasks that make progress by themselves: a task that makes progress by its wait counts as stuck.
    pub(crate) alone: bool,
    /// The time at which the first fact that was too young will count.
    due_ns: Cell<u64>,
}

impl<'m> Look<'m> {
    pub(crate) fn new(model: &'m Model, rules: Rules, tier: Tier) -> Look<'m> {
        Look { model, rules, tier, alone: false, due_ns: Cell::new(u64::MAX) }
    }

    /// Whether a fact is too young to count. Remembers the time at which it will count.
    pub(crate) fn is_young(&self, since_ns: u64) -> bool {
        let until_ns = self.rules.young_until(self.model, since_ns);
        if let Some(until_ns) = until_ns {
            self.due_ns.set(self.due_ns.get().min(until_ns));
        }
        until_ns.is_some()
    }

    /// Returns the time at which the first fact counts that was too young since the last call, if there was one.
    pub(crate) fn take_due_ns(&self) -> Option<u64> {
        let due_ns = self.due_ns.replace(u64::MAX);
        (due_ns != u64::MAX).then_some(due_ns)
    }
}
