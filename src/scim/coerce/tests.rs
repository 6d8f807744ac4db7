//! What values become before they are stored.

use serde_json::json;

use super::*;
use crate::scim::schema::ResourceTypes;

const LONG: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user(name: &str, value: Value) -> Result<Option<Value>, ScimError> {
    let types = ResourceTypes::builtin().unwrap();
    let extension = types.user.extensions[0].schema.attribute(name).map(|attribute| (Some(LONG), attribute));
    let (urn, attribute) = types.user.attribute(name).map(|attribute| (None, attribute)).or(extension).unwrap();
    coerce(&Switches::DEFAULT, attribute, Location::new(urn, &attribute.name), value)
}

fn detail(name: &str, value: Value) -> String {
    match user(name, value).unwrap_err() {
        ScimError::BadRequest(crate::scim::ScimType::InvalidValue, detail) => detail,
        other => panic!("{other:?}"),
    }
}

fn of_kind(kind: Kind, value: Value) -> Result<Option<Value>, ScimError> {
    scalar::scalar(&Switches::DEFAULT, kind, Location::new(None, "x"), value)
}

#[test]
fn values_of_the_right_type_come_back_exactly_as_they_were_sent() {
    for (name, value) in [
        ("userName", json!(" bJensen@Example.com ")),
        ("title", json!("")),
        ("active", json!(false)),
        ("name", json!({"familyName": " User 01", "givenName": ""})),
        ("phoneNumbers", json!([{"type": "work", "value": "+49 (0)30/901820"}])),
        ("profileUrl", json!("HTTP://Example.com/%7Efoo")),
        ("x509Certificates", json!([{"value": "MIIB/w=="}])),
        ("manager", json!({"value": "26118915", "$ref": "../Users/26118915"})),
    ] {
        assert_eq!(user(name, value.clone()), Ok(Some(value)), "{name}");
    }
}

// Requirement 7
#[test]
fn null_empty_list_and_empty_object_all_mean_unassigned() {
    for name in ["title", "active", "name", "emails", "roles", "manager", "profileUrl"] {
        for value in [json!(null), json!([]), json!({})] {
            assert_eq!(user(name, value.clone()), Ok(None), "{name} {value}");
        }
    }
    for (name, value) in [
        ("name", json!({"givenName": null, "familyName": null})),
        ("name", json!({"nick": "x"})),
        ("emails", json!([null, {}, {"value": null}])),
        ("manager", json!([])),
        ("manager", json!("")),
        ("manager", json!([{"$ref": null, "displayName": "Boss"}])),
    ] {
        assert_eq!(user(name, value.clone()), Ok(None), "{name} {value}");
    }
}

// Requirements 2, 14, 55
#[test]
fn what_identity_providers_send_becomes_canonical() {
    let role = json!("{\"id\":\"06b0\",\"value\":\"25\",\"displayName\":\"Role1234\"}");
    for (name, sent, stored) in [
        ("active", json!("False"), json!(false)),
        ("active", json!("TRUE"), json!(true)),
        ("manager", json!("271"), json!({"value": "271"})),
        (
            "manager",
            json!([{"$ref": "http://x/Users/271", "value": "271"}]),
            json!({"$ref": "http://x/Users/271", "value": "271"}),
        ),
        ("manager", json!({"VALUE": "1", "$REF": null, "displayName": "B"}), json!({"value": "1"})),
        ("emails", json!("a@b"), json!([{"value": "a@b"}])),
        ("emails", json!(["a@b", "c@d"]), json!([{"value": "a@b"}, {"value": "c@d"}])),
        (
            "emails",
            json!({"Type": "work", "value": "a@b", "Primary": "True", "x": 1}),
            json!([{"primary": true, "type": "work", "value": "a@b"}]),
        ),
        ("roles", json!([{"value": role}]), json!([{"display": "Role1234", "value": "25"}])),
        ("roles", json!([role]), json!([{"display": "Role1234", "value": "25"}])),
        ("roles", json!([{"displayName": "Admin", "value": "Admin"}]), json!([{"display": "Admin", "value": "Admin"}])),
        (
            "roles",
            json!([{"displayName": "A", "display": null, "value": "A"}]),
            json!([{"display": "A", "value": "A"}]),
        ),
        ("NAME", json!({"GIVENNAME": "Barbara"}), json!({"givenName": "Barbara"})),
    ] {
        assert_eq!(user(name, sent.clone()), Ok(Some(stored)), "{name} {sent}");
    }
}

#[test]
fn text_that_only_looks_like_packed_json_stays_text() {
    for text in ["{", "{}", "{\"a\":1}", "{\"display\":\"x\"}", "{\"value\":\"\\u0000\"}", "[1]"] {
        assert_eq!(user("roles", json!([{"value": text}])), Ok(Some(json!([{"value": text}]))), "{text}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_rejected_with_its_path_and_without_itself() {
    for (name, value, message) in [
        ("userName", json!(7), "`userName` must be text, not a number"),
        ("userName", json!(true), "`userName` must be text, not a boolean"),
        ("userName", json!(["a"]), "`userName` must be text, not a list"),
        ("userName", json!({"value": "a"}), "`userName` must be text, not an object"),
        ("active", json!("yes"), "`active` must be true or false, not other text"),
        ("active", json!(1), "`active` must be true or false, not a number"),
        ("name", json!("Barbara"), "`name` must be an object, not other text"),
        ("name", json!([{}, {}]), "`name` must be an object, not a list"),
        ("name", json!([[{}]]), "`name` must be an object, not a list"),
        ("addresses", json!("Berlin"), "`addresses` must be an object, not other text"),
        ("emails", json!([["a@b"]]), "`emails` must be a list of values, not of lists, not a list"),
        ("emails", json!([{"value": 1}]), "`emails.value` must be text, not a number"),
        ("emails", json!([{"value": "a", "primary": "x"}]), "`emails.primary` must be true or false, not other text"),
        ("x509Certificates", json!("secret!"), "`x509Certificates.value` must be base64 text, not other text"),
        ("password", json!(5), "`password` must be text, not a number"),
    ] {
        assert_eq!(detail(name, value), message);
    }
    let manager = detail("manager", json!({"value": {"a": 1}}));
    assert_eq!(manager, format!("`{LONG}:manager.value` must be text, not an object"));
    assert_eq!(detail("emails", json!({"value": "a", "Value": "b"})), "`emails.value` is given twice; give it once");
}

#[test]
fn numbers_moments_and_binary_values_are_checked() {
    for (kind, right, wrong) in [
        (Kind::Integer, vec![json!(-1), json!(u64::MAX)], vec![json!(1.5), json!("1")]),
        (Kind::Decimal, vec![json!(1), json!(-1.5)], vec![json!("1.5"), json!(true)]),
        (
            Kind::DateTime,
            vec![json!("2008-01-23T04:56:22Z"), json!("2008-01-23T04:56:22.5+02:00"), json!("2008-01-23T04:56:22")],
            vec![json!("2008-01-23"), json!("yesterday"), json!(1)],
        ),
        (Kind::Binary, vec![json!("_-8"), json!("/+8="), json!("")], vec![json!("a"), json!("é"), json!(1)]),
    ] {
        for value in right {
            assert_eq!(of_kind(kind, value.clone()), Ok(Some(value)));
        }
        for value in wrong {
            assert!(of_kind(kind, value.clone()).is_err(), "{kind:?} {value}");
        }
    }
}

// Requirement 8
#[test]
fn more_than_one_primary_value_is_rejected() {
    let two = json!([{"value": "a", "primary": true}, {"value": "b", "primary": "True"}]);
    assert!(detail("emails", two).contains("one primary"));
}

// Requirement 9
#[test]
fn values_of_one_type_and_value_are_one() {
    let sent = json!([
        {"value": "a", "type": "work"},
        {"value": "a", "type": "home"},
        {"value": "a", "type": "work", "primary": true},
        {"value": "a"},
        {"value": "A", "type": "work"},
    ]);
    let kept = json!([
        {"value": "a", "type": "work", "primary": true},
        {"value": "a", "type": "home"},
        {"value": "a"},
        {"value": "A", "type": "work"},
    ]);
    assert_eq!(user("emails", sent), Ok(Some(kept)));
    let address = json!({"type": "work", "locality": "Berlin"});
    assert_eq!(user("addresses", json!([address, address])), Ok(Some(json!([address]))));
}

#[test]
fn one_value_more_than_the_limit_is_rejected() {
    let values = |count: usize| Value::Array((0..count).map(|n| json!({"value": n.to_string()})).collect());
    assert!(user("emails", values(limits::VALUES_PER_ATTRIBUTE)).is_ok());
    assert!(detail("emails", values(limits::VALUES_PER_ATTRIBUTE + 1)).contains("1000"));
}
