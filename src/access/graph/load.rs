//! Building the graph from all rows at once.

use std::collections::HashMap;

use crate::model::{BUILT_IN_ROLES, Catalogue, GroupId, Member, MemberKind, Reason, Scope, ScopePath};

use super::dense::Dense;
use super::roles::Roles;
use super::scopes::Scopes;
use super::subjects::FactSets;
use super::{Change, Graph, Subject};

/// A graph that rows are still poured into, in any order; memberships, of which there are most, the quick way.
#[derive(Debug)]
pub struct Loading {
    graph: Graph,
    /// Rows come group by group.
    last_group: Option<(GroupId, u32)>,
}

impl Graph {
    /// An organization with nobody in it: the default catalogue, the built-in roles, the scope `/`.
    pub fn empty() -> Self {
        let mut graph = Self {
            subjects: Dense::default(),
            by_identifier: HashMap::new(),
            facts: FactSets::default(),
            groups: Dense::default(),
            roles: Roles::new(Catalogue::default(), BUILT_IN_ROLES.iter().filter_map(|role| role.version())),
            scopes: Scopes::default(),
            assignments: HashMap::new(),
        };
        graph.scopes.set(Scope {
            path: ScopePath::root(),
            production: false,
            gates: std::collections::BTreeMap::new(),
            description: None::<Reason>,
        });
        graph
    }

    /// Begins to load.
    pub fn load() -> Loading {
        Loading { graph: Self::empty(), last_group: None }
    }
}

impl Loading {
    /// A row of any table but the memberships.
    pub fn row(&mut self, change: Change) {
        self.graph.apply(change);
    }

    /// A current membership.
    pub fn membership(&mut self, group: GroupId, member: Member) {
        if member.kind == MemberKind::Group {
            self.graph.apply(Change::Joined(group, member));
            return;
        }
        let outer = match self.last_group {
            Some((last, number)) if last == group => number,
            _ => self.graph.groups.intern(&group),
        };
        self.last_group = Some((group, outer));
        let subject = self.graph.subjects.intern(&Subject::User(member.id.into()));
        self.graph.groups.get_mut(outer).into_iter().for_each(|record| record.members.append(subject));
        self.graph.subjects.get_mut(subject).into_iter().for_each(|record| record.groups.append(outer));
    }

    /// The graph, in order.
    pub fn finish(mut self) -> Graph {
        for record in self.graph.subjects.values_mut() {
            record.groups.settle();
        }
        for record in self.graph.groups.values_mut() {
            record.members.settle();
        }
        self.graph.subjects.shrink();
        self.graph.groups.shrink();
        self.graph.by_identifier.shrink_to_fit();
        self.graph
    }
}
