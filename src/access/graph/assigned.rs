//! What is assigned to one principal.

use crate::model::{AssignmentId, Moment, Validity};

/// One assignment, as far as decisions read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    pub scope: u32,
    pub role: u32,
    pub id: AssignmentId,
    pub validity: Validity,
}

/// The assignments of one principal, in the order of scopes.
///
/// The scopes stand by themselves: a decision looks at those of many groups and finds something at few.
#[derive(Debug, Clone, Default)]
pub(super) struct Assigned {
    scopes: Vec<u32>,
    held: Vec<Held>,
}

impl Assigned {
    /// Adds one.
    pub fn insert(&mut self, held: Held) {
        if let Err(place) = self.held.binary_search(&held) {
            self.scopes.insert(place, held.scope);
            self.held.insert(place, held);
        }
    }

    /// Takes one out.
    pub fn remove(&mut self, scope: u32, id: AssignmentId) {
        if let Some(place) = self.held.iter().position(|held| held.scope == scope && held.id == id) {
            self.scopes.remove(place);
            self.held.remove(place);
        }
    }

    /// Whether nothing is assigned.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// What is assigned at one scope.
    pub fn at(&self, scope: u32) -> impl Iterator<Item = &Held> {
        let first = self.scopes.partition_point(|known| *known < scope);
        let there = self.scopes.iter().skip(first).take_while(move |known| **known == scope).count();
        self.held.iter().skip(first).take(there)
    }

    /// What is assigned anywhere.
    pub fn iter(&self) -> impl Iterator<Item = &Held> {
        self.held.iter()
    }
}

impl Held {
    /// When it next begins or ends after `now`.
    pub fn next_turn(&self, now: Moment) -> Option<Moment> {
        let from = self.validity.from();
        if from > now { Some(from) } else { self.validity.until().filter(|until| *until > now) }
    }
}
