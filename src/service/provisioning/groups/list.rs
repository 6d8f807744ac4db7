//! GET /Groups (RFC 7644 §3.4.2) of the caller's connection.

use std::collections::{BTreeMap, HashMap};

use crate::db::groups::{self, StoredGroup};
use crate::db::{DatabaseError, ResourceKind, Tx, memberships, organizations};
use crate::live::ListKey;
use crate::model::{Caller, GroupId, Member, ResourceId, fold, limits};
use crate::scim::ScimError;
use crate::scim::filter::{Condition, Filter, eval};
use crate::scim::list::list_response;
use crate::service::provisioning::ListRequest;
use crate::service::provisioning::page::{self, Matches};
use crate::service::{ServiceError, Services};

use super::{Identity, MEMBERS, present};

/// Values of one indexed attribute that are looked up one by one; with more, the list is looked through.
const LOOK_UPS: usize = 50;

/// Lists groups, with the total of all that match.
///
/// # Errors
/// [`ServiceError`]; 400 `invalidFilter`, 400 `tooMany`, also when a page would hold too many members.
pub fn list(services: &Services, caller: &Caller, request: &ListRequest) -> Result<String, ServiceError> {
    let switches = caller.profile.switches();
    let condition = match request.filter.as_deref() {
        Some(filter) => Some(Filter::parse(filter, switches)?.resolve(&services.types.group, switches)?),
        None => None,
    };
    services.live.read(|tx| {
        let (total, groups) = match &condition {
            None => unfiltered(services, tx, caller, request)?,
            Some(condition) => filtered(services, tx, caller, request, condition)?,
        };
        let resources = render(services, tx, caller, request, &groups)?;
        Ok(list_response(total, request.paging.start_index, &resources))
    })
}

fn unfiltered(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &ListRequest,
) -> Result<(u64, Vec<StoredGroup>), ServiceError> {
    let (organization, connection) = (caller.organization, caller.connection);
    let totals = organizations::totals(tx, organization, connection, ResourceKind::Group)?;
    let total = u64::try_from(totals.present).unwrap_or_default();
    let (offset, count) = (request.paging.offset(), request.paging.count);
    if count == 0 || offset >= total {
        return Ok((total, Vec::new()));
    }
    let list = ListKey { organization, connection, kind: ResourceKind::Group };
    let last = page::last_before(services, list, totals.deleted, offset, |after, places| {
        Ok(groups::skip(tx, organization, connection, after.into(), places)?.map(Into::into))
    })?;
    let Some(last) = last else { return Ok((total, Vec::new())) };
    let limit = i64::try_from(count).unwrap_or(i64::MAX);
    Ok((total, groups::page_after(tx, organization, connection, last.into(), limit)?))
}

fn filtered(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &ListRequest,
    condition: &Condition,
) -> Result<(u64, Vec<StoredGroup>), ServiceError> {
    let mut matches = Matches::new(request.paging);
    if let Some(candidates) = candidates(tx, caller, condition)? {
        look(services, tx, caller, condition, candidates, &mut matches)?;
    } else {
        page::scan(
            tx,
            |tx, after, limit| groups::page_after(tx, caller.organization, caller.connection, after.into(), limit),
            |group| group.id.into(),
            |tx, batch| look(services, tx, caller, condition, batch, &mut matches),
        )?;
    }
    Ok(matches.finish())
}

/// The groups an index finds for one conjunct of the condition: a superset of the matches, in the order of
/// lists. `None`: no index helps, or it finds so many that the list is looked through batch by batch.
fn candidates(
    tx: &mut Tx<'_>,
    caller: &Caller,
    condition: &Condition,
) -> Result<Option<Vec<StoredGroup>>, DatabaseError> {
    let (organization, connection) = (caller.organization, caller.connection);
    let enough = i64::try_from(page::CANDIDATES).unwrap_or(i64::MAX).saturating_add(1);
    let mut narrowings = condition.narrowings();
    narrowings.retain(|narrowing| narrowing.path.schema.is_none() && narrowing.values.len() <= LOOK_UPS);
    let order = [("id", None), ("displayName", None), ("externalId", None), (MEMBERS, Some("value"))];
    for (attribute, sub_attribute) in order {
        let Some(narrowing) = narrowings.iter().find(|narrowing| {
            narrowing.path.attribute == attribute && narrowing.path.sub_attribute.as_deref() == sub_attribute
        }) else {
            continue;
        };
        let mut found: BTreeMap<GroupId, StoredGroup> = BTreeMap::new();
        for value in &narrowing.values {
            let groups = match attribute {
                "id" => match value.parse() {
                    Ok(id) => groups::by_id(tx, organization, connection, id)?.into_iter().collect(),
                    Err(_not_an_id) => Vec::new(),
                },
                "displayName" => groups::by_name(tx, organization, connection, &fold(value), enough)?,
                "externalId" => groups::by_external_id(tx, organization, connection, value, enough)?,
                _ => match value.parse() {
                    Ok(member) => groups::by_member(tx, organization, connection, member, enough)?,
                    Err(_not_an_id) => Vec::new(),
                },
            };
            found.extend(groups.into_iter().map(|group| (group.id, group)));
            if found.len() > page::CANDIDATES {
                return Ok(None);
            }
        }
        return Ok(Some(found.into_values().collect()));
    }
    Ok(None)
}

/// Evaluates the condition on each candidate, with no more of its members than can decide.
fn look(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    condition: &Condition,
    candidates: Vec<StoredGroup>,
    matches: &mut Matches<StoredGroup>,
) -> Result<(), ServiceError> {
    let reads_members = condition.attributes().any(|name| name == MEMBERS);
    let members = if reads_members { deciding_members(tx, caller, condition, &candidates)? } else { HashMap::new() };
    for group in candidates {
        let array = present::members_array(services, members.get(&group.id).into_iter().flatten());
        let rows = reads_members.then_some((MEMBERS, array.as_str()));
        let identity = Identity::from(&group);
        let resource =
            present::evaluated(services, &services.types.group, &identity, &group.document, rows, condition)?;
        if eval(condition, &resource) {
            matches.add(group);
        }
    }
    Ok(())
}

/// The members the condition asks about, of all candidates in one statement: those it names, or else all of them.
fn deciding_members(
    tx: &mut Tx<'_>,
    caller: &Caller,
    condition: &Condition,
    candidates: &[StoredGroup],
) -> Result<HashMap<GroupId, Vec<Member>>, ServiceError> {
    let Some(named) = condition.equal_values_of(MEMBERS) else { return all_members(tx, caller, candidates) };
    let groups: Vec<GroupId> = candidates.iter().map(|group| group.id).collect();
    let named: Vec<ResourceId> = named.iter().filter_map(|value| value.parse().ok()).collect();
    Ok(by_group(memberships::among_groups(tx, caller.organization, &groups, &named)?))
}

/// All members of several groups, up to [`limits::MEMBERS_PER_LIST`].
fn all_members(
    tx: &mut Tx<'_>,
    caller: &Caller,
    groups: &[StoredGroup],
) -> Result<HashMap<GroupId, Vec<Member>>, ServiceError> {
    let ids: Vec<GroupId> = groups.iter().map(|group| group.id).collect();
    let most = limits::MEMBERS_PER_LIST;
    let enough = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let rows = memberships::of_groups(tx, caller.organization, &ids, enough)?;
    if rows.len() > most {
        return Err(ScimError::too_many(format!(
            "the groups to look at have more than {most} members; send a smaller `count`, \
             `excludedAttributes=members` or a filter that names the members"
        ))
        .into());
    }
    Ok(by_group(rows))
}

fn by_group(rows: Vec<memberships::MembershipChange>) -> HashMap<GroupId, Vec<Member>> {
    let mut members: HashMap<GroupId, Vec<Member>> = HashMap::new();
    for row in rows {
        members.entry(row.group).or_default().push(row.member);
    }
    members
}

fn render(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    request: &ListRequest,
    groups: &[StoredGroup],
) -> Result<Vec<String>, ServiceError> {
    let with_members = request.projection.includes(MEMBERS);
    let members = if with_members { all_members(tx, caller, groups)? } else { HashMap::new() };
    groups
        .iter()
        .map(|group| {
            let array = present::members_array(services, members.get(&group.id).into_iter().flatten());
            let rows = with_members.then_some((MEMBERS, array.as_str()));
            let whole = present::whole(services, &services.types.group, &Identity::from(group), &group.document, rows);
            Ok(present::projected(&services.types.group, &request.projection, whole)?.body)
        })
        .collect()
}
