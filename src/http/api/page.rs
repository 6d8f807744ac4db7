//! Pages of lists: `?limit=&cursor=`. A cursor is the id a page ended with, bound to the organization and the list.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::model::{ResourceId, limits};
use crate::service::people::Found;

use super::call::Call;
use super::problem::Problem;

/// Bytes of a cursor that say which list it is of.
const BINDING_BYTES: usize = 8;

/// Which part of a list is asked for; the parameters of every list that has no others.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many at most, 1 to 1,000 [default: 100]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    pub limit: Option<String>,
    /// Where to go on: `next_cursor` of the page before
    pub cursor: Option<String>,
}

/// Which part of a list is asked for, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// What comes after this; before everything at first.
    pub after: ResourceId,
    /// Whether it is not the first page.
    pub goes_on: bool,
    /// How many at most.
    pub limit: usize,
    binding: [u8; BINDING_BYTES],
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T: ToSchema> {
    /// What is on the page
    pub items: Vec<T>,
    /// Asks for the next page; not there on the last one
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl Stretch {
    /// Reads `limit` and `cursor`. `list` names the list and whatever narrows it: a cursor of another is refused.
    ///
    /// # Errors
    /// 400.
    pub fn read(call: &Call, list: &[&str], limit: Option<&str>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = self::limit(limit)?;
        let binding = binding(call, list);
        let after = match cursor {
            None => ResourceId::FIRST,
            Some(text) => decode(text, binding).ok_or_else(foreign_cursor)?,
        };
        Ok(Self { after, goes_on: cursor.is_some(), limit, binding })
    }

    /// How many rows to read: one more than are shown tells whether there is another page.
    pub fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The page a search found.
    pub fn found<R, T: ToSchema>(&self, found: Found<R>, show: impl FnMut(R) -> T) -> Page<T> {
        let next_cursor = found.next.map(|last| self.cursor(last));
        Page { items: found.items.into_iter().map(show).collect(), next_cursor }
    }

    /// The page, of at most one item more than fit on it. `id` is what the list is ordered by.
    pub fn page<R, T: ToSchema>(
        &self,
        mut rows: Vec<R>,
        id: impl Fn(&R) -> ResourceId,
        show: impl FnMut(R) -> T,
    ) -> Page<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let last = rows.last().map(id).filter(|_| more);
        Page { next_cursor: last.map(|last| self.cursor(last)), items: rows.into_iter().map(show).collect() }
    }

    /// The page of a list short enough to be held in memory as a whole.
    pub fn page_of_all<R, T: ToSchema>(
        &self,
        mut rows: Vec<R>,
        id: impl Fn(&R) -> ResourceId,
        show: impl FnMut(R) -> T,
    ) -> Page<T> {
        rows.retain(|row| id(row) > self.after);
        rows.sort_unstable_by_key(&id);
        rows.truncate(self.limit.saturating_add(1));
        self.page(rows, id, show)
    }

    /// The cursor of the page that comes after `last`.
    pub fn cursor(&self, last: ResourceId) -> String {
        URL_SAFE_NO_PAD.encode([self.binding.as_slice(), last.as_bytes()].concat())
    }
}

/// How many a page holds at most.
///
/// # Errors
/// 400.
pub fn limit(asked: Option<&str>) -> Result<usize, Problem> {
    let Some(text) = asked else { return Ok(limits::DEFAULT_PAGE_SIZE) };
    text.parse()
        .ok()
        .filter(|limit| (1..=limits::PAGE_SIZE).contains(limit))
        .ok_or_else(|| Problem::bad_request(format!("`limit` must be a whole number from 1 to {}", limits::PAGE_SIZE)))
}

/// A cursor of another list, or none at all.
pub fn foreign_cursor() -> Problem {
    Problem::bad_request("`cursor` is none of this list; take `next_cursor` of a page, or leave it out")
}

fn binding(call: &Call, list: &[&str]) -> [u8; BINDING_BYTES] {
    let mut named = call.organization().as_bytes().to_vec();
    for part in list {
        named.extend_from_slice(part.as_bytes());
        named.push(0);
    }
    digest(&SHA256, &named).as_ref().first_chunk().copied().unwrap_or_default()
}

fn decode(text: &str, binding: [u8; BINDING_BYTES]) -> Option<ResourceId> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (bound_to, id) = bytes.split_first_chunk::<BINDING_BYTES>()?;
    ResourceId::from_bytes(id).ok().filter(|_| *bound_to == binding)
}
