//! What is decided, by looking at everything there is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// To whom something is assigned, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Principal {
    User(String),
    Group(String),
    Service(String),
}

/// Who asks, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    User(String),
    Service(String),
}

/// Times are microseconds; `until` does not belong to it any more.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    pub(super) principal: Principal,
    pub(super) role: String,
    pub(super) scope: String,
    pub(super) from: i64,
    pub(super) until: i64,
}

/// An organization.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    pub(super) scopes: BTreeSet<String>,
    pub(super) roles: BTreeMap<String, BTreeSet<String>>,
    /// Whether they are active.
    pub(super) users: BTreeMap<String, bool>,
    /// Their members: users and groups.
    pub(super) groups: BTreeMap<String, BTreeSet<String>>,
    /// Their owner and their end.
    pub(super) services: BTreeMap<String, (String, i64)>,
    pub(super) assignments: BTreeMap<String, Assignment>,
}

/// The scope around a scope.
pub(super) fn parent(scope: &str) -> Option<&str> {
    match scope.rsplit_once('/')? {
        ("", "") => None,
        ("", _) => Some("/"),
        (above, _) => Some(above),
    }
}

/// What a scope is.
pub(super) fn kind(scope: &str) -> &'static str {
    match (parent(scope), parent(scope).and_then(parent)) {
        (None, _) => "organization",
        (_, None) => "project",
        _ => "environment",
    }
}

impl Subject {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Service(_) => "service",
        }
    }

    pub(super) fn id(&self) -> &str {
        match self {
            Self::User(id) | Self::Service(id) => id,
        }
    }

    pub(super) fn entity(&self) -> Value {
        json!({ "type": self.kind(), "id": self.id() })
    }
}

impl Oracle {
    pub(super) fn subjects(&self) -> Vec<Subject> {
        let users = self.users.keys().map(|id| Subject::User(id.clone()));
        users.chain(self.services.keys().map(|id| Subject::Service(id.clone()))).collect()
    }

    /// A user or a group is deleted: a member of nothing, and nothing assigned counts.
    pub(super) fn forget(&mut self, id: &str) {
        self.users.remove(id);
        self.groups.remove(id);
        self.groups.values_mut().for_each(|members| members.retain(|member| member != id));
        self.assignments.retain(|_, assignment| !matches!(&assignment.principal, Principal::User(user) if user == id));
    }

    /// Whether `inner` is a member of `outer`, or of a group that is, and so on.
    pub(super) fn is_within(&self, inner: &str, outer: &str) -> bool {
        self.groups.get(outer).is_some_and(|members| {
            members.contains(inner) || members.iter().any(|member| self.is_within(inner, member))
        })
    }

    fn stands(&self, subject: &Subject, now: i64) -> bool {
        let active = |user: &str| self.users.get(user) == Some(&true);
        match subject {
            Subject::User(id) => active(id),
            Subject::Service(id) => self.services.get(id).is_some_and(|(owner, until)| now < *until && active(owner)),
        }
    }

    fn is_meant(&self, principal: &Principal, subject: &Subject) -> bool {
        match (principal, subject) {
            (Principal::User(one), Subject::User(other)) | (Principal::Service(one), Subject::Service(other)) => {
                one == other
            }
            (Principal::Group(group), Subject::User(user)) => self.is_within(user, group),
            _ => false,
        }
    }

    /// Whether `subject` may do this at `scope` now.
    pub(super) fn allows(&self, subject: &Subject, permission: &str, scope: &str, now: i64) -> bool {
        let around: BTreeSet<&str> = std::iter::successors(Some(scope), |inner| parent(inner)).collect();
        self.scopes.contains(scope)
            && self.stands(subject, now)
            && self.assignments.values().any(|assignment| {
                assignment.from <= now
                    && now < assignment.until
                    && around.contains(assignment.scope.as_str())
                    && self.roles[&assignment.role].contains(permission)
                    && self.is_meant(&assignment.principal, subject)
            })
    }
}
