//! What lists of users and groups have in common: finding the start of a page, and gathering the matches of a filter.

use crate::db::{DatabaseError, Tx};
use crate::live::{ListKey, STRIDE};
use crate::model::{ResourceId, SortKey, limits};
use crate::scim::ScimError;
use crate::service::{ServiceError, Services};

use super::cursor::Place;

/// Entries looked at in one statement.
pub const BATCH: usize = 500;
/// Entries an index may find and memory holds at once; a filter that finds more goes through the list in batches.
pub const CANDIDATES: usize = 5_000;
/// Entries that are looked up on the spot, on a thread that has other requests to answer.
pub const FEW: usize = 20;

/// The part of a list that is looked for.
#[derive(Debug, Clone)]
pub struct Window {
    /// It begins behind this entry.
    pub after: Option<Place>,
    /// So many entries further on.
    pub skip: u64,
    /// And has so many at most.
    pub limit: usize,
    /// Whether the whole list is to be counted.
    pub counts: bool,
    /// Whether the list runs backwards.
    pub descending: bool,
}

/// One resource of a list.
#[derive(Debug, Clone)]
pub struct Entry<T> {
    /// What it is sorted under; those of equal keys by id.
    pub key: SortKey,
    /// Which resource.
    pub id: ResourceId,
    /// The resource, unless there were too many to keep.
    pub item: Option<T>,
}

/// The part of a list that was looked for.
#[derive(Debug, Clone)]
pub struct Found<T> {
    /// How many entries the whole list has, if that was asked for.
    pub total: u64,
    /// Its entries, in order.
    pub entries: Vec<Entry<T>>,
}

impl<T> Found<T> {
    /// Of a list without entries.
    pub const fn nothing() -> Self {
        Self { total: 0, entries: Vec::new() }
    }
}

impl Window {
    /// Sorts all entries of a list and takes what is looked for.
    pub fn of<T>(&self, mut entries: Vec<Entry<T>>) -> Found<T> {
        entries.sort_unstable_by(|left, right| (&left.key, left.id).cmp(&(&right.key, right.id)));
        if self.descending {
            entries.reverse();
        }
        let total = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX);
        let begun = |entry: &Entry<T>| {
            self.after.as_ref().is_none_or(|place| {
                let order = (&entry.key, entry.id).cmp(&(&place.key, place.id));
                if self.descending { order.is_lt() } else { order.is_gt() }
            })
        };
        Found { total, entries: entries.into_iter().filter(begun).skip(skip).take(self.limit).collect() }
    }
}

/// The last entry before the page, found from the nearest remembered place in strides.
///
/// `skip(after, n)` answers the id n places behind the one that follows `after`.
pub fn last_before(
    services: &Services,
    list: ListKey,
    deleted: i64,
    offset: u64,
    mut skip: impl FnMut(ResourceId, i64) -> Result<Option<ResourceId>, DatabaseError>,
) -> Result<Option<ResourceId>, ServiceError> {
    let (mut count, mut last) = services.live.nearest_page_start(list, deleted, offset);
    while count < offset {
        let stride = STRIDE.min(offset.saturating_sub(count));
        let places = i64::try_from(stride.saturating_sub(1)).unwrap_or(i64::MAX);
        let Some(next) = skip(last, places)? else { return Ok(None) };
        (count, last) = (count.saturating_add(stride), next);
        if stride == STRIDE {
            services.live.remember_page_start(list, deleted, count, last, services.clock.now());
        }
    }
    Ok(Some(last))
}

/// Counts matches, in the order of the list, and keeps those of the window.
pub struct Matches<T> {
    window: Window,
    total: u64,
    kept: Vec<T>,
}

impl<T> Matches<T> {
    /// Nothing found yet.
    pub const fn new(window: Window) -> Self {
        Self { window, total: 0, kept: Vec::new() }
    }

    /// One more match.
    pub fn add(&mut self, found: T) {
        if self.total >= self.window.skip && self.kept.len() < self.window.limit {
            self.kept.push(found);
        }
        self.total = self.total.saturating_add(1);
    }

    /// Whether nothing more is looked for.
    pub const fn is_complete(&self) -> bool {
        !self.window.counts && self.kept.len() >= self.window.limit
    }

    /// How many there are in all, and those of the window.
    pub fn finish(self) -> (u64, Vec<T>) {
        (self.total, self.kept)
    }
}

/// Looks at the entries of a list behind `after`, a batch at a time, up to the limit, until `look` has seen enough.
///
/// # Errors
/// 400 `tooMany` when the list is longer than a filter or an order without an index may look at.
pub fn scan<T>(
    tx: &mut Tx<'_>,
    mut after: ResourceId,
    mut batch: impl FnMut(&mut Tx<'_>, ResourceId, i64) -> Result<Vec<T>, DatabaseError>,
    id: impl Fn(&T) -> ResourceId,
    mut look: impl FnMut(&mut Tx<'_>, Vec<T>) -> Result<bool, ServiceError>,
) -> Result<(), ServiceError> {
    let mut seen = 0_usize;
    loop {
        let rows = batch(tx, after, i64::try_from(BATCH).unwrap_or(i64::MAX))?;
        let (count, last) = (rows.len(), rows.last().map(&id));
        seen = seen.saturating_add(count);
        if seen > limits::SCANNED_RESOURCES {
            return Err(ScimError::too_many(format!(
                "this would look at more than {} resources; filter by `id`, `userName`, `externalId`, `emails.value` or \
                 `displayName`, or sort by one of these or by `name.familyName` or `meta.created`",
                limits::SCANNED_RESOURCES
            ))
            .into());
        }
        let enough = look(tx, rows)?;
        match last {
            Some(last) if count == BATCH && !enough => after = last,
            _ => return Ok(()),
        }
    }
}
