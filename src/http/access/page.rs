//! Pages of searches: a token is the last entity of the page before, sealed under a key of the search, so that it cannot be
//! made up, changed, or brought to another search or organization.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::{Caller, limits};
use crate::service::{ServiceError, Services};

use super::wire::Page;

/// Bytes of a token's text; the longest that is given out is shorter.
const MOST_BYTES: usize = 4_096;

/// A page cannot be had. The text of the 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Not one of ours, or one of another search.
    #[error("`page.token` is not one of this search; begin again without it")]
    Token,
    /// Another limit than that of the page before.
    #[error("`page.limit` must be what it was for the first page, or be left out")]
    Limit,
}

/// Where a page begins and how much it holds.
pub struct Cursor<'s> {
    services: &'s Services,
    caller: &'s Caller,
    asked: Vec<u8>,
    after: Option<String>,
    limit: usize,
}

impl<'s> Cursor<'s> {
    /// Reads what is said of the page. `asked`: everything the search depends on. Blocks.
    ///
    /// # Errors
    /// [`PageError`], and [`ServiceError`] when the organization's key cannot be had.
    pub fn read(
        services: &'s Services,
        caller: &'s Caller,
        asked: &[&str],
        page: Option<&Page>,
    ) -> Result<Self, super::Refusal> {
        // Lengths stand before the texts: no two searches look alike.
        let asked: Vec<u8> =
            asked.iter().flat_map(|text| [format!("{}:", text.len()).as_bytes(), text.as_bytes()].concat()).collect();
        let wanted = page.and_then(|page| page.limit).map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let token = page.and_then(|page| page.token.as_deref()).filter(|token| !token.is_empty());
        let limit = wanted.unwrap_or(limits::SEARCH_PAGE).min(limits::SEARCH_PAGE);
        let mut cursor = Self { services, caller, asked, after: None, limit };
        if let Some(token) = token {
            let (limit, after) = cursor.open(token)?;
            if wanted.is_some() && cursor.limit != limit {
                return Err(PageError::Limit.into());
            }
            (cursor.limit, cursor.after) = (limit, after);
        }
        Ok(cursor)
    }

    /// The last entity of the page before.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// How many at most.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    fn open(&self, token: &str) -> Result<(usize, Option<String>), super::Refusal> {
        let sealed =
            Some(token).filter(|token| token.len() <= MOST_BYTES).and_then(|token| URL_SAFE_NO_PAD.decode(token).ok());
        let sealed = sealed.ok_or(PageError::Token)?;
        let plain = self.services.live.read(|tx| -> Result<_, ServiceError> {
            Ok(self.services.live.open_cursor(tx, self.caller.organization, &self.asked, &sealed)?)
        })?;
        let text = plain.and_then(|plain| String::from_utf8(plain).ok()).ok_or(PageError::Token)?;
        let (limit, after) = text.split_once(' ').ok_or(PageError::Token)?;
        let after = Some(after.to_owned()).filter(|after| !after.is_empty());
        Ok((limit.parse().map_err(|_not_a_number| PageError::Token)?, after))
    }

    /// The token of the page behind `last`; of the first page behind nothing.
    ///
    /// # Errors
    /// [`ServiceError`] when the organization's key cannot be had.
    pub fn next(&self, last: &str) -> Result<String, ServiceError> {
        let plain = format!("{} {last}", self.limit);
        let sealed = self.services.live.read(|tx| -> Result<_, ServiceError> {
            Ok(self.services.live.seal_cursor(tx, self.caller.organization, &self.asked, plain.as_bytes())?)
        })?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }
}
