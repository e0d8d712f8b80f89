use insight_protocol::{EdgeId, ResourceId, TaskId};
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::marker::PhantomData;
use std::ops::Index;
use std::sync::Arc;

/// A number from 1 that the producer counts up, and never gives to two things.
pub trait Id: Copy + Ord {
    /// The number.
    fn number(self) -> u64;
    /// The id with this number.
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

impl Id for u64 {
    fn number(self) -> u64 {
        self
    }

    fn of(number: u64) -> u64 {
        number
    }
}

/// A map of live things, by id.
///
/// Ids are counted up, and neighbours are usually used together. So a page of 32 ids has the values of neighbours side by
/// side, and only those that exist. In a full page, each value takes one byte more than its own size. A value that outlives
/// its neighbours takes little more than itself. Finding a value takes one search in a hash table with one entry for each
/// page. Removing a value moves one other. Iterating in order sorts the pages.
///
/// A copy shares the pages. A page is copied when it is changed while it is shared. So even a copy of a million values takes
/// little time, and only the changed pages take memory.
#[derive(Clone)]
pub struct Table<K, V> {
    pages: HashMap<u64, Arc<Page<V>>, BuildHasherDefault<IdHasher>>,
    len: usize,
    ids: PhantomData<K>,
}

/// Number of ids of a page.
const PAGE: u64 = 32;

#[derive(Clone)]
struct Page<V> {
    /// The index of each id's value, or [`ABSENT`].
    indices: [u8; PAGE as usize],
    /// The values in the order of insertion, but the last value replaces a removed one.
    values: Vec<V>,
}

const ABSENT: u8 = u8::MAX;

impl<V> Page<V> {
    /// The slots with their values, in the order of ids.
    fn in_order(&self) -> impl DoubleEndedIterator<Item = (u64, &V)> {
        let here = self.indices.iter().enumerate().filter(|(_, index)| **index != ABSENT);
        here.map(|(slot, index)| (slot as u64, &self.values[usize::from(*index)]))
    }
}

/// The number of an id's page, and the slot in it.
fn page_of(id: impl Id) -> (u64, usize) {
    (id.number() / PAGE, (id.number() % PAGE) as usize)
}

impl<K: Id, V> Table<K, V> {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value with this id.
    pub fn get(&self, id: &K) -> Option<&V> {
        let (number, slot) = page_of(*id);
        let page = self.pages.get(&number)?;
        page.values.get(usize::from(page.indices[slot]))
    }

    /// Whether there is a value with this id.
    pub fn contains_key(&self, id: &K) -> bool {
        self.get(id).is_some()
    }

    /// The ids with their values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> {
        self.in_order()
            .flat_map(|(number, page)| page.in_order().map(move |(slot, value)| (K::of(number * PAGE + slot), value)))
    }

    /// The ids, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = K> + use<'_, K, V> {
        self.iter().map(|(id, _)| id)
    }

    /// The values, in the order of their ids.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    fn in_order(&self) -> impl DoubleEndedIterator<Item = (u64, &Page<V>)> {
        let mut pages: Vec<(u64, &Page<V>)> = self.pages.iter().map(|(number, page)| (*number, &**page)).collect();
        pages.sort_unstable_by_key(|(number, _)| *number);
        pages.into_iter()
    }
}

impl<K: Id, V: Clone> Table<K, V> {
    /// The value with this id, to be changed.
    pub fn get_mut(&mut self, id: &K) -> Option<&mut V> {
        let (number, slot) = page_of(*id);
        let page = self.pages.get_mut(&number).filter(|page| page.indices[slot] != ABSENT)?;
        let page = Arc::make_mut(page);
        page.values.get_mut(usize::from(page.indices[slot]))
    }

    /// Inserts a value. Returns the value that it replaces.
    pub fn insert(&mut self, id: K, value: V) -> Option<V> {
        let (number, slot) = page_of(id);
        let empty = || Arc::new(Page { indices: [ABSENT; PAGE as usize], values: Vec::new() });
        let page = Arc::make_mut(self.pages.entry(number).or_insert_with(empty));
        let index = &mut page.indices[slot];
        if let Some(there) = page.values.get_mut(usize::from(*index)) {
            return Some(std::mem::replace(there, value));
        }
        *index = page.values.len() as u8;
        page.values.push(value);
        self.len += 1;
        None
    }

    /// Removes a value, and returns it.
    pub fn remove(&mut self, id: &K) -> Option<V> {
        let (number, slot) = page_of(*id);
        let page = self.pages.get_mut(&number).filter(|page| page.indices[slot] != ABSENT)?;
        let page = Arc::make_mut(page);
        let index = std::mem::replace(&mut page.indices[slot], ABSENT);
        let value = page.values.swap_remove(usize::from(index));
        self.len -= 1;
        let last = page.values.len();
        if last == 0 {
            self.pages.remove(&number);
            return Some(value);
        }
        if let Some(moved) = page.indices.iter_mut().find(|moved| usize::from(**moved) == last) {
            *moved = index;
        }
        if last <= page.values.capacity() / 4 {
            page.values.shrink_to(last * 2);
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
    /// If there is no value with this id.
    fn index(&self, id: &K) -> &V {
        self.get(id).expect("no value with this id")
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

/// Hashes ids. The producer counts them up, so they need no protection against collisions, and they are looked up often.
#[derive(Clone, Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, id: u64) {
        // The lower bits select the place in the hash table, so neighbours are side by side. The upper bits distinguish
        // entries at the same place.
        const UPPER: u64 = 0x7f << 57;
        self.0 = (id & !UPPER) | (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) & UPPER);
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use insight_protocol::TaskId;
    use std::collections::BTreeMap;

    /// Makes the steps of a random walk over few ids, and compares with a map of the standard library.
    #[test]
    fn table_behaves_like_a_map() {
        let mut random = 1u64;
        let mut below = |bound: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % bound
        };
        let mut table: Table<TaskId, u64> = Table::default();
        let mut map: BTreeMap<TaskId, u64> = BTreeMap::new();
        let mut copies = Vec::new();
        for step in 0..20_000 {
            // Some ids are close together, and some are far apart.
            let id = TaskId(1 + below(100) + 1_000_000_007 * below(2));
            // The table grows and shrinks in turn.
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
