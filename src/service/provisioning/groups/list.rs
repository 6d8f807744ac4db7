//! GET /Groups (RFC 7644 §3.4.2) of the caller's connection: what is particular to lists of groups.

use std::collections::{BTreeMap, HashMap};

use crate::db::groups::{self, GroupOrder, StoredGroup};
use crate::db::ordered::Start;
use crate::db::{DatabaseError, ResourceKind, Tx, memberships};
use crate::model::{Caller, ConnectionId, GroupId, Member, ResourceId, SortKey, fold, limits};
use crate::scim::ScimError;
use crate::scim::filter::{Condition, eval};
use crate::scim::path::AttributePath;
use crate::scim::projection::Projection;
use crate::scim::schema::{ResourceType, ResourceTypes};
use crate::service::provisioning::ListRequest;
use crate::service::provisioning::listing::{self, Asker, Question, Source};
use crate::service::{ServiceError, Services};

use super::{Identity, MEMBERS, present};

/// Values of one indexed attribute that are looked up one by one; with more, the list is looked through.
const LOOK_UPS: usize = 50;

/// Lists of groups.
pub struct Groups;

/// Lists groups, with the total of all that match.
///
/// # Errors
/// As `listing::list`; 400 `tooMany` also when a page would hold too many members.
pub fn list(services: &Services, caller: &Caller, request: &ListRequest) -> Result<String, ServiceError> {
    listing::list::<Groups>(services, caller, request)
}

impl Source for Groups {
    const KIND: ResourceKind = ResourceKind::Group;
    const ROWS: &'static str = MEMBERS;
    type Item = StoredGroup;
    type Order = GroupOrder;

    fn resource_type(types: &ResourceTypes) -> &ResourceType {
        &types.group
    }

    fn list_of(connection: ConnectionId) -> ConnectionId {
        connection
    }

    fn id(group: &StoredGroup) -> ResourceId {
        group.id.into()
    }

    fn order(path: &AttributePath) -> Option<GroupOrder> {
        match (path.schema.as_deref(), path.attribute.as_str(), path.sub_attribute.as_deref()) {
            (None, "displayName", None) => Some(GroupOrder::DisplayName),
            (None, "externalId", None) => Some(GroupOrder::ExternalId),
            (None, "meta", Some("created")) => Some(GroupOrder::Created),
            _ => None,
        }
    }

    fn in_order(
        tx: &mut Tx<'_>,
        caller: &Caller,
        order: GroupOrder,
        start: &Start<'_>,
        limit: i64,
    ) -> Result<Vec<(SortKey, StoredGroup)>, DatabaseError> {
        groups::in_order(tx, caller.organization, caller.connection, order, start, limit)
    }

    fn skip(
        tx: &mut Tx<'_>,
        caller: &Caller,
        after: ResourceId,
        places: i64,
    ) -> Result<Option<ResourceId>, DatabaseError> {
        Ok(groups::skip(tx, caller.organization, caller.connection, after.into(), places)?.map(Into::into))
    }

    fn after(
        tx: &mut Tx<'_>,
        caller: &Caller,
        after: ResourceId,
        limit: i64,
    ) -> Result<Vec<StoredGroup>, DatabaseError> {
        groups::page_after(tx, caller.organization, caller.connection, after.into(), limit)
    }

    fn batch(
        tx: &mut Tx<'_>,
        caller: &Caller,
        _condition: &Condition,
        after: ResourceId,
        limit: i64,
    ) -> Result<Vec<StoredGroup>, DatabaseError> {
        Self::after(tx, caller, after, limit)
    }

    fn by_ids(tx: &mut Tx<'_>, caller: &Caller, ids: &[ResourceId]) -> Result<Vec<StoredGroup>, DatabaseError> {
        groups::by_ids(tx, caller.organization, caller.connection, ids)
    }

    fn candidates(
        tx: &mut Tx<'_>,
        caller: &Caller,
        condition: &Condition,
        most: usize,
    ) -> Result<Option<Vec<StoredGroup>>, DatabaseError> {
        let (organization, connection) = (caller.organization, caller.connection);
        let enough = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
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
                if found.len() > most {
                    return Ok(None);
                }
            }
            return Ok(Some(found.into_values().collect()));
        }
        Ok(None)
    }

    /// With no more of the members than can decide.
    fn matching(
        asker: Asker<'_>,
        tx: &mut Tx<'_>,
        question: &Question,
        groups: Vec<StoredGroup>,
    ) -> Result<Vec<(SortKey, StoredGroup)>, ServiceError> {
        let (services, condition) = (asker.services, &question.condition);
        let reads_members = condition.attributes().any(|name| name == MEMBERS);
        let members =
            if reads_members { deciding_members(tx, asker.caller, condition, &groups)? } else { HashMap::new() };
        let reads_meta = question.reads_meta();
        let mut matches = Vec::new();
        for group in groups {
            let array = present::members_array(services, members.get(&group.id).into_iter().flatten());
            let rows = reads_members.then_some((MEMBERS, array.as_str()));
            let identity = Identity::from(&group);
            let resource =
                present::evaluated(services, &services.types.group, &identity, &group.document, rows, reads_meta)?;
            if eval(condition, &resource) {
                let key = question.sort.as_ref().map_or_else(SortKey::missing, |sort| sort.key(&resource));
                matches.push((key, group));
            }
        }
        Ok(matches)
    }

    fn render(
        asker: Asker<'_>,
        tx: &mut Tx<'_>,
        projection: &Projection,
        groups: Vec<StoredGroup>,
    ) -> Result<Vec<String>, ServiceError> {
        let services = asker.services;
        let with_members = projection.includes(MEMBERS);
        let members = if with_members { all_members(tx, asker.caller, &groups)? } else { HashMap::new() };
        groups
            .iter()
            .map(|group| {
                let array = present::members_array(services, members.get(&group.id).into_iter().flatten());
                let rows = with_members.then_some((MEMBERS, array.as_str()));
                let whole =
                    present::whole(services, &services.types.group, &Identity::from(group), &group.document, rows);
                Ok(present::projected(&services.types.group, projection, whole)?.body)
            })
            .collect()
    }
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
