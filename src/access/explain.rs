//! Why a decision is as it is, and what would change it: as data, and as text for people.

mod text;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{GroupId, Moment, ResourceId, RoleName, ScopePath};

use super::decide::{Cause, Circumstances, Question, Rules, Who};
use super::graph::{Denial, Opening, Path, Resource, Standing, Subject};

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Who, if known.
    pub subject: Option<Subject>,
    /// What.
    pub permission: String,
    /// The type of the resource.
    pub resource_type: String,
    /// Its path or id.
    pub resource: String,
    /// The reasons.
    pub reasons: Reasons,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reasons {
    /// Allowed this way.
    Allowed(Path),
    /// Assigned this way, and forbidden all the same.
    Forbidden {
        /// What would have allowed it.
        path: Path,
        /// What forbids it.
        rules: Vec<Rule>,
    },
    /// Assigned this way, and a guardrail could not be evaluated.
    Unclear {
        /// What would have allowed it.
        path: Path,
        /// The guardrail.
        rule: Rule,
        /// The attributes it misses, as it names them.
        missing: Vec<String>,
    },
    /// Not allowed by any assignment.
    NotAllowed {
        /// Why not.
        denial: Denial,
        /// What would open it, the least first.
        openings: Vec<Opening>,
        /// Who could make the change.
        makers: Makers,
    },
}

/// A guardrail as an explanation shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// Why it is there.
    pub reason: String,
    /// The control it implements.
    pub control: String,
}

/// Who could make a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Makers {
    /// The permission it takes, at `/`.
    pub permission: &'static str,
    /// Some who have it, at most [`Makers::SHOWN`].
    pub people: Vec<Subject>,
    /// Whether there are more.
    pub more: bool,
}

impl Makers {
    /// How many people are named.
    pub const SHOWN: usize = 3;
}

/// Where a membership came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Since when.
    pub since: Moment,
    /// From whom: a connection's name, `local`.
    pub source: String,
}

/// What the graph does not hold and a text wants to say. What is not here is shown by its id, or not at all.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Names of users, services, groups, approvers and connections.
    pub names: BTreeMap<ResourceId, String>,
    /// Since when a member is in a group, and from whom.
    pub memberships: BTreeMap<(GroupId, ResourceId), Provenance>,
    /// Since when a role is at its current version.
    pub roles: BTreeMap<RoleName, Moment>,
    /// Who manages a group: a connection's name, `local`.
    pub managers: BTreeMap<GroupId, String>,
}

impl Rules<'_> {
    /// Decides, and says why.
    pub fn explain(&self, question: &Question<'_>, now: Moment) -> Explanation {
        let cause = self.decide(question, now).cause;
        let path = || {
            let resolved = self.graph.resolve(question.subject.ok()?, question.permission, question.resource);
            self.graph.path(&resolved.ok()?, now)
        };
        let reasons = match (cause, path()) {
            (Cause::Assigned(_), Some(path)) => Reasons::Allowed(path),
            (Cause::Forbidden(ids), Some(path)) => {
                Reasons::Forbidden { path, rules: ids.iter().map(|id| self.rule(id)).collect() }
            }
            (Cause::Unclear { guardrail, missing }, Some(path)) => {
                Reasons::Unclear { path, rule: self.rule(&guardrail), missing }
            }
            (Cause::NotAllowed(denial), _) => self.not_allowed(question, denial, now),
            // An answer without a way to it cannot be; if it were, it would not be an allow.
            (_, None) => self.not_allowed(question, Denial::NotAssigned, now),
        };
        Explanation {
            subject: question.subject.ok(),
            permission: question.permission.to_owned(),
            resource_type: question.resource.resource_type.to_owned(),
            resource: question.resource.id.to_owned(),
            reasons,
        }
    }

    fn rule(&self, id: &crate::model::GuardrailId) -> Rule {
        let guardrail = self.guardrails.get(id);
        Rule {
            id: id.to_string(),
            reason: guardrail.map(|one| one.reason().to_string()).unwrap_or_default(),
            control: guardrail.map(|one| one.control().to_string()).unwrap_or_default(),
        }
    }

    fn not_allowed(&self, question: &Question<'_>, denial: Denial, now: Moment) -> Reasons {
        let openings = match question.subject {
            Ok(subject) => self.graph.openings(subject, question.permission, question.resource, now),
            Err(_) => Vec::new(),
        };
        let permission = match denial {
            Denial::NotActive(Standing::Suspended | Standing::Inactive) => "organization:manage-people",
            _ => "organization:manage-access",
        };
        Reasons::NotAllowed { denial, openings, makers: self.makers(permission, now) }
    }

    fn makers(&self, permission: &'static str, now: Moment) -> Makers {
        let root = ScopePath::root();
        let resource = Resource { resource_type: root.kind().as_str(), id: root.as_str() };
        let circumstances: Option<&Circumstances> = None;
        let who = Who { subject_type: "user", permission, resource, circumstances };
        let mut people = self.subjects_who_may(&who, now, None, Makers::SHOWN.saturating_add(1));
        let more = people.len() > Makers::SHOWN;
        people.truncate(Makers::SHOWN);
        Makers { permission, people, more }
    }
}

impl Explanation {
    /// Whether it explains an allow.
    pub fn is_allowed(&self) -> bool {
        matches!(self.reasons, Reasons::Allowed(_))
    }

    /// Everything a text would like a name for.
    pub fn named(&self) -> BTreeSet<ResourceId> {
        let mut ids: BTreeSet<ResourceId> = self.subject.map(Subject::id).into_iter().collect();
        for path in self.paths() {
            ids.extend(path.groups.iter().map(|group| ResourceId::from(*group)));
            ids.extend(path.assignment.approver);
            let connection = path.assignment.source.connection();
            ids.extend((!connection.is_nobody()).then(|| ResourceId::from(connection)));
        }
        ids.extend(self.joinable().map(ResourceId::from));
        if let Reasons::NotAllowed { makers, .. } = &self.reasons {
            ids.extend(makers.people.iter().map(|subject| subject.id()));
        }
        ids
    }

    /// The memberships it rests on: group and member.
    pub fn memberships(&self) -> BTreeSet<(GroupId, ResourceId)> {
        let mut rows = BTreeSet::new();
        for path in self.paths() {
            let mut member = self.subject.map(Subject::id);
            for group in &path.groups {
                rows.extend(member.map(|member| (*group, member)));
                member = Some(ResourceId::from(*group));
            }
        }
        rows
    }

    /// The roles it rests on.
    pub fn roles(&self) -> BTreeSet<&RoleName> {
        self.paths().into_iter().map(|path| &path.role.role).collect()
    }

    /// The group that joining would open it.
    pub fn joinable(&self) -> Option<GroupId> {
        let Reasons::NotAllowed { openings, .. } = &self.reasons else { return None };
        openings.iter().find_map(|opening| match opening {
            Opening::Join { group, .. } => Some(*group),
            _ => None,
        })
    }

    fn paths(&self) -> Vec<&Path> {
        match &self.reasons {
            Reasons::Allowed(path) | Reasons::Forbidden { path, .. } | Reasons::Unclear { path, .. } => vec![path],
            Reasons::NotAllowed { openings, .. } => openings
                .iter()
                .filter_map(|opening| match opening {
                    Opening::Wait(path) | Opening::Renew(path) => Some(path),
                    Opening::Join { .. } | Opening::Assign { .. } => None,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
