//! What is known of subjects.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::model::{Fact, Moment};

use super::assigned::Assigned;
use super::dense::Sorted;
use super::{Graph, Subject};

/// What guardrails may read of a person, by attribute.
pub type Facts = BTreeMap<String, Fact>;

/// Whether a subject takes part at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Standing {
    /// Named somewhere, never seen.
    #[default]
    Unknown,
    /// Takes part.
    Active,
    /// Deactivated by its connection.
    Inactive,
    /// Suspended by an administrator.
    Suspended,
    /// Deleted, or stopped if it is a service.
    Deleted,
}

/// What an identifier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentifierKind {
    /// `userName` of a user, name of a service.
    Name,
    /// A value of `emails`.
    Email,
    /// `externalId`, as one connection sent it.
    ExternalId,
}

/// A text by which a subject is known besides its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    /// What it is.
    pub kind: IdentifierKind,
    /// The text, folded as the database folds its key ([`crate::model::fold`]); `externalId` as it is.
    pub text: Arc<str>,
}

/// One subject.
#[derive(Debug, Clone, Default)]
pub(super) struct SubjectRecord {
    pub standing: Standing,
    /// Groups it is a member of itself.
    pub groups: Sorted,
    pub assigned: Assigned,
    pub identifiers: Box<[Identifier]>,
    pub facts: Option<Arc<Facts>>,
    /// Present if it is a service.
    pub service: Option<Box<ServiceRecord>>,
}

/// What a service has beyond other subjects.
#[derive(Debug, Clone)]
pub(super) struct ServiceRecord {
    pub owner: u32,
    pub expires_at: Moment,
}

/// The subjects that bear an identifier: mostly one.
pub(super) type Bearers = Vec<(u32, IdentifierKind)>;

/// Facts, one copy of each set: people of one department and kind share theirs.
#[derive(Debug, Clone, Default)]
pub(super) struct FactSets(HashSet<Arc<Facts>>);

impl FactSets {
    /// The one copy.
    pub fn share(&mut self, facts: Facts) -> Option<Arc<Facts>> {
        if facts.is_empty() {
            return None;
        }
        if let Some(shared) = self.0.get(&facts) {
            return Some(Arc::clone(shared));
        }
        let shared = Arc::new(facts);
        self.0.insert(Arc::clone(&shared));
        Some(shared)
    }

    /// How many sets there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets a set that nobody else holds any more.
    pub fn release(&mut self, facts: &Arc<Facts>) {
        if Arc::strong_count(facts) <= 2 {
            self.0.remove(facts);
        }
    }
}

impl Graph {
    /// Says by what texts a subject is known, and by no others.
    pub(super) fn identify(&mut self, subject: Subject, mut identifiers: Vec<Identifier>) {
        identifiers.sort_unstable();
        identifiers.dedup();
        let number = self.subjects.intern(&subject);
        let Some(record) = self.subjects.get_mut(number) else { return };
        let before = std::mem::replace(&mut record.identifiers, identifiers.clone().into());
        for identifier in &before {
            forget(&mut self.by_identifier, identifier, number);
        }
        for Identifier { kind, text } in identifiers {
            self.by_identifier.entry(text).or_insert_with(|| Vec::with_capacity(1)).push((number, kind));
        }
    }

    /// Says what guardrails may read of a subject, and nothing else.
    pub(super) fn describe(&mut self, subject: Subject, facts: Facts) {
        let shared = self.facts.share(facts);
        let Some(record) = self.subjects.entry(&subject) else { return };
        if let Some(before) = std::mem::replace(&mut record.facts, shared) {
            self.facts.release(&before);
        }
    }
}

fn forget(by_identifier: &mut HashMap<Arc<str>, Bearers>, identifier: &Identifier, number: u32) {
    if let Some(bearers) = by_identifier.get_mut(&identifier.text) {
        bearers.retain(|bearer| *bearer != (number, identifier.kind));
        if bearers.is_empty() {
            by_identifier.remove(&identifier.text);
        }
    }
}
