//! The names of tasks, and the number of spawn locations that have each of them.

use crate::task::Origin;
use insight_protocol::LocationId;
use std::collections::HashMap;
use std::sync::Arc;

/// The names of all tasks. They are computed once a change, by spawn location.
#[derive(Debug, Default)]
pub(crate) struct Names {
    whole: Places,
    short: Places,
}

/// The spawn location of each name; `None` if it has several.
type Places = HashMap<Arc<str>, Option<LocationId>>;

impl Names {
    /// Adds the name of tasks with this origin.
    pub(crate) fn add(&mut self, name: &Arc<str>, origin: &Origin) {
        // A library task has no known spawn location.
        let Some(location) = origin.location.as_ref().filter(|_| !origin.partial).map(|location| location.id) else {
            return;
        };
        let add = |names: &mut Places, name: Arc<str>| {
            let place = names.entry(name).or_insert(Some(location));
            *place = place.filter(|first| *first == location);
        };
        add(&mut self.whole, name.clone());
        let short = short(name);
        add(&mut self.short, if short.len() == name.len() { name.clone() } else { short.into() });
    }

    /// Whether tasks of several locations have this name.
    pub(crate) fn is_ambiguous(&self, name: &str) -> bool {
        self.whole.get(name).is_some_and(Option::is_none)
    }

    /// As [`is_ambiguous`](Names::is_ambiguous), for the name from [`short`].
    pub(crate) fn is_ambiguous_in_short(&self, name: &str) -> bool {
        self.short.get(name).is_some_and(Option::is_none)
    }
}

/// The last part of a path. A block or a closure keeps the function that it is in.
pub(crate) fn short(name: &str) -> &str {
    if name.contains('<') {
        return name;
    }
    let Some((before, last)) = name.rsplit_once("::") else { return name };
    let kept = if last.starts_with('{') { before.rfind("::").map_or(0, |at| at + 2) } else { before.len() + 2 };
    &name[kept..]
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn names_for_a_narrow_column() {
        let check = |name: &str, expect: &str| assert_eq!(short(name), expect);
        check("barbara::write_orders", "write_orders");
        check("barbara::main::{async block}", "main::{async block}");
        check("main::{async block}", "main::{async block}");
        check("<Pool as Work>::run", "<Pool as Work>::run");
        check("pump", "pump");
    }
}
