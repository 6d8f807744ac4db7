//! GET /Users (RFC 7644 §3.4.2): what is particular to lists of users.

use std::collections::{BTreeMap, HashMap};

use crate::db::ordered::Start;
use crate::db::users::listed::{self, Key};
use crate::db::users::{self, ListedUser, UserOrder};
use crate::db::{DatabaseError, ResourceKind, Tx};
use crate::model::{Caller, ConnectionId, GroupId, ResourceId, SortKey, UserId, fold};
use crate::scim::filter::{Condition, eval};
use crate::scim::path::AttributePath;
use crate::scim::projection::Projection;
use crate::scim::schema::{ResourceType, ResourceTypes};
use crate::service::provisioning::ListRequest;
use crate::service::provisioning::listing::{self, Asker, Question, Source};
use crate::service::{ServiceError, Services};

use super::{GROUPS, Identity, present};

/// Values of one indexed attribute that are looked up one by one; with more, the list is looked through.
const LOOK_UPS: usize = 50;

/// Lists of users.
pub struct Users;

/// Lists users, with the total of all that match.
///
/// # Errors
/// As `listing::list`.
pub fn list(services: &Services, caller: &Caller, request: &ListRequest) -> Result<String, ServiceError> {
    listing::list::<Users>(services, caller, request)
}

/// Answers a filter by which an index finds a few users at most.
///
/// # Errors
/// As `listing::look_up`.
pub fn look_up(services: &Services, caller: &Caller, request: &ListRequest) -> Result<Option<String>, ServiceError> {
    listing::look_up::<Users>(services, caller, request)
}

impl Source for Users {
    const KIND: ResourceKind = ResourceKind::User;
    const ROWS: &'static str = GROUPS;
    type Item = ListedUser;
    type Order = UserOrder;

    fn resource_type(types: &ResourceTypes) -> &ResourceType {
        &types.user
    }

    fn list_of(_connection: ConnectionId) -> ConnectionId {
        ConnectionId::NOBODY
    }

    fn id(user: &ListedUser) -> ResourceId {
        user.id.into()
    }

    fn order(path: &AttributePath) -> Option<UserOrder> {
        match (path.schema.as_deref(), path.attribute.as_str(), path.sub_attribute.as_deref()) {
            (None, "userName", None) => Some(UserOrder::UserName),
            (None, "displayName", None) => Some(UserOrder::DisplayName),
            (None, "name", Some("familyName")) => Some(UserOrder::FamilyName),
            (None, "externalId", None) => Some(UserOrder::ExternalId),
            (None, "meta", Some("created")) => Some(UserOrder::Created),
            _ => None,
        }
    }

    fn in_order(
        tx: &mut Tx<'_>,
        caller: &Caller,
        order: UserOrder,
        start: &Start<'_>,
        limit: i64,
    ) -> Result<Vec<(SortKey, ListedUser)>, DatabaseError> {
        let users = users::in_order(tx, caller.organization, order, start, limit)?;
        Ok(users.into_iter().map(|(key, user)| (key, user.into())).collect())
    }

    fn skip(
        tx: &mut Tx<'_>,
        caller: &Caller,
        after: ResourceId,
        places: i64,
    ) -> Result<Option<ResourceId>, DatabaseError> {
        Ok(users::skip(tx, caller.organization, after.into(), places)?.map(Into::into))
    }

    fn after(
        tx: &mut Tx<'_>,
        caller: &Caller,
        after: ResourceId,
        limit: i64,
    ) -> Result<Vec<ListedUser>, DatabaseError> {
        listed::by_key(tx, caller.organization, caller.connection, Key::After(after.into()), limit)
    }

    fn batch(
        tx: &mut Tx<'_>,
        caller: &Caller,
        condition: &Condition,
        after: ResourceId,
        limit: i64,
    ) -> Result<Vec<ListedUser>, DatabaseError> {
        if reads_groups(condition) {
            return Self::after(tx, caller, after, limit);
        }
        let users = users::page_after(tx, caller.organization, after.into(), limit)?;
        Ok(users.into_iter().map(ListedUser::from).collect())
    }

    fn by_ids(tx: &mut Tx<'_>, caller: &Caller, ids: &[ResourceId]) -> Result<Vec<ListedUser>, DatabaseError> {
        Ok(users::by_ids(tx, caller.organization, ids)?.into_iter().map(ListedUser::from).collect())
    }

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
        let order = [
            ("id", None),
            ("userName", None),
            ("externalId", None),
            ("emails", Some("value")),
            (GROUPS, Some("value")),
        ];
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

    fn matching(
        asker: Asker<'_>,
        _tx: &mut Tx<'_>,
        question: &Question,
        users: Vec<ListedUser>,
    ) -> Result<Vec<(SortKey, ListedUser)>, ServiceError> {
        let services = asker.services;
        let reads_groups = reads_groups(&question.condition);
        let reads_meta = question.reads_meta();
        let mut matches = Vec::new();
        for user in users {
            let array = if reads_groups { groups_text(services, &user) } else { String::new() };
            let rows = reads_groups.then_some((GROUPS, array.as_str()));
            let identity = Identity::from(&user);
            let resource =
                present::evaluated(services, &services.types.user, &identity, &user.document, rows, reads_meta)?;
            if eval(&question.condition, &resource) {
                let key = question.sort.as_ref().map_or_else(SortKey::missing, |sort| sort.key(&resource));
                matches.push((key, user));
            }
        }
        Ok(matches)
    }

    fn render(
        asker: Asker<'_>,
        tx: &mut Tx<'_>,
        projection: &Projection,
        mut users: Vec<ListedUser>,
    ) -> Result<Vec<String>, ServiceError> {
        let services = asker.services;
        let with_groups = projection.includes(GROUPS);
        if with_groups {
            complete(tx, asker.caller, &mut users)?;
        }
        users
            .iter()
            .map(|user| {
                let array = if with_groups { groups_text(services, user) } else { String::new() };
                let rows = with_groups.then_some((GROUPS, array.as_str()));
                let whole = present::whole(services, &services.types.user, &Identity::from(user), &user.document, rows);
                let whole = present::with_effective_roles(services, asker.caller, user.id, projection, whole)?;
                Ok(present::projected(&services.types.user, projection, whole)?.body)
            })
            .collect()
    }
}

fn reads_groups(condition: &Condition) -> bool {
    condition.attributes().any(|name| name == GROUPS)
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
