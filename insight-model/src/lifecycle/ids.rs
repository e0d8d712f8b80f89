/// A set of ids, as ranges. Ids are usually assigned in order, so many ids need few ranges.
#[derive(Debug, Default)]
pub(crate) struct Ids(std::collections::BTreeMap<u64, u64>);

impl Ids {
    /// Adds an id.
    pub(crate) fn insert(&mut self, id: u64) {
        if self.contains(id) {
            return;
        }
        // The key and the value are the first and the last id of a range.
        let end = self.0.remove(&(id + 1)).unwrap_or(id);
        match self.0.range_mut(..id).next_back() {
            Some((_, before)) if *before + 1 == id => *before = end,
            _ => drop(self.0.insert(id, end)),
        }
    }

    pub(crate) fn contains(&self, id: u64) -> bool {
        self.0.range(..=id).next_back().is_some_and(|(_, end)| *end >= id)
    }

    #[cfg(test)]
    fn ranges(&self) -> Vec<(u64, u64)> {
        self.0.iter().map(|(start, end)| (*start, *end)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Ids;

    #[test]
    fn adjacent_ids_become_one_range() {
        let mut ids = Ids::default();
        for id in [5, 1, 2, 4, 9, 3, 3, 7] {
            ids.insert(id);
        }
        assert_eq!(ids.ranges(), [(1, 5), (7, 7), (9, 9)]);
        ids.insert(8);
        ids.insert(6);
        assert_eq!(ids.ranges(), [(1, 9)]);
        assert!(ids.contains(1) && ids.contains(9) && !ids.contains(10) && !ids.contains(0));
    }
}
