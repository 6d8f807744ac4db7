//! What lists of users and groups have in common: finding the start of a page, and gathering the matches of a filter.

use crate::db::{DatabaseError, Tx};
use crate::live::{ListKey, STRIDE};
use crate::model::{ResourceId, limits};
use crate::scim::ScimError;
use crate::scim::list::Paging;
use crate::service::{ServiceError, Services};

/// Entries looked at in one statement.
pub const BATCH: usize = 500;
/// Entries an index may find and memory holds at once; a filter that finds more goes through the list in batches.
pub const CANDIDATES: usize = 5_000;
/// Entries that are looked up on the spot, on a thread that has other requests to answer.
pub const FEW: usize = 20;

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

/// Counts matches and keeps those of the page.
pub struct Matches<T> {
    paging: Paging,
    total: u64,
    kept: Vec<T>,
}

impl<T> Matches<T> {
    /// Nothing found yet.
    pub const fn new(paging: Paging) -> Self {
        Self { paging, total: 0, kept: Vec::new() }
    }

    /// One more match, in the order of the list.
    pub fn add(&mut self, found: T) {
        if self.total >= self.paging.offset() && self.kept.len() < self.paging.count {
            self.kept.push(found);
        }
        self.total = self.total.saturating_add(1);
    }

    /// How many there are in all, and those of the page.
    pub fn finish(self) -> (u64, Vec<T>) {
        (self.total, self.kept)
    }
}

/// Looks at every entry of a list, a batch at a time, up to the limit.
///
/// # Errors
/// 400 `tooMany` when the list is longer than a filter without an index may look at.
pub fn scan<T>(
    tx: &mut Tx<'_>,
    mut batch: impl FnMut(&mut Tx<'_>, ResourceId, i64) -> Result<Vec<T>, DatabaseError>,
    id: impl Fn(&T) -> ResourceId,
    mut look: impl FnMut(&mut Tx<'_>, Vec<T>) -> Result<(), ServiceError>,
) -> Result<(), ServiceError> {
    let mut after = ResourceId::FIRST;
    let mut seen = 0_usize;
    loop {
        let rows = batch(tx, after, i64::try_from(BATCH).unwrap_or(i64::MAX))?;
        let (count, last) = (rows.len(), rows.last().map(&id));
        seen = seen.saturating_add(count);
        if seen > limits::SCANNED_RESOURCES {
            return Err(ScimError::too_many(format!(
                "the filter would look at more than {} resources; add a condition on `id`, `userName`, `externalId`, \
                 `emails.value` or `displayName`",
                limits::SCANNED_RESOURCES
            ))
            .into());
        }
        look(tx, rows)?;
        match last {
            Some(last) if count == BATCH => after = last,
            _ => return Ok(()),
        }
    }
}
