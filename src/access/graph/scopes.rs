//! Scopes, and the resources below them.

use std::collections::{BTreeSet, HashMap};

use crate::model::{AssignmentId, Leaf, LeafId, ResourceType, Scope, ScopePath};

use super::dense::{Bits, Dense};

/// The tree of scopes. Numbers of scopes lead to their parents, so a chain is at most three steps.
#[derive(Debug, Clone, Default)]
pub(super) struct Scopes {
    scopes: Dense<ScopePath, ScopeRecord>,
    leaves: HashMap<ResourceType, HashMap<LeafId, LeafRecord>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct ScopeRecord {
    /// `None`: named by something, not known.
    pub scope: Option<Scope>,
    parent: Option<u32>,
    /// Everything assigned here, to whomever.
    pub assignments: BTreeSet<AssignmentId>,
    /// The groups that are assigned something here.
    pub groups: Bits,
}

#[derive(Debug, Clone)]
pub(super) struct LeafRecord {
    pub leaf: Leaf,
    pub scope: u32,
}

impl Scopes {
    /// The number of a scope, known or not; those around it get theirs.
    pub fn intern(&mut self, path: &ScopePath) -> u32 {
        if let Some(number) = self.scopes.number(path) {
            return number;
        }
        let parent = path.parent().map(|parent| self.intern(&parent));
        let number = self.scopes.intern(path);
        if let Some(record) = self.scopes.get_mut(number) {
            record.parent = parent;
        }
        number
    }

    /// What is known of a scope.
    pub fn set(&mut self, scope: Scope) {
        let number = self.intern(&scope.path);
        if let Some(record) = self.scopes.get_mut(number) {
            record.scope = Some(scope);
        }
    }

    /// The scope is no more: asking about it is denied.
    pub fn remove(&mut self, path: &ScopePath) {
        if let Some(record) = self.scopes.number(path).and_then(|number| self.scopes.get_mut(number)) {
            record.scope = None;
        }
    }

    /// A resource below a scope.
    pub fn set_leaf(&mut self, leaf: Leaf) {
        let scope = self.intern(&leaf.scope);
        let of_type = self.leaves.entry(leaf.resource_type.clone()).or_default();
        of_type.insert(leaf.id.clone(), LeafRecord { leaf, scope });
    }

    /// The resource is no more.
    pub fn remove_leaf(&mut self, resource_type: &ResourceType, id: &LeafId) {
        if let Some(of_type) = self.leaves.get_mut(resource_type) {
            of_type.remove(id);
        }
    }

    /// A known scope.
    pub fn known(&self, path: &str) -> Option<(u32, &Scope)> {
        let number = self.scopes.number(path)?;
        Some((number, self.scopes.get(number)?.scope.as_ref()?))
    }

    /// A scope by its number.
    pub fn get(&self, number: u32) -> Option<&ScopeRecord> {
        self.scopes.get(number)
    }

    /// A scope by its number, to be changed.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut ScopeRecord> {
        self.scopes.get_mut(number)
    }

    /// A resource below a scope.
    pub fn leaf(&self, resource_type: &str, id: &str) -> Option<&LeafRecord> {
        self.leaves.get(resource_type)?.get(id)
    }

    /// The scope and those around it, innermost first.
    pub fn chain(&self, scope: u32) -> Chain {
        let parent = |number: u32| self.scopes.get(number).and_then(|record| record.parent);
        let second = parent(scope);
        Chain([Some(scope), second, second.and_then(parent)])
    }

    /// Those of a chain at which some group is assigned something, with these groups.
    pub fn with_groups(&self, chain: Chain) -> impl Iterator<Item = (u32, &Bits)> {
        let there = chain.iter().filter_map(|scope| Some((scope, &self.scopes.get(scope)?.groups)));
        there.filter(|(_, groups)| !groups.is_empty())
    }

    /// Whether a scope is production, itself or through one around it.
    pub fn is_production(&self, chain: Chain) -> bool {
        chain.iter().filter_map(|scope| self.scopes.get(scope)?.scope.as_ref()).any(|scope| scope.production)
    }

    /// Every known scope.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Scope)> {
        self.scopes.iter().filter_map(|(number, _, record)| Some((number, record.scope.as_ref()?)))
    }

    /// Every resource of a type.
    pub fn leaves(&self, resource_type: &str) -> impl Iterator<Item = &LeafRecord> {
        self.leaves.get(resource_type).into_iter().flat_map(HashMap::values)
    }
}

/// A scope and those around it, innermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chain([Option<u32>; 3]);

impl Chain {
    /// Their numbers.
    pub fn iter(self) -> impl Iterator<Item = u32> {
        self.0.into_iter().flatten()
    }
}
