//! Where pages of long lists begin, remembered, so that a deep page does not cost the population before it.
//!
//! Lists are in the order of ids, which is the order of creation: new entries come at the end and move no start.
//! A deletion does; the count of deletions a start was found at says whether it still holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use crate::db::ResourceKind;
use crate::model::{ConnectionId, Moment, OrganizationId, ResourceId};

use super::Live;

/// Starts are remembered this far apart.
pub const STRIDE: u64 = 100;
/// An id younger than this may still be followed by one that sorts before it, made by a server whose clock is behind.
const SETTLED_AFTER_MICROS: i64 = 10_000_000;
/// Lists remembered at the same time.
const LISTS: usize = 1_000;

/// Names one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListKey {
    /// The organization.
    pub organization: OrganizationId,
    /// The connection; nobody for users.
    pub connection: ConnectionId,
    /// Of what.
    pub kind: ResourceKind,
}

struct Starts {
    deleted: i64,
    /// How many entries come up to and including an id.
    ends: BTreeMap<u64, ResourceId>,
}

#[derive(Default)]
pub(super) struct PageStarts(Mutex<HashMap<ListKey, Starts>>);

impl PageStarts {
    /// What was remembered of a database that has gone back may not be so.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Live {
    /// The nearest remembered place at or before `offset`: how many entries come before it, and the last of them.
    pub fn nearest_page_start(&self, list: ListKey, deleted: i64, offset: u64) -> (u64, ResourceId) {
        let lists = self.0.page_starts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let starts = lists.get(&list).filter(|starts| starts.deleted == deleted);
        let nearest = starts.and_then(|starts| starts.ends.range(..=offset).next_back());
        nearest.map_or((0, ResourceId::FIRST), |(count, id)| (*count, *id))
    }

    /// Remembers that `count` entries come up to and including `id`, if that can be relied on.
    pub fn remember_page_start(&self, list: ListKey, deleted: i64, count: u64, id: ResourceId, now: Moment) {
        if id.made_at().plus_micros(SETTLED_AFTER_MICROS) > now {
            return;
        }
        let mut lists = self.0.page_starts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.len() >= LISTS && !lists.contains_key(&list) {
            lists.clear();
        }
        let starts = lists.entry(list).or_insert_with(|| Starts { deleted, ends: BTreeMap::new() });
        if starts.deleted != deleted {
            *starts = Starts { deleted, ends: BTreeMap::new() };
        }
        starts.ends.insert(count, id);
    }
}
