use insight_protocol::EdgeId;
use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::slice;

/// The open edges of a task or a resource, by id.
///
/// Most tasks and resources have one or two edges, which take no memory on the heap. A lock with a hundred thousand waiting
/// tasks has as many edges. If they were opened one after the other, each takes little more than a bit.
#[derive(Clone)]
pub struct EdgeSet(Edges);

#[derive(Clone)]
enum Edges {
    /// The number of ids, and the ids in order.
    Few(u8, [EdgeId; FEW]),
    /// Boxed, so that these rare large sets do not make the common small ones larger.
    Many(Box<Many>),
}

const FEW: usize = 2;

/// Bit `n` of the word `m` is the edge `64 * m + n`. No word is 0.
#[derive(Clone)]
struct Many {
    words: BTreeMap<u64, u64>,
    len: usize,
}

fn word_of(id: EdgeId) -> (u64, u64) {
    (id.0 / 64, 1 << (id.0 % 64))
}

impl Many {
    fn insert(&mut self, id: EdgeId) {
        let (number, bit) = word_of(id);
        let word = self.words.entry(number).or_default();
        self.len += usize::from(*word & bit == 0);
        *word |= bit;
    }

    fn remove(&mut self, id: EdgeId) {
        let (number, bit) = word_of(id);
        let Some(word) = self.words.get_mut(&number).filter(|word| **word & bit != 0) else { return };
        *word &= !bit;
        self.len -= 1;
        if *word == 0 {
            self.words.remove(&number);
        }
    }
}

impl EdgeSet {
    /// Number of edges.
    pub fn len(&self) -> usize {
        match &self.0 {
            Edges::Few(len, _) => usize::from(*len),
            Edges::Many(edges) => edges.len,
        }
    }

    /// Whether it has no edges.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ids, in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(match &self.0 {
            Edges::Few(len, edges) => IterOf::Few(edges[..usize::from(*len)].iter()),
            Edges::Many(edges) => IterOf::Many { words: edges.words.iter(), number: 0, word: 0 },
        })
    }

    /// Adds an id.
    pub fn insert(&mut self, id: EdgeId) {
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
                    Err(_) => {
                        let mut many = Many { words: BTreeMap::new(), len: 0 };
                        few.iter().copied().chain([id]).for_each(|id| many.insert(id));
                        self.0 = Edges::Many(Box::new(many));
                    }
                }
            }
            Edges::Many(edges) => edges.insert(id),
        }
    }

    /// Removes an id.
    pub fn remove(&mut self, id: &EdgeId) {
        match &mut self.0 {
            Edges::Few(len, edges) => {
                let here = usize::from(*len);
                if let Ok(at) = edges[..here].binary_search(id) {
                    edges.copy_within(at + 1..here, at);
                    *len -= 1;
                }
            }
            Edges::Many(edges) => {
                edges.remove(*id);
                if edges.len == 0 {
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
    Many {
        words: btree_map::Iter<'a, u64, u64>,
        number: u64,
        /// The remaining bits of the word with this number.
        word: u64,
    },
}

impl Iterator for Iter<'_> {
    type Item = EdgeId;

    fn next(&mut self) -> Option<EdgeId> {
        match &mut self.0 {
            IterOf::Few(edges) => edges.next().copied(),
            IterOf::Many { words, number, word } => {
                if *word == 0 {
                    (*number, *word) = words.next().map(|(number, word)| (*number, *word))?;
                }
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                Some(EdgeId(*number * 64 + u64::from(bit)))
            }
        }
    }
}

impl<'a> IntoIterator for &'a EdgeSet {
    type Item = EdgeId;
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

    /// Adds and removes ids of many words, and compares with a set of the standard library.
    #[test]
    fn set_of_many_words_has_the_expected_ids() {
        let (mut edges, mut expected) = (EdgeSet::default(), BTreeSet::new());
        for step in 0..4_000_u64 {
            let id = EdgeId(1 + step * 7_919 % 300 + step % 3 * 1_000_003);
            if expected.remove(&id) {
                edges.remove(&id);
            } else {
                edges.insert(id);
                expected.insert(id);
            }
            assert_eq!(edges.len(), expected.len());
        }
        assert!(expected.len() > 100 && edges.iter().eq(expected.iter().copied()), "{edges:?}, expected {expected:?}");
        expected.iter().for_each(|id| edges.remove(id));
        assert!(edges.is_empty() && edges.iter().next().is_none());
    }

    /// Each step adds an id, or removes it if it is in the set.
    #[test]
    fn ids_are_in_order() {
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
            assert!(edges.iter().eq(expected.iter().copied()), "{edges:?}, expected {expected:?}");
            assert_eq!((edges.len(), edges.is_empty()), (expected.len(), expected.is_empty()));
        }
        assert_eq!(size_of::<EdgeSet>(), 24);
    }
}
