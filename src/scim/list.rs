//! Pages of resources (RFC 7644 §3.4.2, §3.4.2.4, RFC 9865).

use super::ScimError;
use super::path::excerpt;
use crate::model::limits;

/// Which part of a result a client asked for, brought within bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    /// Where it begins.
    pub begin: Begin,
    /// How many resources at most, up to [`limits::PAGE_SIZE`].
    pub count: usize,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// At this resource, counted from 1; at most `i64::MAX`.
    Index(u64),
    /// Behind the page this cursor came with; an empty one stands for the first page (RFC 9865 §2).
    Cursor(String),
}

impl Paging {
    /// From the parameters `startIndex`, `count` and `cursor`. A `startIndex` below 1 is 1, a negative `count` is 0, and
    /// none is [`limits::DEFAULT_PAGE_SIZE`]. With a cursor `startIndex` means nothing; without one a `count` beyond
    /// [`limits::PAGE_SIZE`] is that.
    ///
    /// # Errors
    /// `invalidValue` if one is not a whole number; with a cursor `invalidCount` for a `count` that is none or too large.
    pub fn parse(start_index: Option<&str>, count: Option<&str>, cursor: Option<&str>) -> Result<Self, ScimError> {
        let Some(cursor) = cursor else {
            return Ok(Self::new(number("startIndex", start_index)?, number("count", count)?));
        };
        let count = number("count", count).map_err(|error| ScimError::invalid_count(error.to_string()))?;
        let most = i64::try_from(limits::PAGE_SIZE).unwrap_or(i64::MAX);
        if count.is_some_and(|count| count > most) {
            return Err(ScimError::invalid_count(format!("`count` may be {most} at most; send a smaller one")));
        }
        Ok(Self { begin: Begin::Cursor(cursor.to_owned()), ..Self::new(None, count) })
    }

    /// By index.
    pub fn new(start_index: Option<i64>, count: Option<i64>) -> Self {
        let start_index = start_index.and_then(|start| u64::try_from(start).ok()).unwrap_or(1).max(1);
        let count = match count {
            None => limits::DEFAULT_PAGE_SIZE,
            Some(count) if count < 0 => 0,
            Some(count) => usize::try_from(count).unwrap_or(usize::MAX).min(limits::PAGE_SIZE),
        };
        Self { begin: Begin::Index(start_index), count }
    }

    /// How many resources come before a page by index.
    pub const fn offset(&self) -> u64 {
        match self.begin {
            Begin::Index(start) => start.saturating_sub(1),
            Begin::Cursor(_) => 0,
        }
    }
}

/// Numbers beyond 64 bits stand for the bound they lie beyond: they are numbers, and there is nothing there.
fn number(name: &str, text: Option<&str>) -> Result<Option<i64>, ScimError> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ScimError::invalid_value(format!("`{name}` is `{}`; send a whole number", excerpt(text))));
    }
    let bound = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Ok(Some(text.parse().unwrap_or(bound)))
}

/// How a page of a list is named in its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<'a> {
    /// By the place of its first resource, counted from 1.
    Index(u64),
    /// By a cursor; with that of the next page, if there is one (RFC 9865 §2, table 2).
    Cursor(Option<&'a str>),
}

/// A list response of resources already rendered. `total` counts all matches, `itemsPerPage` those on this page
/// (RFC 7644 §3.4.2); `Resources` is there even if empty, because clients read it unasked.
pub fn list_response(total: u64, named: Named<'_>, resources: &[String]) -> String {
    let length = resources.iter().fold(192_usize, |sum, resource| sum.saturating_add(resource.len()).saturating_add(1));
    let mut text = String::with_capacity(length);
    text.push_str(r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":"#);
    text.push_str(&total.to_string());
    match named {
        Named::Index(start_index) => {
            text.push_str(",\"startIndex\":");
            text.push_str(&start_index.to_string());
        }
        Named::Cursor(None) => {}
        // Its characters need no escaping (RFC 9865 §2, table 1).
        Named::Cursor(Some(next)) => {
            text.push_str(",\"nextCursor\":\"");
            text.push_str(next);
            text.push('"');
        }
    }
    text.push_str(",\"itemsPerPage\":");
    text.push_str(&resources.len().to_string());
    text.push_str(",\"Resources\":[");
    for (index, resource) in resources.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(resource);
    }
    text.push_str("]}");
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    // Requirement 28
    #[test]
    fn paging_is_brought_within_bounds() {
        for (start, count, expected) in [
            (None, None, (1, 100)),
            (Some("0"), Some("-1"), (1, 0)),
            (Some("-7"), Some("0"), (1, 0)),
            (Some("3"), Some("1001"), (3, 1000)),
            (Some(" 3 "), Some("+2"), (3, 2)),
            (Some("99999999999999999999999"), Some("99999999999999999999999"), (9_223_372_036_854_775_807, 1000)),
            (Some("-99999999999999999999999"), None, (1, 100)),
        ] {
            let paging = Paging::parse(start, count, None).unwrap();
            assert_eq!((paging.begin, paging.count), (Begin::Index(expected.0), expected.1), "{start:?} {count:?}");
        }
        assert_eq!(Paging::parse(Some("11"), None, None).unwrap().offset(), 10);
    }

    #[test]
    fn what_is_not_a_whole_number_is_refused_by_name() {
        for (start, count, expected) in [
            (Some("x"), None, "`startIndex` is `x`; send a whole number"),
            (None, Some("1.5"), "`count` is `1.5`; send a whole number"),
            (None, Some(""), "`count` is ``; send a whole number"),
            (None, Some("-"), "`count` is `-`; send a whole number"),
        ] {
            assert_eq!(Paging::parse(start, count, None), Err(ScimError::invalid_value(expected)));
        }
    }

    // Requirements 27, 29
    #[test]
    fn a_list_counts_all_matches_and_the_items_of_the_page_in_numbers() {
        let page = list_response(7, Named::Index(3), &[r#"{"id":"a"}"#.to_owned(), r#"{"id":"b"}"#.to_owned()]);
        assert_eq!(
            serde_json::from_str::<Value>(&page).unwrap(),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": 7, "startIndex": 3, "itemsPerPage": 2, "Resources": [{"id": "a"}, {"id": "b"}],
            })
        );
        let empty: Value = serde_json::from_str(&list_response(0, Named::Index(1), &[])).unwrap();
        assert_eq!(
            (&empty["totalResults"], &empty["itemsPerPage"], &empty["Resources"]),
            (&json!(0), &json!(0), &json!([]))
        );
    }

    // Requirement 28
    #[test]
    fn with_a_cursor_a_count_must_be_one_that_can_be_had() {
        let count = |count| Paging::parse(Some("7"), count, Some("")).map(|paging| paging.count);
        assert_eq!([count(None), count(Some("0")), count(Some("-3"))], [Ok(100), Ok(0), Ok(0)]);
        assert_eq!(count(Some("1000")), Ok(1000));
        assert_eq!(
            count(Some("1001")),
            Err(ScimError::invalid_count("`count` may be 1000 at most; send a smaller one"))
        );
        assert_eq!(count(Some("x")), Err(ScimError::invalid_count("`count` is `x`; send a whole number")));
        assert_eq!(Paging::parse(Some("7"), None, Some("a")).unwrap().begin, Begin::Cursor("a".to_owned()));
    }

    #[test]
    fn a_page_by_cursor_names_the_next_one_and_no_index() {
        let page = |next| serde_json::from_str::<Value>(&list_response(1, Named::Cursor(next), &[])).unwrap();
        assert_eq!(page(Some("a-_"))["nextCursor"], "a-_");
        assert_eq!((page(None).get("nextCursor"), page(None).get("startIndex")), (None, None));
    }
}
