use insight_protocol::EdgeId;
use std::collections::{BTreeSet, btree_set};
use std::fmt;
use std::slice;

/// The open edges of a task or a resource, by id.
///
/// Most have one or two, which take no memory of their own. A lock for which a hundred thousand tasks wait has as many.
#[derive(Clone)]
pub struct EdgeSet(Edges);

#[derive(Clone)]
enum Edges {
    /// The first so many of them, in order.
    Few(u8, [EdgeId; FEW]),
    #[expect(clippy::box_collection, reason = "the few that have many need not make all others larger")]
    Many(Box<BTreeSet<EdgeId>>),
}

const FEW: usize = 2;

impl EdgeSet {
    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Edges::Few(len, _) => usize::from(*len),
            Edges::Many(edges) => edges.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ids, in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(match &self.0 {
            Edges::Few(len, edges) => IterOf::Few(edges[..usize::from(*len)].iter()),
            Edges::Many(edges) => IterOf::Many(edges.iter()),
        })
    }

    pub(crate) fn insert(&mut self, id: EdgeId) {
        match &mut self.0 {
            Edges::Few(len, edges) => {
                let few = &mut edges[..];
                let here = usize::from(*len);
                match few[..here].binary_search(&id) {
                    Ok(_) => {}
                    Err(at) if here < FEW => {
                        few.copy_within(at..here, at + 1);
                        few[at] = id;
                        *len += 1;
                    }
                    Err(_) => self.0 = Edges::Many(Box::new(few.iter().copied().chain([id]).collect())),
                }
            }
            Edges::Many(edges) => _ = edges.insert(id),
        }
    }

    pub(crate) fn remove(&mut self, id: &EdgeId) {
        match &mut self.0 {
            Edges::Few(len, edges) => {
                let here = usize::from(*len);
                if let Ok(at) = edges[..here].binary_search(id) {
                    edges.copy_within(at + 1..here, at);
                    *len -= 1;
                }
            }
            Edges::Many(edges) => {
                edges.remove(id);
                if edges.is_empty() {
                    *self = EdgeSet::default();
                }
            }
        }
    }
}

impl Default for EdgeSet {
    fn default() -> EdgeSet {
        EdgeSet(Edges::Few(0, [EdgeId(0); FEW]))
    }
}

/// The ids of an [`EdgeSet`], in order.
#[derive(Clone, Debug)]
pub struct Iter<'a>(IterOf<'a>);

#[derive(Clone, Debug)]
enum IterOf<'a> {
    Few(slice::Iter<'a, EdgeId>),
    Many(btree_set::Iter<'a, EdgeId>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a EdgeId;

    fn next(&mut self) -> Option<&'a EdgeId> {
        match &mut self.0 {
            IterOf::Few(edges) => edges.next(),
            IterOf::Many(edges) => edges.next(),
        }
    }
}

impl<'a> IntoIterator for &'a EdgeSet {
    type Item = &'a EdgeId;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl PartialEq for EdgeSet {
    fn eq(&self, other: &EdgeSet) -> bool {
        self.iter().eq(other)
    }
}

impl fmt::Debug for EdgeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::EdgeSet;
    use insight_protocol::EdgeId;
    use std::collections::BTreeSet;

    /// Each step is an id, to put in if it is not there, or else to take out.
    #[test]
    fn the_ids_in_order() {
        let steps = [5, 3, 5, 5, 3, 9, 1, 4, 2, 9, 4, 1, 2, 5, 7, 8, 7, 6, 8, 6];
        let mut edges = EdgeSet::default();
        let mut expected = BTreeSet::new();
        for id in steps.map(EdgeId) {
            if expected.remove(&id) {
                edges.remove(&id);
            } else {
                edges.insert(id);
                edges.insert(id);
                expected.insert(id);
            }
            edges.remove(&EdgeId(100));
            assert!(edges.iter().eq(&expected), "{edges:?}, expected {expected:?}");
            assert_eq!((edges.len(), edges.is_empty()), (expected.len(), expected.is_empty()));
        }
        assert_eq!(size_of::<EdgeSet>(), 24);
    }
}
