//! Queries in a body (RFC 7644 §3.4.3, RFC 9865 §3): what GET takes from the URL.

use serde_json::Value;

use super::patch::check_message;
use super::{ScimError, Switches};

const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// The parameters of a query, as they would stand in a URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchRequest {
    /// `filter`.
    pub filter: Option<String>,
    /// `sortBy`.
    pub sort_by: Option<String>,
    /// `sortOrder`.
    pub sort_order: Option<String>,
    /// `startIndex`.
    pub start_index: Option<String>,
    /// `count`.
    pub count: Option<String>,
    /// `cursor`; empty for the first page.
    pub cursor: Option<String>,
    /// `attributes`, with commas between.
    pub attributes: Option<String>,
    /// `excludedAttributes`, with commas between.
    pub excluded_attributes: Option<String>,
}

impl SearchRequest {
    /// Reads a body. Letter case of the names does not count; what the protocol does not know is ignored.
    ///
    /// # Errors
    /// `invalidSyntax` unless it is an object, if its `schemas` say that it is another message, and if a parameter stands
    /// there twice; `invalidValue` for a parameter of another type.
    pub fn parse(switches: &Switches, body: Value) -> Result<Self, ScimError> {
        let Value::Object(members) = body else {
            return Err(ScimError::invalid_syntax("the body must be a JSON object, a search request"));
        };
        let schemas = members.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas")).map(|(_, value)| value);
        check_message(switches, schemas, SEARCH_REQUEST)?;
        let mut request = Self::default();
        for (name, value) in members {
            let Some((name, kind, place)) = request.parameter(&name) else { continue };
            let value = match (kind, value) {
                (_, Value::Null) => continue,
                (Parameter::Text, Value::String(text)) => text,
                (Parameter::Number, Value::Number(number)) if !number.is_f64() => number.to_string(),
                (Parameter::Names, Value::Array(names)) => joined(name, &names)?,
                (Parameter::Names, Value::String(names)) => names,
                (kind, _) => return Err(ScimError::invalid_value(format!("`{name}` must be {}", kind.expected()))),
            };
            if place.replace(value).is_some() {
                return Err(ScimError::invalid_syntax(format!("the parameter `{name}` is given twice; send it once")));
            }
        }
        Ok(request)
    }

    fn parameter(&mut self, name: &str) -> Option<(&'static str, Parameter, &mut Option<String>)> {
        let parameters = [
            ("filter", Parameter::Text, &mut self.filter),
            ("sortBy", Parameter::Text, &mut self.sort_by),
            ("sortOrder", Parameter::Text, &mut self.sort_order),
            ("startIndex", Parameter::Number, &mut self.start_index),
            ("count", Parameter::Number, &mut self.count),
            ("cursor", Parameter::Text, &mut self.cursor),
            ("attributes", Parameter::Names, &mut self.attributes),
            ("excludedAttributes", Parameter::Names, &mut self.excluded_attributes),
        ];
        parameters.into_iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))
    }
}

#[derive(Clone, Copy)]
enum Parameter {
    Text,
    Number,
    Names,
}

impl Parameter {
    const fn expected(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a whole number",
            Self::Names => "a list of attribute names",
        }
    }
}

fn joined(name: &str, names: &[Value]) -> Result<String, ScimError> {
    let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
    let names = names.ok_or_else(|| ScimError::invalid_value(format!("`{name}` must be a list of attribute names")))?;
    Ok(names.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::ScimType;

    fn parse(body: Value) -> Result<SearchRequest, ScimError> {
        SearchRequest::parse(&Switches::DEFAULT, body)
    }

    // Requirement 41
    #[test]
    fn a_search_request_says_what_a_url_would() {
        let body = json!({
            "schemas": [SEARCH_REQUEST], "attributes": ["userName", "name.familyName"], "excludedAttributes": null,
            "filter": "title pr", "sortby": "userName", "SortOrder": "descending", "startIndex": 1, "count": -5,
            "cursor": "", "else": {},
        });
        let text = |text: &str| Some(text.to_owned());
        let expected = SearchRequest {
            filter: text("title pr"),
            sort_by: text("userName"),
            sort_order: text("descending"),
            start_index: text("1"),
            count: text("-5"),
            cursor: text(""),
            attributes: text("userName,name.familyName"),
            excluded_attributes: None,
        };
        assert_eq!(parse(body), Ok(expected));
        assert_eq!(parse(json!({"schemas": [SEARCH_REQUEST]})), Ok(SearchRequest::default()));
    }

    // Requirement 41
    #[test]
    fn what_is_no_search_request_is_refused() {
        let with = |name: &str, value: Value| parse(json!({"schemas": [SEARCH_REQUEST], name: value}));
        assert_eq!(with("count", json!("1")), Err(ScimError::invalid_value("`count` must be a whole number")));
        assert_eq!(with("count", json!(1.5)), Err(ScimError::invalid_value("`count` must be a whole number")));
        assert_eq!(with("filter", json!({})), Err(ScimError::invalid_value("`filter` must be text")));
        let names = Err(ScimError::invalid_value("`attributes` must be a list of attribute names"));
        assert_eq!(with("attributes", json!([1])), names);
        let another = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "filter": "title pr"});
        for body in [json!([]), another] {
            assert!(matches!(parse(body), Err(ScimError::BadRequest(ScimType::InvalidSyntax, _))));
        }
        let twice = json!({"schemas": [SEARCH_REQUEST], "count": 1, "Count": 1});
        assert!(parse(twice).is_err());
    }
}
