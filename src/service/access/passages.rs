//! Who can pass a gate, through what, and since when.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::decide::{Question, Who};
use crate::access::explain::Reasons;
use crate::access::graph::{Path, Resource, Subject};
use crate::db::access::past;
use crate::db::history;
use crate::model::{Moment, OrganizationId, Permission, Principal, ResourceId, RoleName, ScopePath, UserId};

use super::{Administration, Result, catalogue, principals, scopes};

/// How many people's ways are worked out.
const LOOKED_AT: usize = 2_000;

/// Somebody who can pass, and by what.
#[derive(Debug, Clone)]
pub struct Passage {
    /// Who.
    pub user: UserId,
    /// Its userName.
    pub name: String,
    /// The groups on the way, from the one the person is in to the one that is assigned; none: assigned to the person.
    pub groups: Vec<String>,
    /// The role.
    pub role: RoleName,
    /// Where it is assigned.
    pub scope: ScopePath,
    /// Since when the person is in the first of the groups, or the assignment holds.
    pub since: Option<Moment>,
}

/// Everybody who can pass.
#[derive(Debug, Clone)]
pub struct Passages {
    /// How many people can.
    pub total: usize,
    /// Of how many the way was worked out: of all, unless they are very many.
    pub looked_at: usize,
    /// How many by which group, the most first; the name of none is empty: assigned to the person.
    pub through: Vec<(String, usize)>,
    /// The first of them, by id.
    pub shown: Vec<Passage>,
}

impl Administration {
    /// Who can pass a gate now: how many, through what, and the first `limit` by name.
    ///
    /// # Errors
    /// [`super::AdministrationError::NotFound`] for a scope or a permission that is not there.
    pub fn passages(
        &self,
        organization: OrganizationId,
        scope: &ScopePath,
        permission: &Permission,
        limit: usize,
    ) -> Result<Passages> {
        self.live.read(|tx| {
            scopes::found(tx, organization, scope)?;
            catalogue::known(tx, organization, permission)
        })?;
        let now = self.clock.now();
        let (total, ways) = self.live.judge(organization, |rules, _| {
            let resource = Resource { resource_type: scope.kind().as_str(), id: scope.as_str() };
            let permission = permission.as_str();
            let who = Who { subject_type: "user", permission, resource, circumstances: None };
            let people = rules.subjects_who_may(&who, now, None, usize::MAX);
            let ways: Vec<(UserId, Path)> = people
                .iter()
                .take(LOOKED_AT)
                .filter_map(|subject| {
                    let question = Question { subject: Ok(*subject), permission, resource, circumstances: None };
                    match (subject, rules.explain(&question, now).reasons) {
                        (Subject::User(user), Reasons::Allowed(path)) => Some((*user, path)),
                        _ => None,
                    }
                })
                .collect();
            (people.len(), ways)
        })?;
        self.live.read(|tx| {
            let looked_at = ways.len();
            let people = ways.iter().take(limit).map(|(user, _)| Principal::User(*user));
            let groups: BTreeSet<_> = ways.iter().flat_map(|(_, path)| path.groups.iter().copied()).collect();
            let named: Vec<Principal> = people.chain(groups.into_iter().map(Principal::Group)).collect();
            let names = principals::names(tx, organization, named)?;
            let name = |id: ResourceId| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
            let mut through: BTreeMap<String, usize> = BTreeMap::new();
            for (_, path) in &ways {
                let count =
                    through.entry(path.groups.last().map_or_else(String::new, |id| name((*id).into()))).or_default();
                *count = count.saturating_add(1);
            }
            let mut through: Vec<(String, usize)> = through.into_iter().collect();
            through.sort_by(|(one, few), (other, many)| many.cmp(few).then_with(|| one.cmp(other)));
            let mut shown = Vec::new();
            for (user, path) in ways.into_iter().take(limit) {
                let since = match path.groups.first() {
                    None => Some(path.assignment.validity.from()),
                    Some(group) => match history::memberships(tx, organization, *group, user.into())?.pop() {
                        Some(last) => past::moment_of(tx, organization, last.from)?,
                        None => None,
                    },
                };
                shown.push(Passage {
                    user,
                    name: name(user.into()),
                    groups: path.groups.iter().map(|id| name((*id).into())).collect(),
                    role: path.assignment.role,
                    scope: path.assignment.scope,
                    since,
                });
            }
            Ok(Passages { total, looked_at, through, shown })
        })
    }
}
