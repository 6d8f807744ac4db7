//! GET /Users (RFC 7644 §3.4.2): an index narrows where it can, the filter's one evaluator decides.

use std::collections::{BTreeMap, HashMap};

use crate::db::users::{self, GroupOfMember, StoredUser};
use crate::db::{DatabaseError, ResourceKind, Tx, organizations};
use crate::live::ListKey;
use crate::model::{Caller, ConnectionId, UserId, fold};
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
    let condition = condition(services, request)?;
    services.live.read(|tx| {
        let (total, users) = match &condition {
            None => unfiltered(services, tx, caller, request)?,
            Some(condition) => filtered(services, tx, caller, request, condition)?,
        };
        let resources = render(services, tx, caller, request, &users)?;
        Ok(list_response(total, request.paging.start_index, &resources))
    })
}

/// Answers a filter by which an index finds a few users at most, which is how identity providers look people up; `None`
/// for every other, which may take long and is for [`list`].
///
/// # Errors
/// As [`list`].
pub fn look_up(services: &Services, caller: &Caller, request: &ListRequest) -> Result<Option<String>, ServiceError> {
    let Some(condition) = condition(services, request)? else { return Ok(None) };
    services.live.read(|tx| {
        let Some(few) = candidates(tx, caller, &condition, page::FEW)? else { return Ok(None) };
        let mut matches = Matches::new(request.paging);
        look(services, tx, caller, &condition, few, &mut matches)?;
        let (total, users) = matches.finish();
        let resources = render(services, tx, caller, request, &users)?;
        Ok(Some(list_response(total, request.paging.start_index, &resources)))
    })
}

fn condition(services: &Services, request: &ListRequest) -> Result<Option<Condition>, ServiceError> {
    let Some(filter) = request.filter.as_deref() else { return Ok(None) };
    Ok(Some(Filter::parse(filter)?.resolve(&services.types.user)?))
}

fn unfiltered(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &ListRequest,
) -> Result<(u64, Vec<StoredUser>), ServiceError> {
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
    Ok((total, users::page_after(tx, organization, last.into(), i64::try_from(count).unwrap_or(i64::MAX))?))
}

fn filtered(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &ListRequest,
    condition: &Condition,
) -> Result<(u64, Vec<StoredUser>), ServiceError> {
    let mut matches = Matches::new(request.paging);
    if let Some(candidates) = candidates(tx, caller, condition, page::CANDIDATES)? {
        look(services, tx, caller, condition, candidates, &mut matches)?;
    } else {
        page::scan(
            tx,
            |tx, after, limit| users::page_after(tx, caller.organization, after.into(), limit),
            |user| user.id.into(),
            |tx, batch| look(services, tx, caller, condition, batch, &mut matches),
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
) -> Result<Option<Vec<StoredUser>>, DatabaseError> {
    let organization = caller.organization;
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
        let mut found: BTreeMap<UserId, StoredUser> = BTreeMap::new();
        for value in &narrowing.values {
            let users = match attribute {
                "id" => match value.parse() {
                    Ok(id) => users::by_id(tx, organization, id)?.into_iter().collect(),
                    Err(_not_an_id) => Vec::new(),
                },
                "userName" => users::by_user_name(tx, organization, &fold(value))?,
                "externalId" => users::by_external_id(tx, organization, value, enough)?,
                "emails" => users::by_email(tx, organization, &fold(value), enough)?,
                _ => match value.parse() {
                    Ok(id) => users::by_group(tx, organization, id, enough)?,
                    Err(_not_an_id) => Vec::new(),
                },
            };
            found.extend(users.into_iter().map(|user| (user.id, user)));
            if found.len() > most {
                return Ok(None);
            }
        }
        return Ok(Some(found.into_values().collect()));
    }
    Ok(None)
}

/// Evaluates the condition on each candidate.
fn look(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    condition: &Condition,
    candidates: Vec<StoredUser>,
    matches: &mut Matches<StoredUser>,
) -> Result<(), ServiceError> {
    let reads_groups = condition.attributes().any(|name| name == GROUPS);
    let groups = if reads_groups { groups_by_member(tx, caller, &candidates)? } else { HashMap::new() };
    for user in candidates {
        let array = groups_text(services, groups.get(&user.id));
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
    users: &[StoredUser],
) -> Result<Vec<String>, ServiceError> {
    let with_groups = request.projection.includes(GROUPS);
    let groups = if with_groups { groups_by_member(tx, caller, users)? } else { HashMap::new() };
    users
        .iter()
        .map(|user| {
            let array = groups_text(services, groups.get(&user.id));
            let rows = with_groups.then_some((GROUPS, array.as_str()));
            let whole = present::whole(services, &services.types.user, &Identity::from(user), &user.document, rows);
            Ok(present::projected(&services.types.user, &request.projection, whole)?.body)
        })
        .collect()
}

fn groups_by_member(
    tx: &mut Tx<'_>,
    caller: &Caller,
    users: &[StoredUser],
) -> Result<HashMap<UserId, Vec<GroupOfMember>>, DatabaseError> {
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let mut by_member: HashMap<UserId, Vec<GroupOfMember>> = HashMap::new();
    for group in users::groups_of(tx, caller.organization, &ids, caller.connection)? {
        by_member.entry(group.member).or_default().push(group);
    }
    for groups in by_member.values_mut() {
        groups.sort_unstable_by_key(|group| group.id);
    }
    Ok(by_member)
}

fn groups_text(services: &Services, groups: Option<&Vec<GroupOfMember>>) -> String {
    let groups = groups.into_iter().flatten();
    present::groups_array(services, groups.map(|group| (&group.id, group.display_name.as_str())))
}
