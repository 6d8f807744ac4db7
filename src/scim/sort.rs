//! Sorting lists (RFC 7644 §3.4.2.3).

use serde_json::Value;

use super::ScimError;
use super::filter::moment;
use super::path::{AttributePath, excerpt};
use super::schema::{Attribute, Kind, ResourceType, Returned};
use crate::model::SortKey;

/// By what a client wants a list sorted, the name not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortBy {
    /// The attribute as sent.
    pub path: AttributePath,
    /// Whether the greatest comes first.
    pub descending: bool,
}

impl SortBy {
    /// From `sortBy` and `sortOrder`, which means nothing alone.
    ///
    /// # Errors
    /// `invalidValue` for what is no attribute name, and for an order that is neither `ascending` nor `descending`.
    pub fn parse(sort_by: Option<&str>, sort_order: Option<&str>) -> Result<Option<Self>, ScimError> {
        let Some(name) = sort_by.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
        let path = AttributePath::read(name).ok_or_else(|| {
            ScimError::invalid_value(format!(
                "`sortBy` is `{}`; send the name of one attribute, such as `name.familyName`",
                excerpt(name)
            ))
        })?;
        let descending = match sort_order.map(str::trim) {
            None | Some("") => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(order) => {
                return Err(ScimError::invalid_value(format!(
                    "`sortOrder` is `{}`; send `ascending` or `descending`",
                    excerpt(order)
                )));
            }
        };
        Ok(Some(Self { path, descending }))
    }

    /// Looks the name up; `None` where the type has no such attribute.
    ///
    /// # Errors
    /// `invalidValue` for a complex attribute without a sub-attribute (one that has a `value` stands for that), and for
    /// what nobody may see.
    pub fn resolve(&self, resource_type: &ResourceType) -> Result<Option<Sort>, ScimError> {
        let Some(target) = self.path.resolve(resource_type) else { return Ok(None) };
        let name = excerpt(&self.path.to_string());
        let mut path = target.path();
        let mut last = target.sub_attribute.unwrap_or(target.attribute);
        if last.kind == Kind::Complex {
            let Some(value) = last.sub_attribute("value").filter(|_| target.sub_attribute.is_none()) else {
                return Err(ScimError::invalid_value(format!(
                    "`{name}` has sub-attributes; sort by one of them, such as `{name}.{}`",
                    last.sub_attributes.first().map_or("value", |first| &first.name)
                )));
            };
            path.sub_attribute = Some(value.name.clone());
            last = value;
        }
        if [target.attribute, last].iter().any(|attribute| attribute.returned == Returned::Never) {
            return Err(ScimError::invalid_value(format!("`{name}` is never returned; sort by another attribute")));
        }
        Ok(Some(Sort::new(path, last, self.descending)))
    }

    /// The refusal of an attribute that `whose` does not have.
    pub fn unknown(&self, whose: &str) -> ScimError {
        ScimError::invalid_value(format!(
            "`{}` is no attribute of {whose}; check its spelling, or name it with the URN of its schema",
            excerpt(&self.path.to_string())
        ))
    }
}

/// How a list is sorted: path, type and case rule are settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// Canonical.
    pub path: AttributePath,
    /// Whether the greatest comes first.
    pub descending: bool,
    kind: Kind,
    case_exact: bool,
}

impl Sort {
    fn new(path: AttributePath, attribute: &Attribute, descending: bool) -> Self {
        Self { path, descending, kind: attribute.kind, case_exact: attribute.case_exact }
    }

    /// What a resource in canonical spelling, with `meta` where that is sorted by, is sorted under. Of a multi-valued
    /// attribute the primary value counts, otherwise the first.
    pub fn key(&self, resource: &Value) -> SortKey {
        let owner = match &self.path.schema {
            Some(schema) => resource.get(schema),
            None => Some(resource),
        };
        let value = owner.and_then(|owner| first(owner.get(&self.path.attribute)?));
        let value = match &self.path.sub_attribute {
            Some(sub_attribute) => value.and_then(|value| first(value.get(sub_attribute)?)),
            None => value,
        };
        match (self.kind, value) {
            (Kind::DateTime, Some(Value::String(text))) => {
                moment(text).map_or_else(SortKey::missing, |moment| SortKey::integer(moment.timestamp_micros()))
            }
            (Kind::Binary | Kind::Reference, Some(Value::String(text))) => SortKey::text(text, true),
            (_, Some(Value::String(text))) => SortKey::text(text, self.case_exact),
            (_, Some(Value::Bool(truth))) => SortKey::boolean(*truth),
            (_, Some(Value::Number(number))) => number.as_f64().map_or_else(SortKey::missing, SortKey::number),
            _ => SortKey::missing(),
        }
    }
}

fn first(value: &Value) -> Option<&Value> {
    match value {
        Value::Array(values) => {
            let primary = values.iter().find(|value| value.get("primary") == Some(&Value::Bool(true)));
            primary.or_else(|| values.first())
        }
        value => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::ResourceTypes;

    fn sort(by: &str) -> Result<Option<Sort>, ScimError> {
        let types = ResourceTypes::builtin().unwrap();
        SortBy::parse(Some(by), None)?.map_or(Ok(None), |by| by.resolve(&types.user))
    }

    fn key(by: &str, resource: &Value) -> SortKey {
        sort(by).unwrap().unwrap().key(resource)
    }

    // Requirement 31
    #[test]
    fn the_primary_or_else_the_first_value_counts() {
        let primary = json!({"emails": [{"value": "b@x"}, {"value": "A@x", "primary": true}]});
        let first = json!({"emails": [{"value": "b@x"}, {"value": "a@x", "primary": false}]});
        assert_eq!(key("emails.value", &primary), SortKey::text("a@x", false));
        assert_eq!(key("EMAILS", &primary), SortKey::text("a@x", false));
        assert_eq!(key("emails.value", &first), SortKey::text("b@x", false));
        for empty in [json!({}), json!({"emails": []}), json!({"emails": [{"type": "work"}]}), json!({"emails": null})]
        {
            assert_eq!(key("emails.value", &empty), SortKey::missing(), "{empty}");
        }
    }

    // Requirements 2, 31
    #[test]
    fn values_are_compared_as_their_type_and_case_rule_want_it() {
        let user = json!({
            "externalId": "aB", "userName": "aB", "active": true, "name": {"familyName": "Ä"},
            "meta": {"created": "2011-05-13T23:30:00.5-01:00"},
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "aB"}, "department": "R"},
        });
        assert_eq!(key("externalid", &user), SortKey::text("aB", true));
        assert_eq!(key("username", &user), SortKey::text("ab", true));
        assert_eq!(key("name.familyName", &user), SortKey::text("ä", true));
        assert_eq!(key("active", &user), SortKey::boolean(true));
        assert_eq!(key("meta.created", &user), SortKey::integer(1_305_333_000_500_000));
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        assert_eq!(key(&format!("{urn}:department"), &user), SortKey::text("r", false));
        assert_eq!(key(&format!("{urn}:manager"), &user), key("manager.value", &user));
    }

    #[test]
    fn what_cannot_be_sorted_by_is_refused_by_name() {
        for (by, expected) in [
            ("name", "`name` has sub-attributes; sort by one of them, such as `name.formatted`"),
            ("password", "`password` is never returned; sort by another attribute"),
            ("a b", "`sortBy` is `a b`; send the name of one attribute, such as `name.familyName`"),
        ] {
            assert_eq!(sort(by), Err(ScimError::invalid_value(expected)), "{by}");
        }
        assert_eq!(sort("shoeSize"), Ok(None));
        assert_eq!(sort(" "), Ok(None));
    }

    // Requirement 31
    #[test]
    fn the_order_is_ascending_unless_said_otherwise() {
        let descending = |order| SortBy::parse(Some("userName"), order).map(|by| by.unwrap().descending);
        assert_eq!(
            [descending(None), descending(Some("")), descending(Some("Ascending"))],
            [Ok(false), Ok(false), Ok(false)]
        );
        assert_eq!(descending(Some("DESCENDING")), Ok(true));
        assert_eq!(
            descending(Some("down")),
            Err(ScimError::invalid_value("`sortOrder` is `down`; send `ascending` or `descending`"))
        );
        assert_eq!(SortBy::parse(None, Some("down")), Ok(None));
    }
}
