use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

/// Minimum number of values that are kept before unused ones are dropped.
const LEAST: usize = 64;

/// Values that many others have in common. Each is kept once.
#[derive(Clone, Debug)]
pub(crate) struct Shared<T> {
    known: HashSet<Arc<T>>,
    /// When `known` has this many values, the unused ones are dropped.
    full: usize,
}

impl<T> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared { known: HashSet::new(), full: LEAST }
    }
}

impl<T: Eq + Hash> Shared<T> {
    /// The shared value that equals `value`.
    pub(crate) fn share(&mut self, value: T) -> Arc<T> {
        if let Some(known) = self.known.get(&value) {
            return known.clone();
        }
        if self.known.len() >= self.full {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.known.shrink_to(self.known.len() * 2);
            self.full = LEAST.max(self.known.len() * 2);
        }
        let shared = Arc::new(value);
        self.known.insert(shared.clone());
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::{LEAST, Shared};
    use std::sync::Arc;

    #[test]
    fn equal_values_are_shared_and_unused_values_are_dropped() {
        let mut shared = Shared::default();
        let had: Vec<Arc<usize>> = (0..LEAST).map(|number| shared.share(number)).collect();
        assert!(had.iter().all(|one| Arc::ptr_eq(one, &shared.share(**one))));
        for number in 0..100 * LEAST {
            shared.share(number);
            assert!(shared.known.len() <= 2 * LEAST, "{} are kept", shared.known.len());
        }
        assert!(had.iter().all(|one| Arc::ptr_eq(one, &shared.share(**one))), "values in use are kept");
    }
}
