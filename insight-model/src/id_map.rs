use insight_table::IdHasher;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

pub(crate) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;
pub(crate) type IdSet<K> = HashSet<K, BuildHasherDefault<IdHasher>>;
