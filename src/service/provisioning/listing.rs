//! Lists of one resource type (RFC 7644 §3.4.2): an index narrows and sorts where it can, the filter's one evaluator
//! decides.

use std::collections::HashMap;

use crate::db::ordered::Start;
use crate::db::{DatabaseError, ResourceKind, Tx, organizations};
use crate::live::ListKey;
use crate::model::{Caller, ConnectionId, ResourceId, SortKey};
use crate::scim::ScimError;
use crate::scim::filter::{Condition, Filter};
use crate::scim::list::{Begin, Named, list_response};
use crate::scim::path::AttributePath;
use crate::scim::projection::Projection;
use crate::scim::schema::{ResourceType, ResourceTypes};
use crate::scim::sort::Sort;
use crate::service::{ServiceError, Services};

use super::ListRequest;
use super::cursor::{self, Place};
use super::page::{self, Entry, Found, Matches, Window};

/// Who asks, and of whom.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    /// What is asked.
    pub services: &'a Services,
    /// Who asks.
    pub caller: &'a Caller,
}

/// Users or groups, as far as their lists differ.
pub trait Source {
    /// Which.
    const KIND: ResourceKind;
    /// The attribute that is kept as rows of its own.
    const ROWS: &'static str;
    /// One of them.
    type Item;
    /// What an index sorts them by.
    type Order: Copy;

    /// Their type.
    fn resource_type(types: &ResourceTypes) -> &ResourceType;
    /// Whose list a connection sees.
    fn list_of(connection: ConnectionId) -> ConnectionId;
    /// Its identifier.
    fn id(item: &Self::Item) -> ResourceId;
    /// The index that sorts by an attribute, if there is one.
    fn order(path: &AttributePath) -> Option<Self::Order>;
    /// Those of one index, with the keys they stand under.
    fn in_order(
        tx: &mut Tx<'_>,
        caller: &Caller,
        order: Self::Order,
        start: &Start<'_>,
        limit: i64,
    ) -> Result<Vec<(SortKey, Self::Item)>, DatabaseError>;
    /// The id `places` behind the one that follows `after`, by id.
    fn skip(
        tx: &mut Tx<'_>,
        caller: &Caller,
        after: ResourceId,
        places: i64,
    ) -> Result<Option<ResourceId>, DatabaseError>;
    /// Those behind `after`, by id.
    fn after(tx: &mut Tx<'_>, caller: &Caller, after: ResourceId, limit: i64)
    -> Result<Vec<Self::Item>, DatabaseError>;
    /// As [`Source::after`], with what the condition reads of them and no more.
    fn batch(
        tx: &mut Tx<'_>,
        caller: &Caller,
        condition: &Condition,
        after: ResourceId,
        limit: i64,
    ) -> Result<Vec<Self::Item>, DatabaseError>;
    /// Those with these ids, in any order.
    fn by_ids(tx: &mut Tx<'_>, caller: &Caller, ids: &[ResourceId]) -> Result<Vec<Self::Item>, DatabaseError>;
    /// Those an index finds for one conjunct of the condition: a superset of the matches, by id. `None`: no index helps,
    /// or it finds more than `most`.
    fn candidates(
        tx: &mut Tx<'_>,
        caller: &Caller,
        condition: &Condition,
        most: usize,
    ) -> Result<Option<Vec<Self::Item>>, DatabaseError>;
    /// Those of `items` that fulfil the condition, with the key each is sorted under.
    fn matching(
        asker: Asker<'_>,
        tx: &mut Tx<'_>,
        question: &Question,
        items: Vec<Self::Item>,
    ) -> Result<Vec<(SortKey, Self::Item)>, ServiceError>;
    /// Each as the client wants to see it.
    fn render(
        asker: Asker<'_>,
        tx: &mut Tx<'_>,
        projection: &Projection,
        items: Vec<Self::Item>,
    ) -> Result<Vec<String>, ServiceError>;
}

/// What is asked of the resources of one type.
pub struct Question {
    /// What they must fulfil.
    pub condition: Condition,
    /// How they are sorted: by id where not said.
    pub sort: Option<Sort>,
}

impl Question {
    /// Whether `meta` is read of them.
    pub fn reads_meta(&self) -> bool {
        self.condition.attributes().any(|name| name == "meta")
            || self.sort.as_ref().is_some_and(|sort| sort.path.schema.is_none() && sort.path.attribute == "meta")
    }

    /// About resources of this type.
    ///
    /// # Errors
    /// 400 `invalidValue` for an order by what is kept as rows, which has neither a primary nor a first value.
    pub fn new<S: Source>(condition: Option<Condition>, sort: Option<Sort>) -> Result<Self, ServiceError> {
        if sort.as_ref().is_some_and(|sort| sort.path.schema.is_none() && sort.path.attribute == S::ROWS) {
            let detail = format!("`{}` cannot be sorted by; sort by another attribute", S::ROWS);
            return Err(ScimError::invalid_value(detail).into());
        }
        Ok(Self { condition: condition.unwrap_or_else(|| Condition::All(Vec::new())), sort })
    }

    fn of<S: Source>(services: &Services, caller: &Caller, request: &ListRequest) -> Result<Self, ServiceError> {
        let switches = caller.profile.switches();
        let resource_type = S::resource_type(&services.types);
        let condition = match request.filter.as_deref() {
            Some(filter) => Some(Filter::parse(filter, switches)?.resolve(resource_type, switches)?),
            None => None,
        };
        let sort = match &request.sort {
            Some(sort) => Some(sort.resolve(resource_type)?.ok_or_else(|| sort.unknown(&resource_type.name))?),
            None => None,
        };
        Self::new::<S>(condition, sort)
    }
}

/// Lists the resources of one type, with the total of all that match.
///
/// # Errors
/// [`ServiceError`]; 400 `invalidFilter`, `invalidValue` for the order, `tooMany`, and the three of RFC 9865 §2.1.
pub fn list<S: Source>(services: &Services, caller: &Caller, request: &ListRequest) -> Result<String, ServiceError> {
    let question = Question::of::<S>(services, caller, request)?;
    let asker = Asker { services, caller };
    services.live.read(|tx| {
        let window = window::<S>(asker, tx, request)?;
        if let Some(found) = few::<S>(asker, tx, &question, &window)? {
            return respond::<S>(asker, tx, request, &window, found);
        }
        tx.snapshot(|tx| {
            let found = find::<S>(asker, tx, &question, &window)?;
            respond::<S>(asker, tx, request, &window, found)
        })
    })
}

/// Answers a filter by which an index finds a few resources at most, which is how identity providers look people up;
/// `None` for every other, which may take long and is for [`list`].
///
/// # Errors
/// As [`list`].
pub fn look_up<S: Source>(
    services: &Services,
    caller: &Caller,
    request: &ListRequest,
) -> Result<Option<String>, ServiceError> {
    if request.filter.is_none() {
        return Ok(None);
    }
    let question = Question::of::<S>(services, caller, request)?;
    let asker = Asker { services, caller };
    services.live.read(|tx| {
        let window = window::<S>(asker, tx, request)?;
        let found = few::<S>(asker, tx, &question, &window)?;
        found.map(|found| respond::<S>(asker, tx, request, &window, found)).transpose()
    })
}

fn window<S: Source>(asker: Asker<'_>, tx: &mut Tx<'_>, request: &ListRequest) -> Result<Window, ServiceError> {
    let endpoint = &S::resource_type(&asker.services.types).endpoint;
    Ok(Window::of_request(request, cursor::open(asker.services, tx, asker.caller, endpoint, request)?))
}

impl Window {
    /// Of the page that is asked for, which begins behind `after` if that is given. By cursor it is one longer than the
    /// page: the last entry shows that there is another page.
    pub fn of_request(request: &ListRequest, after: Option<Place>) -> Self {
        let count = request.paging.count;
        let by_cursor = matches!(request.paging.begin, Begin::Cursor(_)) && count > 0;
        Self {
            counts: after.is_none(),
            after,
            skip: request.paging.offset(),
            limit: if by_cursor { count.saturating_add(1) } else { count },
            descending: request.sort.as_ref().is_some_and(|sort| sort.descending),
        }
    }
}

fn few<S: Source>(
    asker: Asker<'_>,
    tx: &mut Tx<'_>,
    question: &Question,
    window: &Window,
) -> Result<Option<Found<S::Item>>, ServiceError> {
    if question.condition.is_always() {
        return Ok(None);
    }
    let Some(few) = S::candidates(tx, asker.caller, &question.condition, page::FEW)? else { return Ok(None) };
    Ok(Some(window.of(kept::<S>(asker, tx, question, few)?)))
}

/// The part of the list that is looked for.
///
/// # Errors
/// [`ServiceError`]; 400 `tooMany`.
pub fn find<S: Source>(
    asker: Asker<'_>,
    tx: &mut Tx<'_>,
    question: &Question,
    window: &Window,
) -> Result<Found<S::Item>, ServiceError> {
    if question.condition.is_never() || (window.limit == 0 && !window.counts) {
        return Ok(Found::nothing());
    }
    let order = question.sort.as_ref().map(|sort| S::order(&sort.path));
    match (question.condition.is_always(), order) {
        (true, None) => by_id::<S>(asker, tx, window),
        (true, Some(Some(order))) => by_index::<S>(asker, tx, order, window),
        (_, None) => filtered::<S>(asker, tx, question, window),
        (_, Some(_)) => Ok(window.of(all::<S>(asker, tx, question)?)),
    }
}

fn by_id<S: Source>(asker: Asker<'_>, tx: &mut Tx<'_>, window: &Window) -> Result<Found<S::Item>, ServiceError> {
    let Asker { services, caller } = asker;
    let limit = i64::try_from(window.limit).unwrap_or(i64::MAX);
    if let Some(place) = &window.after {
        let items = S::after(tx, caller, place.id, limit)?;
        return Ok(Found { total: place.total, entries: items.into_iter().map(entry::<S>).collect() });
    }
    let list = ListKey { organization: caller.organization, connection: S::list_of(caller.connection), kind: S::KIND };
    let totals = organizations::totals(tx, list.organization, list.connection, list.kind)?;
    let total = u64::try_from(totals.present).unwrap_or_default();
    if window.limit == 0 || window.skip >= total {
        return Ok(Found { total, entries: Vec::new() });
    }
    let last = page::last_before(services, list, totals.deleted, window.skip, |after, places| {
        S::skip(tx, caller, after, places)
    })?;
    let items = match last {
        Some(last) => S::after(tx, caller, last, limit)?,
        None => Vec::new(),
    };
    Ok(Found { total, entries: items.into_iter().map(entry::<S>).collect() })
}

fn by_index<S: Source>(
    asker: Asker<'_>,
    tx: &mut Tx<'_>,
    order: S::Order,
    window: &Window,
) -> Result<Found<S::Item>, ServiceError> {
    let caller = asker.caller;
    let total = if let Some(place) = &window.after {
        place.total
    } else {
        let list = S::list_of(caller.connection);
        let totals = organizations::totals(tx, caller.organization, list, S::KIND)?;
        u64::try_from(totals.present).unwrap_or_default()
    };
    if window.limit == 0 || window.skip >= total && window.after.is_none() {
        return Ok(Found { total, entries: Vec::new() });
    }
    let start = Start {
        descending: window.descending,
        after: window.after.as_ref().map(|place| (&place.key, place.id)),
        skip: i64::try_from(window.skip).unwrap_or(i64::MAX),
    };
    let limit = i64::try_from(window.limit).unwrap_or(i64::MAX);
    let items = S::in_order(tx, caller, order, &start, limit)?;
    let entries = items.into_iter().map(|(key, item)| Entry { key, id: S::id(&item), item: Some(item) }).collect();
    Ok(Found { total, entries })
}

/// The matches by id, of which no more are held than are looked for.
fn filtered<S: Source>(
    asker: Asker<'_>,
    tx: &mut Tx<'_>,
    question: &Question,
    window: &Window,
) -> Result<Found<S::Item>, ServiceError> {
    if let Some(candidates) = S::candidates(tx, asker.caller, &question.condition, page::CANDIDATES)? {
        return Ok(window.of(kept::<S>(asker, tx, question, candidates)?));
    }
    let mut matches = Matches::new(window.clone());
    page::scan(
        tx,
        window.after.as_ref().map_or(ResourceId::FIRST, |place| place.id),
        |tx, after, limit| S::batch(tx, asker.caller, &question.condition, after, limit),
        S::id,
        |tx, items| {
            for (_key, item) in S::matching(asker, tx, question, items)? {
                matches.add(item);
            }
            Ok(matches.is_complete())
        },
    )?;
    let (total, kept) = matches.finish();
    Ok(Found { total, entries: kept.into_iter().map(entry::<S>).collect() })
}

/// Every match with its key, to be sorted in memory; the resources themselves only where they are few.
///
/// # Errors
/// [`ServiceError`]; 400 `tooMany`.
pub fn all<S: Source>(
    asker: Asker<'_>,
    tx: &mut Tx<'_>,
    question: &Question,
) -> Result<Vec<Entry<S::Item>>, ServiceError> {
    if question.condition.is_never() {
        return Ok(Vec::new());
    }
    if let Some(candidates) = S::candidates(tx, asker.caller, &question.condition, page::CANDIDATES)? {
        return kept::<S>(asker, tx, question, candidates);
    }
    let mut entries = Vec::new();
    page::scan(
        tx,
        ResourceId::FIRST,
        |tx, after, limit| S::batch(tx, asker.caller, &question.condition, after, limit),
        S::id,
        |tx, items| {
            let found = S::matching(asker, tx, question, items)?;
            entries.extend(found.into_iter().map(|(key, item)| Entry { key, id: S::id(&item), item: None }));
            Ok(false)
        },
    )?;
    Ok(entries)
}

fn kept<S: Source>(
    asker: Asker<'_>,
    tx: &mut Tx<'_>,
    question: &Question,
    candidates: Vec<S::Item>,
) -> Result<Vec<Entry<S::Item>>, ServiceError> {
    let found = S::matching(asker, tx, question, candidates)?;
    Ok(found.into_iter().map(|(key, item)| Entry { key, id: S::id(&item), item: Some(item) }).collect())
}

/// An entry of a list in the order of ids.
fn entry<S: Source>(item: S::Item) -> Entry<S::Item> {
    Entry { key: SortKey::missing(), id: S::id(&item), item: Some(item) }
}

fn respond<S: Source>(
    asker: Asker<'_>,
    tx: &mut Tx<'_>,
    request: &ListRequest,
    window: &Window,
    found: Found<S::Item>,
) -> Result<String, ServiceError> {
    let endpoint = &S::resource_type(&asker.services.types).endpoint;
    let page = Page::of(asker, tx, endpoint, request, window, found)?;
    let items = items::<S>(asker, tx, page.entries)?;
    let resources = S::render(asker, tx, &request.projection, items)?;
    Ok(list_response(page.total, request.named(page.next.as_deref()), &resources))
}

/// A page, and the cursor of the next.
pub struct Page<T> {
    /// How many entries the list has; by cursor, how many it had when the first page was read.
    pub total: u64,
    /// The entries.
    pub entries: Vec<Entry<T>>,
    /// The cursor, if pages are named by cursors and there is another page.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// What was found, cut to the page.
    ///
    /// # Errors
    /// [`ServiceError`] when the organization's key cannot be had.
    pub fn of(
        asker: Asker<'_>,
        tx: &mut Tx<'_>,
        endpoint: &str,
        request: &ListRequest,
        window: &Window,
        found: Found<T>,
    ) -> Result<Self, ServiceError> {
        let total = window.after.as_ref().map_or(found.total, |place| place.total);
        let mut entries = found.entries;
        let more = entries.len() > request.paging.count;
        entries.truncate(request.paging.count);
        let next = match entries.last().filter(|_| more) {
            Some(last) => {
                let place = Place { key: last.key.clone(), id: last.id, total };
                Some(cursor::seal(asker.services, tx, asker.caller, endpoint, request, place)?)
            }
            None => None,
        };
        Ok(Self { total, entries, next })
    }
}

impl ListRequest {
    /// How a page is named that was asked for so.
    pub const fn named<'a>(&self, next: Option<&'a str>) -> Named<'a> {
        match self.paging.begin {
            Begin::Index(start_index) => Named::Index(start_index),
            Begin::Cursor(_) => Named::Cursor(next),
        }
    }
}

/// The resources of these entries, in their order; those not kept are read again.
///
/// # Errors
/// [`ServiceError`].
pub fn items<S: Source>(
    asker: Asker<'_>,
    tx: &mut Tx<'_>,
    entries: Vec<Entry<S::Item>>,
) -> Result<Vec<S::Item>, ServiceError> {
    let missing: Vec<ResourceId> = entries.iter().filter(|entry| entry.item.is_none()).map(|entry| entry.id).collect();
    if missing.is_empty() {
        return Ok(entries.into_iter().filter_map(|entry| entry.item).collect());
    }
    let read = S::by_ids(tx, asker.caller, &missing)?;
    let mut read: HashMap<ResourceId, S::Item> = read.into_iter().map(|item| (S::id(&item), item)).collect();
    Ok(entries.into_iter().filter_map(|entry| entry.item.or_else(|| read.remove(&entry.id))).collect())
}
