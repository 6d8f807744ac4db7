//! GET /Users (RFC 7644 §3.4.2): an index narrows where it can, the filter's one evaluator decides.

use std::collections::{BTreeMap, HashMap};

use crate::db::users::listed::{self, Key};
use crate::db::users::{self, ListedUser};
use crate::db::{DatabaseError, ResourceKind, Tx, organizations};
use crate::live::ListKey;
use crate::model::{Caller, ConnectionId, GroupId, UserId, fold};
use crate::scim::filter::{Condition, Filter, eval};
use crate::scim::list::list_response;
use crate::service::provisioning::ListRequest;
use crate::service::provisioning::page::{self, Matches};
use crate::service::{ServiceError, Services};

use super::{GROUPS, Identity, present};

/// Values of one indexed attribute that are looked up one by one; with more, the list is looked through.
const LOOK_UPS: usize = 50;

/// Lists users, with the total of all that match.
///
/// # Errors
/// [`ServiceError`]; 400 `invalidFilter`, 400 `tooMany`.
pub fn list(services: &Services, caller: &Caller, request: &ListRequest) -> Result<String, ServiceError> {
    let condition = condition(services, caller, request)?;
    services.live.read(|tx| {
        let (total, users) = match &condition {
            None => unfiltered(services, tx, caller, request)?,
            Some(condition) => filtered(services, tx, caller, request, condition)?,
        };
        let resources = render(services, tx, caller, request, users)?;
        Ok(list_response(total, request.paging.start_index, &resources))
    })
}

/// Answers a filter by which an index finds a few users at most, which is how identity providers look people up; `None`
/// for every other, which may take long and is for [`list`].
///
/// # Errors
/// As [`list`].
pub fn look_up(services: &Services, caller: &Caller, request: &ListRequest) -> Result<Option<String>, ServiceError> {
    let Some(condition) = condition(services, caller, request)? else { return Ok(None) };
    services.live.read(|tx| {
        let Some(few) = candidates(tx, caller, &condition, page::FEW)? else { return Ok(None) };
        let mut matches = Matches::new(request.paging);
        look(services, &condition, few, &mut matches)?;
        let (total, users) = matches.finish();
        let resources = render(services, tx, caller, request, users)?;
        Ok(Some(list_response(total, request.paging.start_index, &resources)))
    })
}

fn condition(services: &Services, caller: &Caller, request: &ListRequest) -> Result<Option<Condition>, ServiceError> {
    let switches = caller.profile.switches();
    let Some(filter) = request.filter.as_deref() else { return Ok(None) };
    Ok(Some(Filter::parse(filter, switches)?.resolve(&services.types.user, switches)?))
}

fn unfiltered(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &ListRequest,
) -> Result<(u64, Vec<ListedUser>), ServiceError> {
    let organization = caller.organization;
    let totals = organizations::totals(tx, organization, ConnectionId::NOBODY, ResourceKind::User)?;
    let total = u64::try_from(totals.present).unwrap_or_default();
    let (offset, count) = (request.paging.offset(), request.paging.count);
    if count == 0 || offset >= total {
        return Ok((total, Vec::new()));
    }
    let list = ListKey { organization, connection: ConnectionId::NOBODY, kind: ResourceKind::User };
    let last = page::last_before(services, list, totals.deleted, offset, |after, places| {
        Ok(users::skip(tx, organization, after.into(), places)?.map(Into::into))
    })?;
    let Some(last) = last else { return Ok((total, Vec::new())) };
    let limit = i64::try_from(count).unwrap_or(i64::MAX);
    Ok((total, listed::by_key(tx, organization, caller.connection, Key::After(last.into()), limit)?))
}

fn filtered(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &ListRequest,
    condition: &Condition,
) -> Result<(u64, Vec<ListedUser>), ServiceError> {
    let mut matches = Matches::new(request.paging);
    if let Some(candidates) = candidates(tx, caller, condition, page::CANDIDATES)? {
        look(services, condition, candidates, &mut matches)?;
    } else {
        page::scan(
            tx,
            |tx, after, limit| batch(tx, caller, condition, after.into(), limit),
            |user| user.id.into(),
            |_tx, users| look(services, condition, users, &mut matches),
        )?;
    }
    Ok(matches.finish())
}

/// The users an index finds for one conjunct of the condition: a superset of the matches, in the order of
/// lists. `None`: no index helps, or it finds so many that the list is looked through batch by batch.
fn candidates(
    tx: &mut Tx<'_>,
    caller: &Caller,
    condition: &Condition,
    most: usize,
) -> Result<Option<Vec<ListedUser>>, DatabaseError> {
    let (organization, connection) = (caller.organization, caller.connection);
    let enough = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let mut narrowings = condition.narrowings();
    narrowings.retain(|narrowing| narrowing.path.schema.is_none() && narrowing.values.len() <= LOOK_UPS);
    // The most selective index first.
    let order =
        [("id", None), ("userName", None), ("externalId", None), ("emails", Some("value")), (GROUPS, Some("value"))];
    for (attribute, sub_attribute) in order {
        let Some(narrowing) = narrowings.iter().find(|narrowing| {
            narrowing.path.attribute == attribute && narrowing.path.sub_attribute.as_deref() == sub_attribute
        }) else {
            continue;
        };
        let mut found: BTreeMap<UserId, ListedUser> = BTreeMap::new();
        for value in &narrowing.values {
            let folded = fold(value);
            let key = match attribute {
                "id" => {
                    let id = value.parse().ok();
                    let user = id.map(|id| listed::by_id(tx, organization, connection, id)).transpose()?.flatten();
                    found.extend(user.map(|user| (user.id, user)));
                    continue;
                }
                "userName" => Key::UserName(&folded),
                "externalId" => Key::ExternalId(value),
                "emails" => Key::Email(&folded),
                _ => match value.parse() {
                    Ok(group) => Key::Group(group),
                    Err(_not_an_id) => continue,
                },
            };
            let users = listed::by_key(tx, organization, connection, key, enough)?;
            found.extend(users.into_iter().map(|user| (user.id, user)));
            if found.len() > most {
                return Ok(None);
            }
        }
        return Ok(Some(found.into_values().collect()));
    }
    Ok(None)
}

/// A stretch of the list, with groups only where the condition reads them.
fn batch(
    tx: &mut Tx<'_>,
    caller: &Caller,
    condition: &Condition,
    after: UserId,
    limit: i64,
) -> Result<Vec<ListedUser>, DatabaseError> {
    if condition.attributes().any(|name| name == GROUPS) {
        return listed::by_key(tx, caller.organization, caller.connection, Key::After(after), limit);
    }
    let users = users::page_after(tx, caller.organization, after, limit)?;
    Ok(users.into_iter().map(ListedUser::from).collect())
}

/// Evaluates the condition on each candidate.
fn look(
    services: &Services,
    condition: &Condition,
    candidates: Vec<ListedUser>,
    matches: &mut Matches<ListedUser>,
) -> Result<(), ServiceError> {
    let reads_groups = condition.attributes().any(|name| name == GROUPS);
    for user in candidates {
        let array = if reads_groups { groups_text(services, &user) } else { String::new() };
        let rows = reads_groups.then_some((GROUPS, array.as_str()));
        let identity = Identity::from(&user);
        let resource = present::evaluated(services, &services.types.user, &identity, &user.document, rows, condition)?;
        if eval(condition, &resource) {
            matches.add(user);
        }
    }
    Ok(())
}

fn render(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &ListRequest,
    mut users: Vec<ListedUser>,
) -> Result<Vec<String>, ServiceError> {
    let with_groups = request.projection.includes(GROUPS);
    if with_groups {
        complete(tx, caller, &mut users)?;
    }
    users
        .iter()
        .map(|user| {
            let array = if with_groups { groups_text(services, user) } else { String::new() };
            let rows = with_groups.then_some((GROUPS, array.as_str()));
            let whole = present::whole(services, &services.types.user, &Identity::from(user), &user.document, rows);
            Ok(present::projected(&services.types.user, &request.projection, whole)?.body)
        })
        .collect()
}

/// Reads the groups of those users of whom they were not read yet.
fn complete(tx: &mut Tx<'_>, caller: &Caller, users: &mut [ListedUser]) -> Result<(), DatabaseError> {
    let ids: Vec<UserId> = users.iter().filter(|user| user.groups.is_none()).map(|user| user.id).collect();
    let mut by_member: HashMap<UserId, Vec<(GroupId, String)>> = HashMap::new();
    for group in users::groups_of(tx, caller.organization, &ids, caller.connection)? {
        by_member.entry(group.member).or_default().push((group.id, group.display_name));
    }
    for user in users.iter_mut().filter(|user| user.groups.is_none()) {
        let mut groups = by_member.remove(&user.id).unwrap_or_default();
        groups.sort_unstable_by_key(|(id, _)| *id);
        user.groups = Some(groups);
    }
    Ok(())
}

fn groups_text(services: &Services, user: &ListedUser) -> String {
    present::groups_array(services, user.groups.iter().flatten().map(|(id, name)| (id, name.as_str())))
}
