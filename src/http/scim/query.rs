//! Query parameters (RFC 7644 §3.4.2, §3.9).

use url::form_urlencoded;

use crate::http::path;
use crate::scim::search::SearchRequest;
use crate::scim::{ScimError, Switches};

/// The parameters the protocol knows; all others are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// `filter`, with `+` and `%20` read as spaces.
    pub filter: Option<String>,
    /// `filter` with `+` read as itself, where that makes a difference: some clients put e-mail addresses into the URL
    /// unescaped.
    pub filter_with_plus: Option<String>,
    /// `sortBy`.
    pub sort_by: Option<String>,
    /// `sortOrder`.
    pub sort_order: Option<String>,
    /// `cursor`; empty for the first page (RFC 9865 §2).
    pub cursor: Option<String>,
    /// `startIndex`.
    pub start_index: Option<String>,
    /// `count`.
    pub count: Option<String>,
    /// `attributes`.
    pub attributes: Option<String>,
    /// `excludedAttributes`.
    pub excluded_attributes: Option<String>,
}

impl Query {
    /// Reads the query of a URL. Letter case of the names does not count, where the profile says so.
    ///
    /// # Errors
    /// `invalidValue` if a parameter is given twice or is not UTF-8; `invalidFilter` if that is the filter.
    pub fn parse(text: &str, switches: &Switches) -> Result<Self, ScimError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let mut query = Self::read(text, switches)?;
        if switches.raw_plus_signs_in_filters && query.filter.is_some() && text.contains('+') {
            let filter = Self::read(&text.replace('+', "%2B"), switches)?.filter;
            query.filter_with_plus = filter.filter(|filter| query.filter.as_ref() != Some(filter));
        }
        Ok(query)
    }

    /// Whether only some attributes are asked for.
    pub const fn selects_attributes(&self) -> bool {
        self.attributes.is_some() || self.excluded_attributes.is_some()
    }

    /// What a body says instead of a URL (RFC 7644 §3.4.3).
    ///
    /// # Errors
    /// As [`SearchRequest::parse`].
    pub fn of_body(body: serde_json::Value, switches: &Switches) -> Result<Self, ScimError> {
        let request = SearchRequest::parse(switches, body)?;
        Ok(Self {
            filter: request.filter,
            filter_with_plus: None,
            sort_by: request.sort_by,
            sort_order: request.sort_order,
            cursor: request.cursor,
            start_index: request.start_index,
            count: request.count,
            attributes: request.attributes,
            excluded_attributes: request.excluded_attributes,
        })
    }

    fn read(text: &str, switches: &Switches) -> Result<Self, ScimError> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let Some((name, place)) = query.parameter(&name, switches) else { continue };
            // What does not decode is read with replacement characters, which then mean themselves.
            if value.contains(char::REPLACEMENT_CHARACTER) && !path::is_text(text) {
                let detail = format!("the parameter `{name}` is not UTF-8 once decoded; encode the text as UTF-8");
                return Err(match name {
                    "filter" => ScimError::invalid_filter(detail),
                    _ => ScimError::invalid_value(detail),
                });
            }
            if place.replace(value.into_owned()).is_some() {
                return Err(ScimError::invalid_value(format!("the parameter `{name}` is given twice; send it once")));
            }
        }
        Ok(query)
    }

    fn parameter(&mut self, name: &str, switches: &Switches) -> Option<(&'static str, &mut Option<String>)> {
        let parameters = [
            ("filter", &mut self.filter),
            ("sortBy", &mut self.sort_by),
            ("sortOrder", &mut self.sort_order),
            ("cursor", &mut self.cursor),
            ("startIndex", &mut self.start_index),
            ("count", &mut self.count),
            ("attributes", &mut self.attributes),
            ("excludedAttributes", &mut self.excluded_attributes),
        ];
        let is =
            |known: &str| known == name || switches.parameter_names_in_any_case && known.eq_ignore_ascii_case(name);
        parameters.into_iter().find(|(known, _)| is(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_and_percent_20_are_spaces_and_stray_separators_nothing() {
        for text in ["filter=userName+eq+%22a%22&", "&filter=userName%20eq%20\"a\"", "FILTER=userName+eq%20%22a%22&&"] {
            assert_eq!(
                Query::parse(text, &Switches::DEFAULT).unwrap().filter.as_deref(),
                Some("userName eq \"a\""),
                "{text}"
            );
        }
        assert_eq!(Query::parse("", &Switches::DEFAULT).unwrap(), Query::default());
        assert_eq!(Query::parse("&", &Switches::DEFAULT).unwrap(), Query::default());
    }

    #[test]
    fn an_unescaped_plus_leaves_a_second_reading() {
        let query = Query::parse("filter=userName%20eq%20%22john+x@y.io%22", &Switches::DEFAULT).unwrap();
        assert_eq!(query.filter.as_deref(), Some("userName eq \"john x@y.io\""));
        assert_eq!(query.filter_with_plus.as_deref(), Some("userName eq \"john+x@y.io\""));
        let escaped = Query::parse("filter=userName%20eq%20%22john%2Bx@y.io%22&count=+5", &Switches::DEFAULT).unwrap();
        assert_eq!(escaped.filter.as_deref(), Some("userName eq \"john+x@y.io\""));
        assert_eq!(escaped.filter_with_plus, None);
        assert_eq!(escaped.count.as_deref(), Some(" 5"));
    }

    // Requirement 23
    #[test]
    fn names_are_read_in_any_letter_case_and_unknown_ones_ignored() {
        let text = "startindex=3&COUNT=5&Attributes=a,b&sortby=x&cursor&page=1&page=2&=&z";
        let query = Query::parse(text, &Switches::DEFAULT).unwrap();
        assert_eq!(query.start_index.as_deref(), Some("3"));
        assert_eq!(query.count.as_deref(), Some("5"));
        assert_eq!(query.attributes.as_deref(), Some("a,b"));
        assert_eq!(query.excluded_attributes, None);
        assert_eq!((query.sort_by.as_deref(), query.cursor.as_deref()), (Some("x"), Some("")));
        assert!(query.selects_attributes());
    }

    #[test]
    fn a_parameter_given_twice_is_refused_by_name() {
        let error = Query::parse("startIndex=1&startindex=1", &Switches::DEFAULT).unwrap_err();
        assert_eq!(error, ScimError::invalid_value("the parameter `startIndex` is given twice; send it once"));
    }
}
