//! Whether a resource fulfils a condition: the one meaning of a filter.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::resolve::moment;
use super::{Condition, Relation, Test, Text};
use crate::model::fold;
use crate::scim::path::AttributePath;

/// Whether `value`, a whole resource in canonical spelling (with `id`, `meta` and what else the condition reads) or one
/// element for a condition made by [`super::Filter::resolve_elements`], fulfils `condition`.
///
/// A multi-valued attribute passes when any of its values does (RFC 7644 §3.4.2.2), so `ne`, which is `not eq`, says
/// that none of them equals. A comparison with an attribute that is unassigned or holds a value of another type does
/// not hold, hence `ne` does. Text of an attribute that is not caseExact is compared folded ([`fold`]), moments are
/// compared in time.
pub fn eval(condition: &Condition, value: &Value) -> bool {
    match condition {
        Condition::All(conditions) => conditions.iter().all(|condition| eval(condition, value)),
        Condition::Any(conditions) => conditions.iter().any(|condition| eval(condition, value)),
        Condition::Not(condition) => !eval(condition, value),
        Condition::Holds { path, test } => any_at(value, path, &|value| passes(test, value)),
        Condition::Element { path, condition } => any_at(value, path, &|element| eval(condition, element)),
    }
}

/// Whether any value at `path` passes; null and empty arrays hold none.
fn any_at(value: &Value, path: &AttributePath, test: &dyn Fn(&Value) -> bool) -> bool {
    let owner = match &path.schema {
        Some(schema) => value.get(schema),
        None => Some(value),
    };
    any(owner.and_then(|owner| owner.get(&path.attribute)), &|value| match &path.sub_attribute {
        Some(sub_attribute) => any(value.get(sub_attribute), test),
        None => test(value),
    })
}

fn any(value: Option<&Value>, test: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Array(values)) => values.iter().any(|value| !value.is_null() && test(value)),
        Some(value) => test(value),
    }
}

pub(super) fn passes(asked: &Test, value: &Value) -> bool {
    match (asked, value) {
        (Test::Present, value) => is_present(value),
        (Test::Text(relation, text), Value::String(value)) => text_passes(*relation, text, value),
        (Test::Boolean(truth), Value::Bool(value)) => truth == value,
        (Test::Number(relation, number), Value::Number(value)) => {
            compare_numbers(value, number).is_some_and(|order| relation.admits(order))
        }
        (Test::Moment(relation, literal), Value::String(value)) => {
            moment(value).is_some_and(|value| relation.admits(value.cmp(literal)))
        }
        _ => false,
    }
}

/// Neither null nor empty nor made of such only (RFC 7643 §2.5, RFC 7644 table 3).
fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => values.iter().any(is_present),
        Value::Object(members) => members.values().any(is_present),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn text_passes(relation: Relation, text: &Text, value: &str) -> bool {
    let Some(folded) = &text.folded else {
        return relates(relation, value, &text.exact);
    };
    let value = fold(value);
    // Folding drops spaces at the ends of a value; a text that equals it is still part of it.
    relates(relation, &value, folded) || relation.is_part() && value == folded.trim()
}

fn relates(relation: Relation, value: &str, literal: &str) -> bool {
    match relation {
        Relation::Contains => value.contains(literal),
        Relation::StartsWith => value.starts_with(literal),
        Relation::EndsWith => value.ends_with(literal),
        _ => relation.admits(value.cmp(literal)),
    }
}

fn compare_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::scim::Switches;
    use crate::scim::filter::{Filter, ValuePath, samples};
    use crate::scim::schema::ResourceTypes;

    fn matches(text: &str, user: &Value) -> bool {
        let types = ResourceTypes::builtin().unwrap();
        let condition = Filter::parse(text, &Switches::DEFAULT).unwrap().resolve(&types.user, &Switches::DEFAULT);
        eval(&condition.unwrap_or_else(|error| panic!("{text}: {error}")), user)
    }

    #[track_caller]
    fn check(user: &Value, holding: &[&str], failing: &[&str]) {
        for text in holding {
            assert!(matches(text, user), "{text} should hold");
        }
        for text in failing {
            assert!(!matches(text, user), "{text} should not hold");
        }
    }

    // Requirement 33
    #[test]
    fn brackets_ask_for_one_element_and_bare_comparisons_for_any() {
        let user = json!({"emails": [
            {"type": "work", "value": "b@example.com"},
            {"type": "home", "value": "b@home.org", "primary": true},
        ]});
        check(
            &user,
            &[
                r#"emails.type eq "work" and emails.value co "@home""#,
                r#"emails[type eq "work" and value co "@example"]"#,
                r#"emails[type eq "home" and primary eq true]"#,
                r#"emails[not (type eq "work")]"#,
                r#"emails[type ne "work"]"#,
                r#"not (emails[type eq "other"])"#,
            ],
            &[
                r#"emails[type eq "work" and value co "@home"]"#,
                r#"emails[type eq "work"].value co "@home""#,
                r#"emails[type eq "work" and primary eq true]"#,
                r#"emails[type eq "other"]"#,
                r#"ims[not (type eq "work")]"#,
            ],
        );
    }

    // Requirement 34
    #[test]
    fn not_equal_says_that_no_value_equals() {
        let user = json!({"userName": "b", "emails": [{"type": "work"}, {"type": "home"}]});
        check(
            &user,
            &[
                r#"userName ne "c""#,
                r#"emails.type ne "other""#,
                r#"title ne "x""#,
                r#"title ne "x" and not (title pr)"#,
            ],
            &[r#"userName ne "B""#, r#"emails.type ne "work""#, r#"emails.type ne "home""#],
        );
    }

    // Requirement 35
    #[test]
    fn a_complex_attribute_stands_for_its_value() {
        let user = json!({
            "emails": [{"value": "x@y"}, {"value": "b@Example.com"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "271"}},
        });
        check(
            &user,
            &[r#"emails co "example.com""#, r#"emails eq "B@example.com""#, r#"manager eq "271""#],
            &[r#"emails eq "example.com""#, r#"emails ne "x@y""#, r#"manager eq "27""#],
        );
    }

    // Requirement 36
    #[test]
    fn what_is_null_empty_or_made_of_such_only_is_not_present() {
        for empty in [
            json!({}),
            json!({"emails": null}),
            json!({"emails": []}),
            json!({"emails": [null]}),
            json!({"emails": [{}]}),
            json!({"emails": [{"value": ""}]}),
        ] {
            check(
                &empty,
                &["not (emails pr)", "emails eq null", "not (emails.value pr)"],
                &["emails pr", "emails ne null"],
            );
        }
        check(&json!({"title": "", "name": {"givenName": null}}), &["title eq null"], &["title pr", "name pr"]);
        check(
            &json!({"title": "x", "active": false, "name": {"givenName": "B"}, "emails": [{}, {"primary": false}]}),
            &["title pr", "active pr", "name pr", "name.givenName pr", "emails pr", "emails.primary pr"],
            &["name.familyName pr", "emails.value pr"],
        );
    }

    // Requirement 6
    #[test]
    fn moments_are_compared_in_time_and_not_as_text() {
        let user = json!({"meta": {"created": "2011-05-13T23:30:00.5-01:00"}});
        check(
            &user,
            &[
                r#"meta.created eq "2011-05-14T00:30:00.500Z""#,
                r#"meta.created gt "2011-05-14T00:30:00.4999999Z""#,
                r#"meta.created lt "2011-05-14T00:30:01Z""#,
                r#"meta.created ge "2011-05-14T02:30:00.5+02:00""#,
                r#"meta.created gt "0001-01-03T00:00:00.0000000Z""#,
                r#"meta.created gt "2011-05-14T00:30:00""#,
                r#"meta.created ne "2011-05-13T23:30:00.5Z""#,
            ],
            &[r#"meta.created lt "2011-05-14T00:00:00Z""#, r#"meta.created gt "2011-05-14T00:30:00.5Z""#],
        );
    }

    // Requirements 3, 4, 11
    #[test]
    fn the_schema_says_whether_letter_case_matters() {
        let user = json!({"id": "aB", "externalId": "xY", "userName": "bjenſen", "name": {"familyName": "ÄRGER"}});
        check(
            &user,
            &[
                r#"id eq "aB""#,
                r#"externalId sw "x""#,
                r#"userName eq "BJENSEN""#,
                r#"userName eq "ｂｊｅｎｓｅｎ""#,
                r#"userName ew "SEN""#,
                r#"name.familyName sw "är""#,
                r#"name.familyName gt "ärg""#,
            ],
            &[r#"id eq "ab""#, r#"externalId eq "xy""#, r#"externalId co "X""#],
        );
    }

    // Requirement 38
    #[test]
    fn parts_of_a_text_are_looked_for_letter_by_letter() {
        let user = json!({"displayName": "John_Smith 100%", "nickName": " padded "});
        check(
            &user,
            &[
                r#"displayName co "_smith""#,
                r#"displayName ew "100%""#,
                r#"displayName sw "JOHN_""#,
                r#"displayName co "h 1""#,
                r#"displayName co " 1""#,
                r#"displayName co """#,
                r#"nickName eq "padded""#,
                r#"nickName sw " Padded ""#,
            ],
            &[
                r#"displayName co "n%s""#,
                r#"displayName sw "John%""#,
                r#"displayName sw "J_hn""#,
                r#"displayName ew "0_""#,
                r#"displayName sw "john ""#,
                r#"displayName co "\\_""#,
                r#"nickName co "d p""#,
            ],
        );
    }

    // Requirements 2, 32
    #[test]
    fn filters_of_identity_providers_hold_as_they_are_meant() {
        let user = json!({
            "id": "u1", "active": true, "userName": "alice", "roles": [{"primary": true, "value": "Admin"}],
            "groups": [{"value": "g1"}], "meta": {"lastModified": "2026-01-01T00:00:00Z"},
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "m1"}},
        });
        check(
            &user,
            &[
                r#"id eq "u1" and manager eq "m1""#,
                r#"active eq true and (meta.lastModified ge "0001-01-03T00:00:00.0000000Z" and meta.lastModified le "2026-02-01T00:00:00Z")"#,
                r#"(ActiVe eq true) and meta.lastmodified ge "2026-01-01T00:00:00Z""#,
                "userName eq alice",
                r#"roles[primary eq "True"].value eq "Admin""#,
                r#"groups.value eq "g1""#,
                r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#,
            ],
            &[
                r#"roles[primary eq "False"]"#,
                r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
            ],
        );
    }

    #[test]
    fn whole_numbers_are_compared_exactly_and_with_fractions() {
        let number = |value: Value| match value {
            Value::Number(number) => number,
            other => panic!("{other}"),
        };
        let order = |left: Value, right: Value| compare_numbers(&number(left), &number(right));
        assert_eq!(order(json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64)), Some(Ordering::Greater));
        assert_eq!(order(json!(10), json!(9)), Some(Ordering::Greater));
        assert_eq!(order(json!(1), json!(1.0)), Some(Ordering::Equal));
    }

    #[test]
    fn a_filter_in_brackets_is_evaluated_on_one_element() {
        let types = ResourceTypes::builtin().unwrap();
        let path = ValuePath::parse(r#"emails[type eq "Work" and primary ne true]"#, &Switches::DEFAULT).unwrap();
        let condition =
            path.filter.unwrap().resolve_elements(types.user.attribute("emails").unwrap(), &Switches::DEFAULT).unwrap();
        assert!(eval(&condition, &json!({"type": "work"})));
        assert!(!eval(&condition, &json!({"type": "work", "primary": true})));
    }

    proptest! {
        #[test]
        fn not_holds_exactly_where_its_filter_does_not(text in samples::filter(), user in samples::user()) {
            prop_assert_eq!(matches(&format!("not ({text})"), &user), !matches(&text, &user));
        }

        #[test]
        fn equal_texts_also_start_with_contain_and_end_with_each_other(value in "\\PC{0,12}") {
            let literal = Value::from(value.as_str());
            let user = json!({"title": value, "id": value});
            for attribute in ["title", "id"] {
                for operator in ["eq", "sw", "co", "ew", "ge", "le"] {
                    let text = format!("{attribute} {operator} {literal}");
                    prop_assert!(matches(&text, &user), "{}", text);
                }
            }
        }
    }
}
