//! Queries at the root (RFC 7644 §3.4.2.1), over users and groups at once. Without an order groups come first, then
//! users, each by id.

use std::collections::HashMap;

use crate::db::Tx;
use crate::db::groups::StoredGroup;
use crate::db::users::ListedUser;
use crate::model::{Caller, ResourceId, SortKey};
use crate::scim::filter::Filter;
use crate::scim::list::list_response;
use crate::scim::projection::Projection;
use crate::service::{ServiceError, Services};

use super::ListRequest;
use super::cursor::{self, Place};
use super::groups::Groups;
use super::listing::{self, Asker, Page, Question, Source};
use super::page::{Entry, Found, Window};
use super::users::Users;

/// The endpoint, as cursors know it.
const ROOT: &str = "/";

/// One of either, unless there were too many to keep.
enum Either {
    User(Option<ListedUser>),
    Group(Option<StoredGroup>),
}

/// Lists users and groups; `request.projection` is that of users.
///
/// # Errors
/// As `listing::list`.
pub fn list(
    services: &Services,
    caller: &Caller,
    request: &ListRequest,
    groups_projection: &Projection,
) -> Result<String, ServiceError> {
    let (users, groups) =
        (question::<Users>(services, caller, request)?, question::<Groups>(services, caller, request)?);
    if let Some(sort) = request.sort.as_ref().filter(|_| users.sort.is_none() && groups.sort.is_none()) {
        return Err(sort.unknown("User or Group").into());
    }
    let asker = Asker { services, caller };
    services.live.read(|tx| {
        tx.snapshot(|tx| {
            let window = Window::of_request(request, cursor::open(services, tx, caller, ROOT, request)?);
            let found = if request.sort.is_some() {
                let mut entries: Vec<_> = listing::all::<Users>(asker, tx, &users)?.into_iter().map(user).collect();
                entries.extend(listing::all::<Groups>(asker, tx, &groups)?.into_iter().map(group));
                window.of(entries)
            } else {
                groups_then_users(asker, tx, &groups, &users, &window)?
            };
            let page = Page::of(asker, tx, ROOT, request, &window, found)?;
            let order: Vec<ResourceId> = page.entries.iter().map(|entry| entry.id).collect();
            let (mut of_users, mut of_groups) = (Vec::new(), Vec::new());
            for Entry { key, id, item } in page.entries {
                match item {
                    Some(Either::User(item)) => of_users.push(Entry { key, id, item }),
                    Some(Either::Group(item)) => of_groups.push(Entry { key, id, item }),
                    None => {}
                }
            }
            let mut rendered = rendered::<Users>(asker, tx, &request.projection, of_users)?;
            rendered.extend(self::rendered::<Groups>(asker, tx, groups_projection, of_groups)?);
            let resources: Vec<String> = order.iter().filter_map(|id| rendered.remove(id)).collect();
            Ok(list_response(page.total, request.named(page.next.as_deref()), &resources))
        })
    })
}

/// What is asked of one type: what it does not have counts as unassigned.
fn question<S: Source>(services: &Services, caller: &Caller, request: &ListRequest) -> Result<Question, ServiceError> {
    let resource_type = S::resource_type(&services.types);
    let switches = caller.profile.switches();
    let condition = match request.filter.as_deref() {
        Some(filter) => Some(
            Filter::parse(filter, switches)?.resolve_across(resource_type, switches)?.for_type(&resource_type.name),
        ),
        None => None,
    };
    let sort = request.sort.as_ref().map(|sort| sort.resolve(resource_type)).transpose()?.flatten();
    Question::new::<S>(condition, sort)
}

/// One list behind the other, each in the order of ids; every entry stands under the name of its type.
fn groups_then_users(
    asker: Asker<'_>,
    tx: &mut Tx<'_>,
    groups: &Question,
    users: &Question,
    window: &Window,
) -> Result<Found<Either>, ServiceError> {
    let of = |name: &str| SortKey::text(name, true);
    let names = (of(&asker.services.types.group.name), of(&asker.services.types.user.name));
    let after = |name: &SortKey| {
        let place = window.after.as_ref().filter(|place| place.key == *name)?;
        Some(Place { key: SortKey::missing(), ..place.clone() })
    };
    let found = if window.after.as_ref().is_some_and(|place| place.key != names.0) {
        Found::nothing()
    } else {
        listing::find::<Groups>(asker, tx, groups, &Window { after: after(&names.0), ..window.clone() })?
    };
    let rest = Window {
        after: after(&names.1),
        skip: window.skip.saturating_sub(found.total),
        limit: window.limit.saturating_sub(found.entries.len()),
        ..window.clone()
    };
    let others = listing::find::<Users>(asker, tx, users, &rest)?;
    let mut entries: Vec<_> =
        found.entries.into_iter().map(|entry| Entry { key: names.0.clone(), ..group(entry) }).collect();
    entries.extend(others.entries.into_iter().map(|entry| Entry { key: names.1.clone(), ..user(entry) }));
    Ok(Found { total: found.total.saturating_add(others.total), entries })
}

fn user(Entry { key, id, item }: Entry<ListedUser>) -> Entry<Either> {
    Entry { key, id, item: Some(Either::User(item)) }
}

fn group(Entry { key, id, item }: Entry<StoredGroup>) -> Entry<Either> {
    Entry { key, id, item: Some(Either::Group(item)) }
}

fn rendered<S: Source>(
    asker: Asker<'_>,
    tx: &mut Tx<'_>,
    projection: &Projection,
    entries: Vec<Entry<S::Item>>,
) -> Result<HashMap<ResourceId, String>, ServiceError> {
    let items = listing::items::<S>(asker, tx, entries)?;
    let ids: Vec<ResourceId> = items.iter().map(S::id).collect();
    Ok(ids.into_iter().zip(S::render(asker, tx, projection, items)?).collect())
}
