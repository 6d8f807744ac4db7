//! Ids that callers named and that nothing of their organization bears, gathered here and put on record a moment later:
//! whose they are takes time to find out, which no answer may show.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use crate::model::{Actor, Caller, OrganizationId, RequestId, ResourceId, limits};

use super::Live;

/// What one caller named.
#[derive(Debug, Clone)]
pub struct Named {
    /// The caller's organization.
    pub organization: OrganizationId,
    /// The caller.
    pub actor: Actor,
    /// The request that named something last.
    pub request: RequestId,
    /// What was named, the first of it.
    pub ids: BTreeSet<ResourceId>,
    /// How often.
    pub times: u64,
    /// How often of that it was another organization's console.
    pub entered: u64,
}

/// What was named since it was last asked for.
#[derive(Debug, Default)]
pub struct Noted {
    /// By caller.
    pub callers: Vec<Named>,
    /// Organizations whose console was asked for by accounts that are nobody there, by slug as it was asked for.
    pub entered: BTreeMap<String, u64>,
}

#[derive(Default)]
pub(super) struct UnknownIds(Mutex<Gathered>);

#[derive(Default)]
struct Gathered {
    callers: HashMap<(OrganizationId, Actor), Named>,
    entered: BTreeMap<String, u64>,
}

impl Gathered {
    fn of(&mut self, organization: OrganizationId, actor: Actor, request: RequestId) -> &mut Named {
        let none = || Named { organization, actor, request, ids: BTreeSet::new(), times: 0, entered: 0 };
        let named = self.callers.entry((organization, actor)).or_insert_with(none);
        (named.request, named.times) = (request, named.times.saturating_add(1));
        named
    }
}

impl Live {
    /// A request of `caller` named these, and was refused. Those of its own organization are told apart later.
    pub fn note_unknown(&self, caller: &Caller, ids: impl IntoIterator<Item = ResourceId>) {
        let mut ids = ids.into_iter().peekable();
        if ids.peek().is_none() {
            return;
        }
        let mut gathered = self.0.unknown_ids.0.lock().unwrap_or_else(PoisonError::into_inner);
        let named = gathered.of(caller.organization, caller.actor, caller.request);
        let room = limits::UNKNOWN_IDS.saturating_sub(named.ids.len());
        named.ids.extend(ids.take(room));
    }

    /// An account of these organizations asked for the console of another, whether there is one or not.
    pub fn note_entered(
        &self,
        organizations: impl IntoIterator<Item = OrganizationId>,
        (actor, request): (Actor, RequestId),
        slug: &str,
    ) {
        let mut gathered = self.0.unknown_ids.0.lock().unwrap_or_else(PoisonError::into_inner);
        for organization in organizations {
            let named = gathered.of(organization, actor, request);
            named.entered = named.entered.saturating_add(1);
        }
        let is_new = !gathered.entered.contains_key(slug);
        if !is_new || gathered.entered.len() < limits::UNKNOWN_IDS {
            let times = gathered.entered.entry(slug.to_owned()).or_default();
            *times = times.saturating_add(1);
        }
    }

    /// What was noted since the last time.
    pub fn take_unknown(&self) -> Noted {
        let gathered = std::mem::take(&mut *self.0.unknown_ids.0.lock().unwrap_or_else(PoisonError::into_inner));
        Noted { callers: gathered.callers.into_values().collect(), entered: gathered.entered }
    }
}
