//! Cursors (RFC 9865): a place in the result of one query, sealed under a key of that query, so that nobody else can read
//! it, make one, or bring it to another query, connection or organization. Nothing is kept on the server.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::db::Tx;
use crate::model::{Caller, Moment, ResourceId, SortKey, limits};
use crate::scim::list::Begin;
use crate::scim::{ScimError, ScimType};
use crate::service::{ServiceError, Services};

use super::ListRequest;

/// Bytes of a cursor's text; the longest that is given out is shorter.
const MOST_BYTES: usize = 4_096;

/// The last entry of a page: the next page begins behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What the entry is sorted under.
    pub key: SortKey,
    /// The entry.
    pub id: ResourceId,
    /// How many entries there were when the first page was read.
    pub total: u64,
}

/// Where the page begins that is asked for; `None` at the beginning.
///
/// # Errors
/// 400 `invalidCursor`, `expiredCursor`, `invalidCount` (RFC 9865 §2.1).
pub fn open(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    endpoint: &str,
    request: &ListRequest,
) -> Result<Option<Place>, ServiceError> {
    let Begin::Cursor(text) = &request.paging.begin else { return Ok(None) };
    if text.is_empty() {
        return Ok(None);
    }
    let sealed = Some(text).filter(|text| text.len() <= MOST_BYTES).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let sealed = sealed.ok_or_else(ScimError::invalid_cursor)?;
    let query = query(caller, endpoint, request);
    let plain = services.live.open_cursor(tx, caller.organization, &query, &sealed)?;
    let written = plain.as_deref().and_then(read).ok_or_else(ScimError::invalid_cursor)?;
    if services.clock.now() >= written.expires_at {
        let detail = "the time of this `cursor` is over; begin again with an empty one";
        return Err(ScimError::BadRequest(ScimType::ExpiredCursor, detail.to_owned()).into());
    }
    if written.count != request.paging.count {
        let detail = format!("`count` must be {}, as it was for the first page", written.count);
        return Err(ScimError::invalid_count(detail).into());
    }
    Ok(Some(written.place))
}

/// The cursor of the page behind `place`.
///
/// # Errors
/// [`ServiceError`] when the organization's key cannot be had.
pub fn seal(
    services: &Services,
    tx: &mut Tx<'_>,
    caller: &Caller,
    endpoint: &str,
    request: &ListRequest,
    place: Place,
) -> Result<String, ServiceError> {
    let lifetime = i64::try_from(limits::CURSOR_SECONDS).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let expires_at = services.clock.now().plus_micros(lifetime);
    let plain = write(&Written { expires_at, count: request.paging.count, place });
    let query = query(caller, endpoint, request);
    Ok(URL_SAFE_NO_PAD.encode(services.live.seal_cursor(tx, caller.organization, &query, &plain)?))
}

/// What a cursor says.
#[derive(Debug, PartialEq, Eq)]
struct Written {
    expires_at: Moment,
    count: usize,
    place: Place,
}

fn write(written: &Written) -> Vec<u8> {
    let count = u64::try_from(written.count).unwrap_or(u64::MAX);
    let mut plain = written.expires_at.as_micros().to_be_bytes().to_vec();
    plain.extend(count.to_be_bytes());
    plain.extend(written.place.total.to_be_bytes());
    plain.extend(written.place.id.as_bytes());
    plain.extend(written.place.key.as_str().as_bytes());
    plain
}

fn read(plain: &[u8]) -> Option<Written> {
    let (expires_at, rest) = plain.split_first_chunk()?;
    let (count, rest) = rest.split_first_chunk()?;
    let (total, rest) = rest.split_first_chunk()?;
    let (id, key) = rest.split_first_chunk::<16>()?;
    let place = Place {
        key: SortKey::written(std::str::from_utf8(key).ok()?.to_owned()),
        id: ResourceId::from_bytes(id).ok()?,
        total: u64::from_be_bytes(*total),
    };
    let count = usize::try_from(u64::from_be_bytes(*count)).ok()?;
    Some(Written { expires_at: Moment::from_micros(i64::from_be_bytes(*expires_at)), count, place })
}

/// What makes one query differ from another, whoever may bring its cursor; each part behind its length.
fn query(caller: &Caller, endpoint: &str, request: &ListRequest) -> Vec<u8> {
    let sort = request.sort.as_ref().map(|sort| format!("{}{}", u8::from(sort.descending), sort.path));
    let parts = [
        Some(caller.organization.to_string()),
        Some(caller.connection.to_string()),
        Some(endpoint.to_owned()),
        request.filter.clone(),
        sort,
    ];
    let mut query = Vec::new();
    for part in parts {
        let length = part.as_ref().map_or(u64::MAX, |part| u64::try_from(part.len()).unwrap_or(u64::MAX));
        query.extend(length.to_be_bytes());
        query.extend(part.unwrap_or_default().into_bytes());
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_as_written() {
        let place = Place { key: SortKey::text("müller", false), id: ResourceId::FIRST, total: 7 };
        let written = Written { expires_at: Moment::from_micros(-5), count: 10, place };
        let plain = write(&written);
        assert_eq!(read(&plain), Some(written));
        for end in 0..40 {
            assert_eq!(read(&plain[..end]), None);
        }
    }
}
