//! What the changes a client asks for mean for the rows: who joins, who leaves, whoever else is in the group.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::db::memberships::{self, MembershipChange};
use crate::db::{Tx, groups, users};
use crate::model::{Caller, GroupId, Member, MemberKind, ResourceId};
use crate::scim::ScimError;
use crate::scim::filter::eval;
use crate::scim::patch::{Row, RowsChange};
use crate::service::ServiceError;

/// The net effect of a request on a group's members.
#[derive(Debug, Default)]
pub struct Effect {
    /// Who joins.
    pub joined: Vec<Member>,
    /// Who leaves.
    pub left: Vec<Member>,
    /// Deleted users and groups that were named: accepted and not added.
    pub ignored: Vec<ResourceId>,
}

impl Effect {
    /// Whether nobody joins or leaves.
    pub fn is_nothing(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty()
    }

    /// Who joins, as rows of `group`.
    pub fn joined_rows(&self, group: GroupId) -> impl Iterator<Item = MembershipChange> {
        self.joined.iter().map(move |member| MembershipChange { group, member: *member })
    }

    /// Who leaves, as rows of `group`.
    pub fn left_rows(&self, group: GroupId) -> impl Iterator<Item = MembershipChange> {
        self.left.iter().map(move |member| MembershipChange { group, member: *member })
    }

    /// For the log, by id only.
    pub fn details(&self) -> serde_json::Value {
        let ids = |members: &[Member]| members.iter().map(|member| member.id.to_string()).collect::<Vec<_>>();
        let ignored: Vec<String> = self.ignored.iter().map(ToString::to_string).collect();
        json!({ "joined": ids(&self.joined), "left": ids(&self.left), "ignored": ignored })
    }
}

/// Who is to be in the group afterwards, as far as it was said.
#[derive(Default)]
struct Wanted {
    /// Whoever is not named stays.
    others_stay: bool,
    named: BTreeMap<ResourceId, bool>,
}

/// Works out the net effect of `changes`, in their order, reading only the rows they name unless they concern all.
///
/// # Errors
/// 400 `invalidValue` for an id that was never issued here, naming it.
pub fn effect(
    tx: &mut Tx<'_>,
    caller: &Caller,
    group: GroupId,
    changes: &[RowsChange],
) -> Result<Effect, ServiceError> {
    let mut wanted = Wanted { others_stay: true, named: BTreeMap::new() };
    for change in changes {
        match change {
            RowsChange::Add(rows) => name(caller, &mut wanted, rows)?,
            RowsChange::Replace(rows) => {
                wanted = Wanted::default();
                name(caller, &mut wanted, rows)?;
            }
            RowsChange::Remove(values) => {
                // An id that is none of ours cannot be a member: nothing to remove.
                wanted.named.extend(values.iter().filter_map(|value| parse(caller, value)).map(|id| (id, false)));
            }
            RowsChange::RemoveWhere(condition) => {
                for member in present_now(tx, caller, group, &wanted)? {
                    let kind = member.kind.as_str();
                    if eval(condition, &json!({ "value": member.id.to_string(), "type": kind })) {
                        wanted.named.insert(member.id, false);
                    }
                }
            }
            RowsChange::Clear => wanted = Wanted::default(),
        }
    }
    settle(tx, caller, group, &wanted)
}

/// The members a new group is sent with: nobody is in it yet.
///
/// # Errors
/// As [`effect`].
pub fn first(tx: &mut Tx<'_>, caller: &Caller, group: GroupId, rows: &[Row]) -> Result<Effect, ServiceError> {
    let mut wanted = Wanted::default();
    name(caller, &mut wanted, rows)?;
    between(tx, caller, group, &wanted, &BTreeMap::new())
}

fn parse(caller: &Caller, value: &str) -> Option<ResourceId> {
    if caller.profile.switches().member_ids_in_any_case {
        return value.trim().to_ascii_lowercase().parse().ok();
    }
    value.parse().ok()
}

fn name(caller: &Caller, wanted: &mut Wanted, rows: &[Row]) -> Result<(), ServiceError> {
    for row in rows {
        let id = parse(caller, &row.value).ok_or_else(|| ScimError::invalid_value(never_issued(&row.value)))?;
        wanted.named.insert(id, true);
    }
    Ok(())
}

fn never_issued(value: &str) -> String {
    let value = crate::scim::path::excerpt(value);
    format!("`members.value` is `{value}`, which is no id of a user or group here; create it first")
}

/// Who would be a member if the changes so far were all.
fn present_now(tx: &mut Tx<'_>, caller: &Caller, group: GroupId, wanted: &Wanted) -> Result<Vec<Member>, ServiceError> {
    let mut members: BTreeMap<ResourceId, Member> = BTreeMap::new();
    if wanted.others_stay {
        let current = memberships::of_group(tx, caller.organization, group, i64::MAX)?;
        members.extend(current.into_iter().map(|member| (member.id, member)));
    }
    let joining: Vec<ResourceId> = wanted.named.iter().filter(|(_, stays)| **stays).map(|(id, _)| *id).collect();
    members.retain(|id, _| wanted.named.get(id) != Some(&false));
    for member in kinds(tx, caller, &joining)?.members {
        members.insert(member.id, member);
    }
    Ok(members.into_values().collect())
}

fn settle(tx: &mut Tx<'_>, caller: &Caller, group: GroupId, wanted: &Wanted) -> Result<Effect, ServiceError> {
    let organization = caller.organization;
    let current: BTreeMap<ResourceId, Member> = if wanted.others_stay {
        let named: Vec<ResourceId> = wanted.named.keys().copied().collect();
        memberships::among(tx, organization, group, &named)?
    } else {
        memberships::of_group(tx, organization, group, i64::MAX)?
    }
    .into_iter()
    .map(|member| (member.id, member))
    .collect();
    between(tx, caller, group, wanted, &current)
}

/// Who joins and who leaves, so that of those who are in the group now those are who are wanted.
fn between(
    tx: &mut Tx<'_>,
    caller: &Caller,
    group: GroupId,
    wanted: &Wanted,
    current: &BTreeMap<ResourceId, Member>,
) -> Result<Effect, ServiceError> {
    let stays = |id: &ResourceId| wanted.named.get(id).copied().unwrap_or(wanted.others_stay);
    let left = current.values().filter(|member| !stays(&member.id)).copied().collect();
    let new: Vec<ResourceId> =
        wanted.named.iter().filter(|(id, stays)| **stays && !current.contains_key(id)).map(|(id, _)| *id).collect();
    let found = kinds(tx, caller, &new)?;
    if let Some(first) = found.unknown.first() {
        let detail = never_issued(&first.to_string());
        return Err(ScimError::UnknownMembers(found.unknown, detail).into());
    }
    if found.members.iter().any(|member| member.id == ResourceId::from(group)) {
        return Err(ScimError::invalid_value("a group cannot be a member of itself").into());
    }
    Ok(Effect { joined: found.members, left, ignored: found.deleted })
}

#[derive(Default)]
struct Found {
    members: Vec<Member>,
    deleted: Vec<ResourceId>,
    unknown: Vec<ResourceId>,
}

/// What each id stands for: a user of the organization, a group of the connection, a tombstone, or nothing.
fn kinds(tx: &mut Tx<'_>, caller: &Caller, ids: &[ResourceId]) -> Result<Found, ServiceError> {
    let mut found = Found::default();
    let mut left: BTreeSet<ResourceId> = ids.iter().copied().collect();
    let mut sort = |known: Vec<(ResourceId, bool)>, kind: MemberKind, left: &mut BTreeSet<ResourceId>| {
        for (id, present) in known {
            left.remove(&id);
            if present {
                found.members.push(Member { id, kind });
            } else {
                found.deleted.push(id);
            }
        }
    };
    sort(users::known(tx, caller.organization, ids)?, MemberKind::User, &mut left);
    if !left.is_empty() {
        let rest: Vec<ResourceId> = left.iter().copied().collect();
        sort(groups::known(tx, caller.organization, caller.connection, &rest)?, MemberKind::Group, &mut left);
    }
    found.unknown = left.into_iter().collect();
    found.members.sort_unstable();
    Ok(found)
}
