//! Whose groups and roles are others than before (CAEP 1.0 §3.2): found afterwards, from one revision to the next, so that no
//! change of access waits for it. What the clock alone changes is not told.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::db::access::{assignments, past, people, principals};
use crate::db::streams::{self, ClaimsDue};
use crate::db::users::Status;
use crate::db::{DatabaseError, Tx, memberships, receivers, signals};
use crate::ids;
use crate::live::{Cause, Live};
use crate::model::{Actor, GroupId, MemberKind, Moment, OrganizationId, ResourceId, Revision, UserId, limits};
use crate::service::ServiceError;
use crate::signals::{EventType, Receiver, Subject, occurrence};

use super::queue::Telling;

/// Receivers looked at in one turn.
const TOGETHER: i64 = 16;
/// People looked at together.
const BATCH: usize = 500;

/// Tells receivers that ask for it whose groups and roles have changed since they were last told; answers how many
/// receivers there were something for.
///
/// # Errors
/// [`ServiceError`].
pub fn tell_claims(live: &Live, mut goes_on: impl FnMut() -> bool) -> Result<usize, ServiceError> {
    let due = live.read::<_, ServiceError>(|tx| Ok(streams::claims_due(tx, TOGETHER)?))?;
    let mut told = 0_usize;
    for due in due {
        if !goes_on() {
            break;
        }
        tell(live, &due)?;
        told = told.saturating_add(1);
    }
    Ok(told)
}

fn tell(live: &Live, due: &ClaimsDue) -> Result<(), ServiceError> {
    let found = live.read::<_, ServiceError>(|tx| Ok(receivers::by_id(tx, due.organization, due.receiver)?))?;
    let mut rows = Vec::new();
    if let Some(receiver) = found.map(|stored| stored.receiver).filter(|it| it.wants(EventType::TokenClaimsChange)) {
        let request = live.read::<_, ServiceError>(|tx| request(live, tx, due))?;
        let cause = Cause { organization: due.organization, actor: Actor::Server, request };
        let affected = live.read::<_, ServiceError>(|tx| Ok(affected(tx, due.organization, due.since)?))?;
        let affected: Vec<UserId> = affected.into_iter().collect();
        for batch in affected.chunks(BATCH) {
            rows.extend(live.read::<_, ServiceError>(|tx| {
                let mut rows = Vec::new();
                for person in people::by_ids(tx, due.organization, batch.iter().copied())? {
                    // Whoever is gone has no claims, and receivers know.
                    if person.status == Status::Active {
                        rows.extend(told_of(live, tx, &cause, (due, &receiver), person.id)?);
                    }
                }
                Ok(rows)
            })?);
        }
    }
    // Together, so that nothing is told twice, whoever else looks, and nothing is lost.
    live.record::<_, ServiceError>(|tx| {
        if due.told(tx)? {
            signals::add(tx, due.organization, &rows)?;
        }
        Ok(())
    })
}

/// The request all of it goes back to, or one of our own for several.
fn request(live: &Live, tx: &mut Tx<'_>, due: &ClaimsDue) -> Result<crate::model::RequestId, ServiceError> {
    let several = due.since.as_i64().saturating_add(1) < due.until.as_i64();
    let found = if several { None } else { past::request_of(tx, due.organization, due.until)? };
    Ok(found.unwrap_or_else(|| ids::request(live.now())))
}

/// Whoever may have other groups or roles than at a revision: members that joined or left, those something is or was
/// assigned to, and everybody in groups of which that holds.
fn affected(tx: &mut Tx<'_>, organization: OrganizationId, since: Revision) -> Result<BTreeSet<UserId>, DatabaseError> {
    let (mut all, mut groups) = (BTreeSet::new(), BTreeSet::new());
    let mut changed = people::left(tx, organization, since)?;
    changed.extend(people::joined(tx, organization, since)?);
    for row in changed {
        match row.member.kind {
            MemberKind::User => all.insert(UserId::from(row.member.id)),
            MemberKind::Group => groups.insert(row.member.id),
        };
    }
    let begun = assignments::begun(tx, organization, since)?.into_iter().map(|row| row.assignment.principal.id());
    // Which of these are people and which are groups is found where they are looked for.
    for principal in begun.chain(assignments::ended_of(tx, organization, since)?) {
        all.insert(UserId::from(principal));
        groups.insert(principal);
    }
    let mut level: Vec<ResourceId> = groups.iter().copied().collect();
    for _ in 0..=limits::NESTING_DEPTH {
        if level.is_empty() {
            break;
        }
        for group in &level {
            let members = principals::active_members(tx, organization, GroupId::from(*group), usize::MAX)?;
            all.extend(members.into_iter().map(UserId::from));
        }
        let inner = memberships::nested_groups(tx, organization, &level)?;
        level = inner.into_iter().map(|row| row.member.id).filter(|group| groups.insert(*group)).collect();
    }
    Ok(all)
}

/// The signal about a person, if its groups or roles are others than they were.
fn told_of(
    live: &Live,
    tx: &mut Tx<'_>,
    cause: &Cause,
    (due, receiver): (&ClaimsDue, &Receiver),
    user: UserId,
) -> Result<Option<signals::SignalRow>, DatabaseError> {
    let now = live.now();
    let before = claims(tx, due.organization, user, (due.since, now))?;
    let after = claims(tx, due.organization, user, (due.until, now))?;
    if before == after {
        return Ok(None);
    }
    let document = past::document(tx, due.organization, user)?;
    let document: Map<String, Value> = document.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let telling = Telling::about(live, tx, cause, Subject::of(user, &document), std::slice::from_ref(receiver))?;
    if !telling.is_told(receiver) {
        return Ok(None);
    }
    let mut content = occurrence(telling.now, &telling.why);
    content.insert("claims".to_owned(), named(tx, due.organization, &after)?);
    Ok(Some(telling.row(receiver, EventType::TokenClaimsChange, &Value::Object(content))))
}

/// The groups around somebody and what is assigned through them, role by scope.
type Claims = (BTreeSet<GroupId>, BTreeSet<(String, String)>);

fn claims(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    (at, now): (Revision, Moment),
) -> Result<Claims, DatabaseError> {
    let mut around: BTreeSet<GroupId> = BTreeSet::new();
    let mut edge = vec![ResourceId::from(user)];
    for _ in 0..=limits::NESTING_DEPTH {
        if edge.is_empty() {
            break;
        }
        let found = past::groups(tx, organization, &edge, at)?;
        edge = found.into_iter().map(|row| row.group).filter(|group| around.insert(*group)).map(Into::into).collect();
    }
    let principals: Vec<ResourceId> =
        std::iter::once(ResourceId::from(user)).chain(around.iter().map(|group| ResourceId::from(*group))).collect();
    let assigned = past::assignments(tx, organization, &principals, at)?.into_iter().map(|row| row.assignment);
    let roles = assigned
        .filter(|assignment| assignment.validity.holds(now))
        .map(|assignment| (assignment.role.to_string(), assignment.scope.to_string()))
        .collect();
    Ok((around, roles))
}

/// By name: groups of one name are one.
fn named(tx: &mut Tx<'_>, organization: OrganizationId, claims: &Claims) -> Result<Value, DatabaseError> {
    let (groups, roles) = claims;
    let ids: Vec<GroupId> = groups.iter().copied().collect();
    let names: BTreeSet<String> =
        principals::groups(tx, organization, &ids)?.into_iter().map(|group| group.name).collect();
    let roles: Vec<Value> = roles.iter().map(|(role, scope)| json!({ "role": role, "scope": scope })).collect();
    Ok(json!({ "groups": names, "roles": roles }))
}
