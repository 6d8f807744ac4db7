//! Looking decisions up: backwards through the segments, newest first.

use crate::db::decisions::{self, StoredSegment};
use crate::evidence::decisions::{DecisionId, DecisionRecord, read};
use crate::model::{Moment, OrganizationId, ResourceId};

use super::super::{ServiceError, Services};

/// Segments read at a time.
const AT_A_TIME: i64 = 8;
/// Segments looked through for one page; a page that ends here goes on at its cursor.
const SEGMENTS_A_PAGE: usize = 400;
/// Segments of several servers overlap by less than this.
const OVERLAP_MICROS: i64 = 60_000_000;

/// Which decisions are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// About this user or service.
    pub subject: Option<ResourceId>,
    /// For this permission.
    pub permission: Option<String>,
    /// At this resource, or in this scope.
    pub resource: Option<String>,
    /// Only those that allowed, or only those that denied.
    pub allowed: Option<bool>,
    /// Not before this moment.
    pub from: Option<Moment>,
    /// Before this moment.
    pub until: Option<Moment>,
}

impl Wanted {
    fn wants(&self, record: &DecisionRecord) -> bool {
        let within = |scope: &String| {
            record.resource == *scope
                || scope == "/"
                || record.resource.strip_prefix(scope.as_str()).is_some_and(|below| below.starts_with('/'))
        };
        self.subject.is_none_or(|id| record.subject.id() == Some(id))
            && self.permission.as_ref().is_none_or(|permission| record.permission == *permission)
            && self.resource.as_ref().is_none_or(within)
            && self.allowed.is_none_or(|allowed| record.allowed == allowed)
            && self.from.is_none_or(|from| record.at >= from)
            && self.until.is_none_or(|until| record.at < until)
    }
}

/// A page of decisions, newest first.
#[derive(Debug, Default)]
pub struct FoundDecisions {
    /// Each with its id.
    pub items: Vec<(DecisionId, DecisionRecord)>,
    /// Where to go on; nothing at the end.
    pub next: Option<DecisionId>,
}

impl Services {
    /// The decisions before `before`, newest first, at most `limit`; those of half a second stand server by server. What
    /// other servers have decided is there half a second later. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn decisions(
        &self,
        organization: OrganizationId,
        wanted: &Wanted,
        before: Option<DecisionId>,
        limit: usize,
    ) -> Result<FoundDecisions, ServiceError> {
        self.live.flush_decisions().map_err(|error| ServiceError::Unavailable(error.to_string()))?;
        let mut page = Looking { wanted, limit, found: FoundDecisions::default() };
        let mut after =
            wanted.until.map_or(ResourceId::LAST, |until| ResourceId::earliest_at(until.plus_micros(1_000)));
        if let Some(before) = before {
            after = before.segment;
            let segment = self.live.read(|tx| decisions::by_id(tx, organization, before.segment))?;
            if let Some(segment) = segment
                && page.look_through(&segment, Some(before.place))?
            {
                return Ok(page.found);
            }
        }
        let mut looked_through = 0_usize;
        loop {
            let segments = self.live.read(|tx| decisions::before(tx, organization, after, AT_A_TIME))?;
            let Some(last) = segments.last().map(|segment| segment.id) else { return Ok(page.found) };
            for segment in &segments {
                let too_old = |from: Moment| segment.last_at.plus_micros(OVERLAP_MICROS) < from;
                if wanted.from.is_some_and(too_old) || page.look_through(segment, None)? {
                    return Ok(page.found);
                }
            }
            after = last;
            looked_through = looked_through.saturating_add(segments.len());
            if looked_through >= SEGMENTS_A_PAGE {
                page.found.next = Some(DecisionId { segment: last, place: 0 });
                return Ok(page.found);
            }
        }
    }

    /// One decision; nothing if there is none of this id. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn decision(
        &self,
        organization: OrganizationId,
        id: DecisionId,
    ) -> Result<Option<DecisionRecord>, ServiceError> {
        self.live.flush_decisions().map_err(|error| ServiceError::Unavailable(error.to_string()))?;
        let Some(segment) = self.live.read(|tx| decisions::by_id(tx, organization, id.segment))? else {
            return Ok(None);
        };
        let place = usize::try_from(id.place).unwrap_or(usize::MAX);
        Ok(records(&segment)?.into_iter().nth(place))
    }
}

fn records(segment: &StoredSegment) -> Result<Vec<DecisionRecord>, ServiceError> {
    read(&segment.content).map_err(|error| ServiceError::Internal(error.to_string()))
}

struct Looking<'w> {
    wanted: &'w Wanted,
    limit: usize,
    found: FoundDecisions,
}

impl Looking<'_> {
    /// Takes what is wanted of a segment, only before a place of it; answers whether the page is full.
    fn look_through(&mut self, segment: &StoredSegment, before: Option<u32>) -> Result<bool, ServiceError> {
        let mut numbered: Vec<(u32, DecisionRecord)> = (0..).zip(records(segment)?).collect();
        numbered.retain(|(place, _)| before.is_none_or(|before| *place < before));
        for (place, record) in numbered.into_iter().rev() {
            if !self.wanted.wants(&record) {
                continue;
            }
            if self.found.items.len() == self.limit {
                self.found.next = self.found.items.last().map(|(id, _)| *id);
                return Ok(true);
            }
            self.found.items.push((DecisionId { segment: segment.id, place }, record));
        }
        Ok(false)
    }
}
