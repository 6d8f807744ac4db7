//! Pages of resources (RFC 7644 §3.4.2, §3.4.2.4).

use super::ScimError;
use super::path::excerpt;
use crate::model::limits;

/// Which part of a result a client asked for, brought within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// The first resource, counted from 1; at most `i64::MAX`.
    pub start_index: u64,
    /// How many resources at most, up to [`limits::PAGE_SIZE`].
    pub count: usize,
}

impl Paging {
    /// From the query parameters `startIndex` and `count`.
    ///
    /// # Errors
    /// `invalidValue` if one is not a whole number.
    pub fn parse(start_index: Option<&str>, count: Option<&str>) -> Result<Self, ScimError> {
        Ok(Self::new(number("startIndex", start_index)?, number("count", count)?))
    }

    /// From the numbers of a search request (RFC 7644 §3.4.3): a `startIndex` below 1 is 1, a negative `count` is 0, a
    /// `count` beyond [`limits::PAGE_SIZE`] is that, and none is [`limits::DEFAULT_PAGE_SIZE`].
    pub fn new(start_index: Option<i64>, count: Option<i64>) -> Self {
        let start_index = start_index.and_then(|start| u64::try_from(start).ok()).unwrap_or(1).max(1);
        let count = match count {
            None => limits::DEFAULT_PAGE_SIZE,
            Some(count) if count < 0 => 0,
            Some(count) => usize::try_from(count).unwrap_or(usize::MAX).min(limits::PAGE_SIZE),
        };
        Self { start_index, count }
    }

    /// How many resources come before the page.
    pub const fn offset(self) -> u64 {
        self.start_index.saturating_sub(1)
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

/// A list response of resources already rendered. `total` counts all matches, `itemsPerPage` those on this page
/// (RFC 7644 §3.4.2); `Resources` is there even if empty, because clients read it unasked.
pub fn list_response(total: u64, start_index: u64, resources: &[String]) -> String {
    let length = resources.iter().fold(192_usize, |sum, resource| sum.saturating_add(resource.len()).saturating_add(1));
    let mut text = String::with_capacity(length);
    text.push_str(r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":"#);
    text.push_str(&total.to_string());
    text.push_str(",\"startIndex\":");
    text.push_str(&start_index.to_string());
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
            let paging = Paging::parse(start, count).unwrap();
            assert_eq!((paging.start_index, paging.count), expected, "{start:?} {count:?}");
        }
        assert_eq!(Paging::parse(Some("11"), None).unwrap().offset(), 10);
    }

    #[test]
    fn what_is_not_a_whole_number_is_refused_by_name() {
        for (start, count, expected) in [
            (Some("x"), None, "`startIndex` is `x`; send a whole number"),
            (None, Some("1.5"), "`count` is `1.5`; send a whole number"),
            (None, Some(""), "`count` is ``; send a whole number"),
            (None, Some("-"), "`count` is `-`; send a whole number"),
        ] {
            assert_eq!(Paging::parse(start, count), Err(ScimError::invalid_value(expected)));
        }
    }

    // Requirements 27, 29
    #[test]
    fn a_list_counts_all_matches_and_the_items_of_the_page_in_numbers() {
        let page = list_response(7, 3, &[r#"{"id":"a"}"#.to_owned(), r#"{"id":"b"}"#.to_owned()]);
        assert_eq!(
            serde_json::from_str::<Value>(&page).unwrap(),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": 7, "startIndex": 3, "itemsPerPage": 2, "Resources": [{"id": "a"}, {"id": "b"}],
            })
        );
        let empty: Value = serde_json::from_str(&list_response(0, 1, &[])).unwrap();
        assert_eq!(
            (&empty["totalResults"], &empty["itemsPerPage"], &empty["Resources"]),
            (&json!(0), &json!(0), &json!([]))
        );
    }
}
