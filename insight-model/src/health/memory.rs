//! Kinds that remember earlier checks.

use super::finding::Candidate;
use super::look::Look;
use std::fmt::Debug;

/// The memory of a kind between checks.
pub(crate) trait Memory: Clone + Debug + Default + Send + Sync + 'static {
    /// The thresholds of the kind.
    type Limits: Debug + 'static;

    /// Looks at the model, and appends the candidates.
    fn look(&mut self, look: &Look, limits: &Self::Limits, out: &mut Vec<Candidate>);
}

/// A [`Memory`] of any kind. `T` has the thresholds of all kinds.
pub(crate) trait AnyMemory<T>: Debug + Send + Sync {
    fn look(&mut self, look: &Look, limits: &T, out: &mut Vec<Candidate>);

    fn copy(&self) -> Box<dyn AnyMemory<T>>;
}

/// A memory, and the place of its thresholds among those of all kinds.
#[derive(Clone, Debug)]
pub(crate) struct Limited<M: Memory, T> {
    pub(crate) memory: M,
    pub(crate) limits: fn(&T) -> &M::Limits,
}

impl<M: Memory, T: Clone + Debug + 'static> AnyMemory<T> for Limited<M, T> {
    fn look(&mut self, look: &Look, limits: &T, out: &mut Vec<Candidate>) {
        self.memory.look(look, (self.limits)(limits), out);
    }

    fn copy(&self) -> Box<dyn AnyMemory<T>> {
        Box::new(Limited { memory: self.memory.clone(), limits: self.limits })
    }
}

impl<T: 'static> Clone for Box<dyn AnyMemory<T>> {
    fn clone(&self) -> Box<dyn AnyMemory<T>> {
        (**self).copy()
    }
}
