//! Members of a group who get nothing from it: they may not act, or a guardrail bars all it gives.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::access::decide::{Question, Rules};
use crate::access::graph::{Resource, Standing, Subject};
use crate::db::directory::{self, DirectoryMember};
use crate::db::{DatabaseError, Tx};
use crate::model::{
    Caller, GroupId, MemberKind, Moment, OrganizationId, Permission, Principal, ResourceId, ScopePath, UserId, limits,
};
use crate::service::{ServiceError, Services};

/// Members looked at for one page.
const LOOKED_AT: usize = 5_000;
/// Members read in one statement.
const BATCH: i64 = 1_000;

/// Why somebody gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The person may not act.
    Inactive,
    /// Guardrails bar everything.
    Barred,
}

/// A member who gets nothing.
#[derive(Debug, Clone)]
pub struct IdleMember {
    /// Who.
    pub id: UserId,
    /// Its userName.
    pub name: String,
    /// Why.
    pub why: Why,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Idle {
    /// Whether the group gives nothing to anybody: nothing is assigned to it or to a group it is in.
    pub gives_nothing: bool,
    /// The members, in the order of their ids.
    pub members: Vec<IdleMember>,
    /// How many members were looked at.
    pub looked_at: usize,
    /// Where to go on, if there are more members.
    pub next: Option<ResourceId>,
}

/// The members after `after` who get nothing from a group, at most `limit`; so many members are looked at. Blocks.
///
/// # Errors
/// [`ServiceError`]; 404; [`ServiceError::Unavailable`] when it cannot be judged.
pub fn idle(
    services: &Services,
    caller: &Caller,
    group: GroupId,
    after: ResourceId,
    limit: usize,
) -> Result<Idle, ServiceError> {
    super::groups::read(services, caller, group)?;
    let now = services.clock.now();
    let around = services.live.read::<_, ServiceError>(|tx| Ok(around(tx, caller.organization, group)?))?;
    let given = services.live.judge(caller.organization, |rules, _| given(rules, &around, now))?;
    let mut found = Idle { gives_nothing: given.is_empty(), ..Idle::default() };
    if found.gives_nothing {
        return Ok(found);
    }
    let mut last = after;
    loop {
        let rows = services
            .live
            .read::<_, ServiceError>(|tx| Ok(directory::members_after(tx, caller.organization, group, last, BATCH)?))?;
        let whole = i64::try_from(rows.len()).unwrap_or(i64::MAX) == BATCH;
        let why: Vec<Option<Why>> = services
            .live
            .judge(caller.organization, |rules, _| rows.iter().map(|row| why(rules, row, &given, now)).collect())?;
        for (row, why) in rows.into_iter().zip(why) {
            if found.members.len() == limit {
                found.next = Some(last);
                return Ok(found);
            }
            last = row.id;
            found.looked_at = found.looked_at.saturating_add(1);
            if let Some(why) = why {
                found.members.push(IdleMember { id: row.id.into(), name: name(&row), why });
            }
        }
        if !whole {
            return Ok(found);
        }
        if found.looked_at >= LOOKED_AT {
            found.next = Some(last);
            return Ok(found);
        }
    }
}

/// The group and those it is in, and those they are in.
pub(super) fn around(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    group: GroupId,
) -> Result<BTreeSet<GroupId>, DatabaseError> {
    let (mut found, mut edge) = (BTreeSet::from([group]), vec![group]);
    for _ in 0..limits::NESTING_DEPTH {
        let mut next = Vec::new();
        for inner in edge {
            // A member is a member, whatever it is.
            let member = UserId::from(ResourceId::from(inner));
            let groups = directory::groups_of(tx, organization, member)?;
            next.extend(groups.into_iter().map(|one| one.id).filter(|id| found.insert(*id)));
        }
        edge = next;
    }
    Ok(found)
}

/// What is assigned to these groups now.
fn given(rules: &Rules<'_>, groups: &BTreeSet<GroupId>, now: Moment) -> Vec<(ScopePath, Vec<Permission>)> {
    let of_them = rules.graph.assignments().filter(|one| match one.principal {
        Principal::Group(id) => groups.contains(&id) && one.validity.holds(now),
        Principal::User(_) | Principal::Service(_) => false,
    });
    let allowed = of_them.filter_map(|one| {
        let role = rules.graph.role(&one.role)?;
        let all = rules.graph.catalogue().permissions().map(|(name, _)| name);
        Some((one.scope.clone(), all.filter(|name| role.allows(name)).cloned().collect::<Vec<_>>()))
    });
    allowed.filter(|(_, permissions)| !permissions.is_empty()).collect()
}

fn why(
    rules: &Rules<'_>,
    member: &DirectoryMember,
    given: &[(ScopePath, Vec<Permission>)],
    now: Moment,
) -> Option<Why> {
    if member.kind != MemberKind::User {
        return None;
    }
    let subject = Subject::User(member.id.into());
    if rules.graph.standing(subject) != Standing::Active {
        return Some(Why::Inactive);
    }
    let gets = given.iter().any(|(scope, permissions)| {
        let resource = Resource { resource_type: scope.kind().as_str(), id: scope.as_str() };
        permissions.iter().any(|permission| {
            let permission = permission.as_str();
            let question = Question { subject: Ok(subject), permission, resource, circumstances: None };
            rules.decide(&question, now).is_allowed()
        })
    });
    (!gets).then_some(Why::Barred)
}

fn name(row: &DirectoryMember) -> String {
    let document: Value = serde_json::from_str(&row.text).unwrap_or_default();
    document.get("userName").and_then(Value::as_str).unwrap_or_default().to_owned()
}
