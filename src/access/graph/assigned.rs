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
#[derive(Debug, Clone, Default)]
pub(super) struct Assigned(Vec<Held>);

impl Assigned {
    /// Adds one.
    pub fn insert(&mut self, held: Held) {
        if let Err(place) = self.0.binary_search(&held) {
            self.0.insert(place, held);
        }
    }

    /// Takes one out.
    pub fn remove(&mut self, scope: u32, id: AssignmentId) {
        if let Some(place) = self.0.iter().position(|held| held.scope == scope && held.id == id) {
            self.0.remove(place);
        }
    }

    /// Whether nothing is assigned.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is assigned at one scope.
    pub fn at(&self, scope: u32) -> impl Iterator<Item = &Held> {
        let first = self.0.partition_point(|held| held.scope < scope);
        self.0.iter().skip(first).take_while(move |held| held.scope == scope)
    }

    /// What is assigned anywhere.
    pub fn iter(&self) -> impl Iterator<Item = &Held> {
        self.0.iter()
    }
}

impl Held {
    /// When it next begins or ends after `now`.
    pub fn next_turn(&self, now: Moment) -> Option<Moment> {
        let from = self.validity.from();
        if from > now { Some(from) } else { self.validity.until().filter(|until| *until > now) }
    }
}
