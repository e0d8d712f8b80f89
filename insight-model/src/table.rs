use insight_protocol::{EdgeId, ResourceId, TaskId};
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::marker::PhantomData;
use std::ops::Index;
use std::sync::Arc;

/// A number from 1 on that the producer counts up, and gives to one thing only.
pub trait Id: Copy + Ord {
    /// The number.
    fn number(self) -> u64;
    /// The id of that number.
    fn of(number: u64) -> Self;
}

macro_rules! id {
    ($($name:ident)*) => {$(
        impl Id for $name {
            fn number(self) -> u64 {
                self.0
            }

            fn of(number: u64) -> $name {
                $name(number)
            }
        }
    )*};
}

id!(TaskId ResourceId EdgeId);

/// A map of what is alive, by id.
///
/// Ids are counted up, and what was made one after the other is mostly asked for together. So neighbours lie side by side, in
/// a page of 32 ids that has only those that are there: a full page has no byte to spare, and a single one that
/// outlives its neighbours takes no more than itself. To find one takes one look into a hash table that is that much
/// smaller than one of each would be; to go through them in order, to sort the pages.
///
/// A copy shares the pages. Each is copied when it is first changed while another table has it: so a copy takes little time,
/// also of a million, and as much memory as is changed while it is there.
#[derive(Clone)]
pub struct Table<K, V> {
    pages: HashMap<u64, Arc<Page<V>>, BuildHasherDefault<IdHasher>>,
    len: usize,
    ids: PhantomData<K>,
}

/// What one more takes to move when one of a page is removed, against what a page itself takes.
const PAGE: u64 = 32;

#[derive(Clone)]
struct Page<V> {
    /// Bit `n`: the `n`th id of the page is here.
    here: u32,
    /// In the order of their ids.
    values: Vec<V>,
}

impl<V> Page<V> {
    /// Where the value of an id lies, or would.
    fn at(&self, bit: u32) -> usize {
        (self.here & (bit - 1)).count_ones() as usize
    }
}

fn page_of(id: impl Id) -> (u64, u32) {
    (id.number() / PAGE, 1 << (id.number() % PAGE))
}

impl<K: Id, V> Table<K, V> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of this id.
    pub fn get(&self, id: &K) -> Option<&V> {
        let (number, bit) = page_of(*id);
        let page = self.pages.get(&number).filter(|page| page.here & bit != 0)?;
        page.values.get(page.at(bit))
    }

    /// Whether there is one of this id.
    pub fn contains_key(&self, id: &K) -> bool {
        self.get(id).is_some()
    }

    /// Each id with its value, by id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> {
        self.in_order().flat_map(|(number, page)| {
            let bits = (0..PAGE).filter(|bit| page.here & (1 << bit) != 0);
            // Both ways: each has as many.
            let ids: Vec<K> = bits.map(|bit| K::of(number * PAGE + bit)).collect();
            ids.into_iter().zip(&page.values)
        })
    }

    /// The ids, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = K> {
        self.iter().map(|(id, _)| id)
    }

    /// The values, by id.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.in_order().flat_map(|(_, page)| &page.values)
    }

    fn in_order(&self) -> impl DoubleEndedIterator<Item = (u64, &Page<V>)> {
        let mut pages: Vec<(u64, &Page<V>)> = self.pages.iter().map(|(number, page)| (*number, &**page)).collect();
        pages.sort_unstable_by_key(|(number, _)| *number);
        pages.into_iter()
    }
}

impl<K: Id, V: Clone> Table<K, V> {
    /// The value of this id, to change.
    pub fn get_mut(&mut self, id: &K) -> Option<&mut V> {
        let (number, bit) = page_of(*id);
        let page = Arc::make_mut(self.pages.get_mut(&number).filter(|page| page.here & bit != 0)?);
        let at = page.at(bit);
        page.values.get_mut(at)
    }

    /// Puts in a value; gives back the one that it replaces.
    pub fn insert(&mut self, id: K, value: V) -> Option<V> {
        let (number, bit) = page_of(id);
        let page = self.pages.entry(number).or_insert_with(|| Arc::new(Page { here: 0, values: Vec::new() }));
        let page = Arc::make_mut(page);
        let at = page.at(bit);
        if page.here & bit != 0 {
            return Some(std::mem::replace(&mut page.values[at], value));
        }
        page.here |= bit;
        page.values.insert(at, value);
        self.len += 1;
        None
    }

    /// Takes a value out.
    pub fn remove(&mut self, id: &K) -> Option<V> {
        let (number, bit) = page_of(*id);
        let page = Arc::make_mut(self.pages.get_mut(&number).filter(|page| page.here & bit != 0)?);
        let value = page.values.remove(page.at(bit));
        page.here &= !bit;
        self.len -= 1;
        match page.values.len() {
            0 => _ = self.pages.remove(&number),
            few if few <= page.values.capacity() / 4 => page.values.shrink_to(few * 2),
            _ => {}
        }
        Some(value)
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Table<K, V> {
        Table { pages: HashMap::default(), len: 0, ids: PhantomData }
    }
}

impl<K: Id, V> Index<&K> for Table<K, V> {
    type Output = V;

    /// # Panics
    ///
    /// When there is none of this id.
    fn index(&self, id: &K) -> &V {
        self.get(id).expect("no value of this id")
    }
}

impl<K: Id, V: PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Table<K, V>) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<K: Id + fmt::Debug, V: fmt::Debug> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Numbers that are counted up by the producer's own program, and looked up millions of times.
#[derive(Clone, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, id: u64) {
        // The lower bits say where an entry lies: what was made one after the other lies side by side. The upper ones tell
        // those apart that lie there.
        const UPPER: u64 = 0x7f << 57;
        self.0 = (id & !UPPER) | (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) & UPPER);
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use insight_protocol::TaskId;
    use std::collections::BTreeMap;

    /// Steps of a random walk over few ids, each done to a map of the standard library too.
    #[test]
    fn a_table_is_a_map() {
        let mut random = 1u64;
        let mut below = |bound: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % bound
        };
        let mut table: Table<TaskId, u64> = Table::default();
        let mut map: BTreeMap<TaskId, u64> = BTreeMap::new();
        let mut copies = Vec::new();
        for step in 0..20_000 {
            // Some close together, and some far off.
            let id = TaskId(1 + below(100) + 1_000_000_007 * below(2));
            // It grows and shrinks in turn.
            if below(10) < 2 + 6 * (step / 1_000 % 2) {
                assert_eq!(table.insert(id, step), map.insert(id, step));
            } else {
                assert_eq!(table.remove(&id), map.remove(&id));
            }
            assert_eq!(table.get(&id), map.get(&id));
            assert_eq!(table.get_mut(&id), map.get_mut(&id));
            assert_eq!((table.len(), table.is_empty()), (map.len(), map.is_empty()));
            if step % 100 == 0 {
                assert!(table.iter().eq(map.iter().map(|(id, value)| (*id, value))));
                assert!(table.iter().rev().eq(map.iter().rev().map(|(id, value)| (*id, value))));
                assert!(table.values().rev().eq(map.values().rev()));
                assert!(table.keys().eq(map.keys().copied()));
                assert_eq!(table, table.clone());
            }
            if step % 1_000 == 0 {
                copies.push((table.clone(), map.clone()));
            }
        }
        for (table, map) in &copies {
            assert!(table.len() == map.len() && table.iter().eq(map.iter().map(|(id, value)| (*id, value))));
        }
        map.keys().for_each(|id| _ = table.remove(id));
        assert!(table.is_empty() && table.pages.is_empty());
    }
}
