//! [`Filter`] to [`Condition`]: names, types and case rules are looked up once.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::{Condition, Filter, Literal, Operator, Relation, Test, Text};
use crate::model::fold;
use crate::scim::Switches;
use crate::scim::error::ScimError;
use crate::scim::path::{AttributePath, excerpt};
use crate::scim::schema::{Attribute, Kind, ResourceType, Returned};

impl Filter {
    /// Looks the names up in `resource_type`.
    ///
    /// A complex attribute without a sub-attribute stands for its `value` (`emails co "example.com"`), except for
    /// presence. Where the profile takes it, a truth value may be written as text (`"True"`), a text of digits without quotes.
    ///
    /// # Errors
    /// `invalidFilter` for an attribute that no schema of the resource type has or that nobody may see (`password`), an
    /// operator that the attribute's type does not have, and a value of another type (RFC 7644 §3.4.2.2, table 3).
    pub fn resolve(self, resource_type: &ResourceType, switches: &Switches) -> Result<Condition, ScimError> {
        let place = Place::Resource { resource_type, unknown: Unknown::Refused };
        resolve(self, &Names { place, switches })
    }

    /// As [`Filter::resolve`], for a query over several resource types: an attribute that this one does not have counts
    /// as unassigned (RFC 7644 §3.4.2.1).
    ///
    /// # Errors
    /// As [`Filter::resolve`], unknown attributes excepted.
    pub fn resolve_across(self, resource_type: &ResourceType, switches: &Switches) -> Result<Condition, ScimError> {
        let place = Place::Resource { resource_type, unknown: Unknown::Unassigned };
        resolve(self, &Names { place, switches })
    }

    /// Looks the names up among the sub-attributes of `attribute`, for the filter in brackets of a [`super::ValuePath`];
    /// the condition is then evaluated on one element.
    ///
    /// # Errors
    /// As [`Filter::resolve`].
    pub fn resolve_elements(self, attribute: &Attribute, switches: &Switches) -> Result<Condition, ScimError> {
        resolve(self, &Names { place: Place::Element(attribute), switches })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Refused,
    Unassigned,
}

/// Where names are looked up, and how.
struct Names<'a> {
    place: Place<'a>,
    switches: &'a Switches,
}

enum Place<'a> {
    Resource { resource_type: &'a ResourceType, unknown: Unknown },
    Element(&'a Attribute),
}

/// A name looked up.
struct Found<'a> {
    path: AttributePath,
    /// What the last part of the path names.
    attribute: &'a Attribute,
}

impl<'a> Names<'a> {
    /// `None` for an attribute that counts as unassigned.
    fn find(&self, path: &AttributePath) -> Result<Option<Found<'a>>, ScimError> {
        let found = match &self.place {
            Place::Resource { resource_type, unknown } => match path.resolve_by(self.switches, resource_type) {
                Some(target) => Found {
                    path: target.path(),
                    attribute: visible(target.attribute)
                        .and_then(|attribute| target.sub_attribute.map_or(Some(attribute), visible))
                        .ok_or_else(|| hidden(path))?,
                },
                None if *unknown == Unknown::Unassigned => return Ok(None),
                None => return Err(self.unknown(path)),
            },
            Place::Element(parent) => {
                let attribute = parent
                    .sub_attribute(&path.attribute)
                    .filter(|_| path.schema.is_none() && path.sub_attribute.is_none())
                    .ok_or_else(|| self.unknown(path))?;
                Found {
                    path: AttributePath::of(&attribute.name),
                    attribute: visible(attribute).ok_or_else(|| hidden(path))?,
                }
            }
        };
        Ok(Some(found))
    }

    fn within(&self, attribute: &'a Attribute) -> Self {
        Self { place: Place::Element(attribute), switches: self.switches }
    }

    fn unknown(&self, path: &AttributePath) -> ScimError {
        let path = excerpt(&path.to_string());
        ScimError::invalid_filter(match self.place {
            Place::Resource { resource_type, .. } => format!(
                "`{path}` is no attribute of {}; check its spelling, or name it with the URN of its schema",
                resource_type.name
            ),
            Place::Element(parent) => format!("`{path}` is no sub-attribute of `{}`; check its spelling", parent.name),
        })
    }
}

fn visible(attribute: &Attribute) -> Option<&Attribute> {
    Some(attribute).filter(|attribute| attribute.returned != Returned::Never)
}

fn hidden(path: &AttributePath) -> ScimError {
    ScimError::invalid_filter(format!("`{path}` is never returned, so it cannot be filtered by; leave it out"))
}

fn resolve(filter: Filter, names: &Names<'_>) -> Result<Condition, ScimError> {
    let all =
        |filters: Vec<Filter>| filters.into_iter().map(|filter| resolve(filter, names)).collect::<Result<Vec<_>, _>>();
    Ok(match filter {
        Filter::And(filters) => Condition::All(all(filters)?),
        Filter::Or(filters) => Condition::Any(all(filters)?),
        Filter::Not(filter) => not(resolve(*filter, names)?),
        Filter::Present(path) => names.find(&path)?.map_or_else(never, present),
        Filter::Compare { path, operator, literal } => {
            let negated = operator == Operator::NotEqual;
            let condition = match names.find(&path)? {
                Some(found) => compare(names.switches, found, operator, literal)?,
                None if literal == Literal::Null => not(never()),
                None => never(),
            };
            if negated { not(condition) } else { condition }
        }
        Filter::ValuePath { path, filter } => match names.find(&path)? {
            Some(found) if found.attribute.kind == Kind::Complex => Condition::Element {
                path: found.path,
                condition: Box::new(resolve(*filter, &names.within(found.attribute))?),
            },
            Some(_) => {
                return Err(ScimError::invalid_filter(format!(
                    "`{path}` has no sub-attributes, so no brackets can follow it; compare it directly"
                )));
            }
            None => never(),
        },
    })
}

fn never() -> Condition {
    Condition::Any(Vec::new())
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

fn present(found: Found<'_>) -> Condition {
    Condition::Holds { path: found.path, test: Test::Present }
}

/// `ne` is compared as `eq`; the caller negates.
fn compare(
    switches: &Switches,
    found: Found<'_>,
    operator: Operator,
    literal: Literal,
) -> Result<Condition, ScimError> {
    let relation = relation(operator);
    if literal == Literal::Null {
        return match relation {
            Relation::Equal => Ok(not(present(found))),
            _ => Err(unsupported(&found.path, operator, "null", "eq or ne")),
        };
    }
    let Found { path, attribute } = if found.attribute.kind == Kind::Complex {
        if relation.is_order() {
            return Err(unsupported(&found.path, operator, "a complex attribute", "eq, ne, co, sw, ew or pr"));
        }
        value_of(found)?
    } else {
        found
    };
    let test = match attribute.kind {
        Kind::Binary if relation.is_order() => {
            return Err(unsupported(&path, operator, "binary data", "eq, ne, co, sw, ew or pr"));
        }
        Kind::String | Kind::Reference | Kind::Binary => {
            Test::Text(relation, text(switches, attribute, relation, literal, &path)?)
        }
        Kind::Boolean if relation != Relation::Equal => {
            return Err(unsupported(&path, operator, "true or false", "eq, ne or pr"));
        }
        Kind::Boolean => Test::Boolean(truth(switches, &literal, &path)?),
        Kind::Decimal | Kind::Integer if relation.is_part() => {
            return Err(unsupported(&path, operator, "a number", "eq, ne, gt, ge, lt, le or pr"));
        }
        Kind::Decimal | Kind::Integer => match literal {
            Literal::Number(number) => Test::Number(relation, number),
            other => return Err(mismatch(&path, &other, "a number without quotes")),
        },
        Kind::DateTime if relation.is_part() => {
            return Err(unsupported(&path, operator, "a moment in time", "eq, ne, gt, ge, lt, le or pr"));
        }
        Kind::DateTime => Test::Moment(relation, moment_of(&literal, &path)?),
        Kind::Complex => return Err(sub_attribute_needed(&path, attribute)),
    };
    Ok(Condition::Holds { path, test })
}

const fn relation(operator: Operator) -> Relation {
    match operator {
        Operator::Equal | Operator::NotEqual => Relation::Equal,
        Operator::Contains => Relation::Contains,
        Operator::StartsWith => Relation::StartsWith,
        Operator::EndsWith => Relation::EndsWith,
        Operator::Greater => Relation::Greater,
        Operator::GreaterOrEqual => Relation::GreaterOrEqual,
        Operator::Less => Relation::Less,
        Operator::LessOrEqual => Relation::LessOrEqual,
    }
}

/// The `value` that a complex attribute stands for when compared.
fn value_of(found: Found<'_>) -> Result<Found<'_>, ScimError> {
    let value = found.attribute.sub_attribute("value").and_then(visible);
    let Some(value) = value.filter(|_| found.path.sub_attribute.is_none()) else {
        return Err(sub_attribute_needed(&found.path, found.attribute));
    };
    let path = AttributePath { sub_attribute: Some(value.name.clone()), ..found.path };
    Ok(Found { path, attribute: value })
}

fn text(
    switches: &Switches,
    attribute: &Attribute,
    relation: Relation,
    literal: Literal,
    path: &AttributePath,
) -> Result<Text, ScimError> {
    let exact = match literal {
        Literal::String(text) => text,
        // Fractions and large numbers would not come out as they were written.
        Literal::Number(number) if switches.unquoted_filter_values && !number.is_f64() => number.to_string(),
        other => return Err(mismatch(path, &other, "text in double quotes")),
    };
    let case_exact = attribute.case_exact || attribute.kind == Kind::Binary;
    let folded = (!case_exact).then(|| if relation.is_part() { fold_part(&exact) } else { fold(&exact) });
    Ok(Text { exact, folded })
}

/// Folded, but with the spaces at its ends: in a part of a text they are not at the ends of the text.
fn fold_part(text: &str) -> String {
    let body = text.trim_start();
    let leading = text.strip_suffix(body).unwrap_or_default();
    let trailing = body.strip_prefix(body.trim_end()).unwrap_or_default();
    format!("{leading}{}{trailing}", fold(body))
}

fn truth(switches: &Switches, literal: &Literal, path: &AttributePath) -> Result<bool, ScimError> {
    match literal {
        Literal::Boolean(truth) => Ok(*truth),
        Literal::String(text) if switches.booleans_as_text && text.eq_ignore_ascii_case("true") => Ok(true),
        Literal::String(text) if switches.booleans_as_text && text.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(mismatch(path, other, "true or false")),
    }
}

fn moment_of(literal: &Literal, path: &AttributePath) -> Result<DateTime<Utc>, ScimError> {
    match literal {
        Literal::String(text) => moment(text),
        _ => None,
    }
    .ok_or_else(|| mismatch(path, literal, "a moment such as \"2011-05-13T04:42:34Z\""))
}

/// An xsd:dateTime (RFC 7643 §2.3.5); one without an offset is taken as UTC.
pub(in crate::scim) fn moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let with_offset = DateTime::parse_from_rfc3339(text).map(|moment| moment.to_utc());
    let without = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|moment| moment.and_utc());
    with_offset.or_else(|_| without()).ok()
}

fn unsupported(path: &AttributePath, operator: Operator, what: &str, instead: &str) -> ScimError {
    ScimError::invalid_filter(format!(
        "the operator `{operator}` is not supported for `{path}`, because it is compared with {what}; use {instead}"
    ))
}

fn mismatch(path: &AttributePath, literal: &Literal, expected: &str) -> ScimError {
    let literal = excerpt(&literal.to_string());
    ScimError::invalid_filter(format!("`{path}` cannot be compared with `{literal}`; expected {expected}"))
}

fn sub_attribute_needed(path: &AttributePath, attribute: &Attribute) -> ScimError {
    let example = attribute.sub_attributes.iter().find(|sub_attribute| visible(sub_attribute).is_some());
    let example = example.map_or("…", |sub_attribute| &sub_attribute.name);
    ScimError::invalid_filter(format!(
        "`{path}` is a complex attribute; compare a sub-attribute, as in `{path}.{example}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::error::ScimType;
    use crate::scim::filter::ValuePath;
    use crate::scim::schema::ResourceTypes;

    fn condition(text: &str) -> Result<Condition, ScimError> {
        let types = ResourceTypes::builtin().unwrap();
        Filter::parse(text, &Switches::DEFAULT).unwrap().resolve(&types.user, &Switches::DEFAULT)
    }

    fn refusal(text: &str) -> String {
        match condition(text) {
            Err(ScimError::BadRequest(ScimType::InvalidFilter, detail)) => detail,
            other => panic!("{text}: {other:?}"),
        }
    }

    // Requirements 2, 35, 39
    #[test]
    fn different_spellings_resolve_to_the_same_condition() {
        for (left, right) in [
            (r#"userName eq "x""#, r#"URN:ietf:params:SCIM:schemas:core:2.0:user:USERNAME EQ "x""#),
            (r#"emails co "x""#, r#"Emails.Value CO "x""#),
            (r#"manager eq "x""#, r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "x""#),
            (r#"active eq "True""#, "ActiVe eq true"),
            (r#"active eq "false""#, "active eq FALSE"),
            (r#"roles[primary eq "True"].value eq "x""#, r#"roles[Primary eq true and VALUE eq "x"]"#),
            ("userName eq alice", r#"userName eq "alice""#),
            ("externalId eq 271", r#"externalId eq "271""#),
            (r#"userName ne "x""#, r#"not (userName eq "x")"#),
            ("title eq null", "not (title pr)"),
            ("title ne null", "not (not (title pr))"),
            (r#"meta.created ge "2011-05-13T04:42:34Z""#, "meta.created ge 2011-05-13T06:42:34.0000000+02:00"),
        ] {
            assert_eq!(condition(left), condition(right), "{left}");
            assert!(condition(left).is_ok(), "{left}");
        }
    }

    // Requirement 37
    #[test]
    fn an_unknown_attribute_is_refused_by_its_name() {
        for (text, name) in [
            ("nick pr", "`nick`"),
            ("name.nick pr", "`name.nick`"),
            ("emails[nick pr]", "`nick`"),
            ("emails[type.x pr]", "`type.x`"),
            ("urn:x:y:nick pr", "`urn:x:y:nick`"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr", "2.0:User`"),
        ] {
            let detail = refusal(text);
            assert!(detail.contains(name), "{text}: {detail}");
        }
    }

    // Requirement 37
    #[test]
    fn an_operator_that_the_type_lacks_is_refused() {
        for operator in ["gt", "ge", "lt", "le"] {
            for (attribute, literal) in
                [("active", "true"), ("x509Certificates.value", r#""x""#), ("name", r#""x""#), ("emails", r#""x""#)]
            {
                let detail = refusal(&format!("{attribute} {operator} {literal}"));
                assert!(detail.contains(operator) && detail.contains(attribute), "{detail}");
            }
        }
        for text in ["active co true", r#"meta.created sw "2011""#, "title gt null", "title co null"] {
            refusal(text);
        }
    }

    #[test]
    fn a_literal_of_another_type_is_refused() {
        for (text, expected) in [
            ("active eq 1", "true or false"),
            (r#"active eq "yes""#, "true or false"),
            ("userName eq true", "text in double quotes"),
            ("userName eq 1.5", "text in double quotes"),
            ("meta.created gt 5", "a moment"),
            (r#"meta.created gt "yesterday""#, "a moment"),
            (r#"name eq "x""#, "`name.formatted`"),
            (r#"meta eq "x""#, "`meta."),
            (r#"userName[value eq "x"]"#, "no brackets"),
            (r#"emails.value[value eq "x"]"#, "no brackets"),
        ] {
            let detail = refusal(text);
            assert!(detail.contains(expected), "{text}: {detail}");
        }
    }

    #[test]
    fn a_number_is_compared_with_a_number_only() {
        let mut types = ResourceTypes::builtin().unwrap();
        let nick_name = std::sync::Arc::make_mut(&mut types.user)
            .schema
            .attributes
            .iter_mut()
            .find(|attribute| attribute.name == "nickName")
            .unwrap();
        nick_name.kind = Kind::Integer;
        let resolved =
            |text: &str| Filter::parse(text, &Switches::DEFAULT).unwrap().resolve(&types.user, &Switches::DEFAULT);
        assert!(resolved("nickName ge 5").is_ok());
        assert!(resolved(r#"nickName ge "5""#).is_err());
        assert!(resolved("nickName co 5").is_err());
    }

    #[test]
    fn what_is_never_returned_cannot_be_guessed_by_filtering() {
        for text in [r#"password sw "a""#, "password pr", "not (password eq null)"] {
            assert!(refusal(text).contains("password"), "{text}");
        }
    }

    // Requirement 42
    #[test]
    fn across_resource_types_an_unknown_attribute_counts_as_unassigned() {
        let types = ResourceTypes::builtin().unwrap();
        let across = |text: &str| {
            Filter::parse(text, &Switches::DEFAULT).unwrap().resolve_across(&types.group, &Switches::DEFAULT).unwrap()
        };
        assert_eq!(across(r#"userName eq "x""#), never());
        assert_eq!(across("userName pr"), never());
        assert_eq!(across(r#"emails[type eq "work"]"#), never());
        assert_eq!(across(r#"userName ne "x""#), not(never()));
        assert_eq!(across("userName eq null"), not(never()));
        assert!(across(r#"displayName eq "x""#).narrowings().len() == 1);
    }

    #[test]
    fn the_filter_of_a_value_path_resolves_among_the_sub_attributes() {
        let types = ResourceTypes::builtin().unwrap();
        let emails = types.user.attribute("emails").unwrap();
        let filter = |text: &str| ValuePath::parse(text, &Switches::DEFAULT).unwrap().filter.unwrap();
        assert!(filter(r#"emails[TYPE eq "work"]"#).resolve_elements(emails, &Switches::DEFAULT).is_ok());
        assert!(filter(r#"emails[userName eq "work"]"#).resolve_elements(emails, &Switches::DEFAULT).is_err());
    }

    #[test]
    fn spaces_at_the_ends_of_a_part_are_kept() {
        assert_eq!(fold_part(" A b "), " a b ");
        assert_eq!(fold_part("\u{3000}É\t"), "\u{3000}é\t");
        assert_eq!(fold_part("  "), "  ");
        assert_eq!(fold_part(""), "");
    }
}
