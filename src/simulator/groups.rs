//! Which groups are there, and what was done to each.

use std::collections::{HashMap, HashSet};

use super::{check::ListGroups, draw::Draw, options::Groups};

/// What the simulator remembers of a group that was called.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Past {
    /// Calls that got as far as the group.
    pub(super) calls: u32,
    /// Calls that met the group's fault.
    pub(super) faulted: u32,
    /// Calls that disbanded it; more than one if it was created again in between.
    pub(super) destroyed: u32,
    /// It is not there now.
    pub(super) gone: bool,
}

/// Groups by name.
#[derive(Debug, Default)]
struct Listed {
    /// IDs and their keys in the order of a listing.
    places: Vec<(Box<str>, u128)>,
    keys: HashSet<u128>,
}

impl Listed {
    fn add(&mut self, seed: u64, id: &str) {
        let key = Draw::new(seed, id).key;
        if self.keys.insert(key) {
            self.places.push((id.into(), key));
        }
    }
}

/// All groups of the app.
#[derive(Debug)]
pub(super) struct Register {
    seed: u64,
    /// The listed groups; `None` if every ID is a group.
    listed: Option<Listed>,
    past: HashMap<u128, Past>,
    /// The generation before `past`: still known, and dropped as a whole when `past` is full again.
    older: HashMap<u128, Past>,
    remember: usize,
}

/// One page of a listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<'a> {
    pub(super) total: usize,
    pub(super) ids: Vec<&'a str>,
    pub(super) next: u64,
}

impl Register {
    pub(super) fn new(groups: Groups, seed: u64, remember: Option<usize>) -> Self {
        let listed = match groups {
            Groups::Any => None,
            Groups::Listed(ids) => {
                let mut listed = Listed::default();
                ids.iter().for_each(|id| listed.add(seed, id));
                Some(listed)
            }
        };
        Self {
            seed,
            listed,
            past: HashMap::new(),
            older: HashMap::new(),
            remember: remember.unwrap_or(usize::MAX),
        }
    }

    /// What is remembered of a group, to be changed.
    pub(super) fn past_mut(&mut self, key: u128) -> &mut Past {
        let known = self.older.remove(&key);
        if self.past.len() >= self.remember && !self.past.contains_key(&key) {
            self.older = std::mem::take(&mut self.past);
        }
        self.past
            .entry(key)
            .or_insert_with(|| known.unwrap_or_default())
    }

    /// What is remembered of a group.
    pub(super) fn past(&self, key: u128) -> Past {
        self.past
            .get(&key)
            .or_else(|| self.older.get(&key))
            .copied()
            .unwrap_or_default()
    }

    /// Disbands a group; `false` if there is none.
    pub(super) fn destroy(&mut self, key: u128) -> bool {
        let exists = self.exists(key);
        if exists {
            let past = self.past_mut(key);
            past.gone = true;
            past.destroyed += 1;
        }
        exists
    }

    /// Creates a group, perhaps under an ID that was in use before.
    pub(super) fn create(&mut self, id: &str) {
        let key = Draw::new(self.seed, id).key;
        self.past_mut(key).gone = false;
        if let Some(listed) = &mut self.listed {
            listed.add(self.seed, id);
        }
    }

    fn exists(&self, key: u128) -> bool {
        let known = self
            .listed
            .as_ref()
            .is_none_or(|listed| listed.keys.contains(&key));
        known && !self.past(key).gone
    }

    /// One page of the groups that are there. `next` counts places, disbanded groups included, so that pages stay in step
    /// while groups vanish. Where every ID is a group, none is listed.
    pub(super) fn page(&self, list: &ListGroups) -> Page<'_> {
        let places = self
            .listed
            .as_ref()
            .map_or(&[][..], |listed| &listed.places);
        let wanted = |(id, key): &(Box<str>, u128)| {
            let kind = list.group_type.as_deref();
            kind.is_none_or(|kind| kind == type_of(id)) && self.exists(*key)
        };
        let start = usize::try_from(list.next).unwrap_or(usize::MAX);
        let mut rest = (places.iter().enumerate().skip(start))
            .filter(|(_, place)| wanted(place))
            .peekable();
        let ids = rest
            .by_ref()
            .take(list.limit as usize)
            .map(|(_, (id, _))| &**id)
            .collect();
        Page {
            total: places.iter().filter(|place| wanted(place)).count(),
            next: rest.peek().map_or(0, |&(at, _)| at as u64),
            ids,
        }
    }
}

/// The type is invented, except that a community shows in its ID (spec section 8).
fn type_of(id: &str) -> &'static str {
    if id.starts_with("@TGS#_") {
        "Community"
    } else {
        "Public"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(ids: &[&str]) -> Register {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        Register::new(Groups::Listed(ids), 1, None)
    }

    fn destroy(register: &mut Register, id: &str) -> bool {
        register.destroy(Draw::new(1, id).key)
    }

    fn list(limit: u32, next: u64, group_type: Option<&str>) -> ListGroups {
        ListGroups {
            limit,
            next,
            group_type: group_type.map(str::to_owned),
        }
    }

    #[test]
    fn a_group_can_be_disbanded_once() {
        let mut register = listed(&["a"]);
        assert!(destroy(&mut register, "a"));
        assert!(!destroy(&mut register, "a"));
        assert!(!destroy(&mut register, "b"));
        let mut any = Register::new(Groups::Any, 1, None);
        assert!(destroy(&mut any, "whatever"));
        assert!(!destroy(&mut any, "whatever"));
    }

    #[test]
    fn a_group_can_be_created_again_under_its_old_id() {
        for mut register in [listed(&["a"]), Register::new(Groups::Any, 1, None)] {
            assert!(destroy(&mut register, "a"));
            register.create("a");
            assert!(destroy(&mut register, "a"));
            assert_eq!(register.past(Draw::new(1, "a").key).destroyed, 2);
        }
    }

    #[test]
    fn pages_hold_every_group_once_while_groups_vanish() {
        let mut register = listed(&["a", "b", "c", "d", "e"]);
        let first = register.page(&list(2, 0, None));
        assert_eq!((first.total, first.ids, first.next), (5, vec!["a", "b"], 2));
        destroy(&mut register, "a");
        destroy(&mut register, "d");
        let second = register.page(&list(2, 2, None));
        assert_eq!(
            (second.total, second.ids, second.next),
            (3, vec!["c", "e"], 0)
        );
    }

    #[test]
    fn a_listing_chooses_by_type() {
        let register = listed(&["@TGS#_c", "p"]);
        assert_eq!(
            register.page(&list(9, 0, Some("Community"))).ids,
            ["@TGS#_c"]
        );
        assert_eq!(register.page(&list(9, 0, Some("Public"))).ids, ["p"]);
        assert!(register.page(&list(9, 0, Some("ChatRoom"))).ids.is_empty());
        assert!(register.page(&list(9, u64::MAX, None)).ids.is_empty());
    }

    #[test]
    fn memory_is_bounded_where_a_bound_is_set() {
        let mut register = Register::new(Groups::Any, 1, Some(100));
        for n in 0..10_000 {
            assert!(destroy(&mut register, &format!("g{n}")));
        }
        assert!(register.past.len() + register.older.len() <= 200);
        // The newest are remembered, at least as many as asked for.
        assert!((9_900..10_000).all(|n| !destroy(&mut register, &format!("g{n}"))));
        assert!(destroy(&mut register, "g0"));
    }
}
