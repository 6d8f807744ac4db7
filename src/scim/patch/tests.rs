//! What PATCH does, rule by rule.

#![expect(clippy::needless_pass_by_value, reason = "the tables read better with values made in place")]

use serde_json::json;

use super::*;
use crate::scim::ScimType;
use crate::scim::schema::ResourceTypes;

mod members;
mod properties;
mod replay;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn types() -> ResourceTypes {
    ResourceTypes::builtin().unwrap()
}

/// Barbara, whom the examples change.
fn barbara() -> Map<String, Value> {
    let user = json!({
        "schemas": [CORE, ENTERPRISE],
        "userName": "bjensen",
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "title": "Guide",
        "active": true,
        "emails": [
            {"type": "work", "value": "b@work", "primary": true},
            {"type": "home", "value": "b@home", "display": "at home"},
        ],
        "addresses": [{"type": "work", "streetAddress": "1 First", "locality": "Berlin"}],
        (ENTERPRISE): {"department": "Tours", "manager": {"value": "m1", "$ref": "../Users/m1"}},
    });
    user.as_object().unwrap().clone()
}

fn patch(operations: Value) -> Result<Patched, ScimError> {
    apply(&Switches::DEFAULT, &types().user, &barbara(), &parse(&Switches::DEFAULT, json!({"Operations": operations}))?)
}

/// What one operation leaves of Barbara, at a JSON pointer.
fn after(pointer: &str, operation: Value) -> Value {
    let patched = patch(json!([operation])).unwrap_or_else(|error| panic!("{operation}: {error}"));
    Value::Object(patched.document).pointer(pointer).cloned().unwrap_or_default()
}

fn refused(operation: Value) -> ScimType {
    match patch(json!([operation])) {
        Err(ScimError::BadRequest(kind, _)) => kind,
        other => panic!("{operation}: {other:?}"),
    }
}

fn op(op: &str, path: &str, value: Value) -> Value {
    json!({"op": op, "path": path, "value": value})
}

fn manager() -> String {
    format!("{ENTERPRISE}:manager")
}

// Requirement 45
#[test]
fn the_envelope_is_read_in_any_letter_case_and_without_schemas() {
    let operation = json!({"OP": "Add", "Path": "title", "Value": "x"});
    let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]);
    let expected = vec![Operation { verb: Verb::Add, path: Some("title".into()), value: Some(json!("x")) }];
    for body in [
        json!({"schemas": schemas, "Operations": [operation]}),
        json!({"operations": [operation]}),
        json!({"schemas": [CORE], "OPERATIONS": [operation]}),
        json!([operation]),
    ] {
        assert_eq!(parse(&Switches::DEFAULT, body), Ok(expected.clone()));
    }
}

// Requirement 45
#[test]
fn a_body_that_is_no_list_of_operations_is_rejected() {
    for (body, kind) in [
        (json!({}), ScimType::InvalidSyntax),
        (json!("x"), ScimType::InvalidSyntax),
        (json!({"Operations": []}), ScimType::InvalidSyntax),
        (json!({"Operations": {}}), ScimType::InvalidSyntax),
        (json!({"Operations": [1]}), ScimType::InvalidSyntax),
        (json!({"Operations": [{"op": "move", "path": "title"}]}), ScimType::InvalidSyntax),
        (json!({"Operations": [{"path": "title", "value": 1}]}), ScimType::InvalidSyntax),
        (json!({"Operations": [{"op": "add", "path": 1, "value": 1}]}), ScimType::InvalidPath),
        (json!({"Operations": [{"op": "add", "path": "title"}]}), ScimType::InvalidValue),
        (
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "Operations": [{"op": "add"}]}),
            ScimType::InvalidSyntax,
        ),
    ] {
        match parse(&Switches::DEFAULT, body.clone()) {
            Err(ScimError::BadRequest(found, _)) => assert_eq!(found, kind, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    let many = |count: usize| parse(&Switches::DEFAULT, Value::Array(vec![op("add", "title", json!("x")); count]));
    assert!(many(limits::PATCH_OPERATIONS).is_ok());
    assert_eq!(many(limits::PATCH_OPERATIONS + 1).unwrap_err().status(), 413);
}

// Requirements 2, 48, 50, 51, 55
#[test]
fn single_attributes_are_set_merged_and_removed() {
    let givenname = |name: &str| json!({"givenName": name, "familyName": "Jensen"});
    for (operation, pointer, expected) in [
        (op("replace", "TITLE", json!("Boss")), "/title", json!("Boss")),
        (op("add", "title", json!("Boss")), "/title", json!("Boss")),
        (op("replace", "nickName", json!("Babs")), "/nickName", json!("Babs")),
        (op("add", "title", json!(null)), "/title", json!("Guide")),
        (op("replace", "title", json!(null)), "/title", json!(null)),
        (op("remove", "title", json!("ignored")), "/title", json!(null)),
        (op("remove", "nickName", json!(null)), "/nickName", json!(null)),
        (op("replace", "active", json!("False")), "/active", json!(false)),
        (op("replace", "name", json!({"givenName": "B"})), "/name", givenname("B")),
        (op("add", "name", json!({"GivenName": "B", "familyName": null})), "/name", givenname("B")),
        (op("replace", "name", json!({"givenName": "B", "familyName": null})), "/name", json!({"givenName": "B"})),
        (op("replace", "Name.GivenName", json!("B")), "/name", givenname("B")),
        (op("remove", "name.givenName", json!(null)), "/name", json!({"familyName": "Jensen"})),
        (op("remove", "name", json!(null)), "/name", json!(null)),
        (op("replace", "externalId", json!("e")), "/externalId", json!("e")),
        (op("replace", &format!("{CORE}:title"), json!("B")), "/title", json!("B")),
        (op("replace", CORE, json!({"title": "B"})), "/title", json!("B")),
    ] {
        assert_eq!(after(pointer, operation.clone()), expected, "{operation}");
    }
}

// Requirements 48, 49, 58
#[test]
fn values_of_multi_valued_attributes_are_added_chosen_and_removed() {
    let work = json!({"type": "work", "value": "b@work", "primary": true});
    let home = json!({"type": "home", "value": "b@home", "display": "at home"});
    let other = json!({"type": "other", "value": "b@other"});
    let changed = |object: &Value, name: &str, value: Value| {
        let mut object = object.clone();
        object[name] = value;
        object
    };
    for (operation, expected) in [
        (op("add", "emails", json!([other])), json!([work, home, other])),
        (op("add", "emails", other.clone()), json!([work, home, other])),
        (op("add", "emails", json!([{"value": "b@work"}])), json!([work, home])),
        (op("replace", "emails", json!([other])), json!([other])),
        (op("replace", "emails", json!([])), json!(null)),
        (op("remove", "emails", json!(null)), json!(null)),
        (op("remove", "emails", json!([{"value": "b@work"}])), json!([home])),
        (op("remove", "emails", json!([{"value": "nobody"}])), json!([work, home])),
        (op("remove", "emails[type eq \"work\"]", json!(null)), json!([home])),
        (op("remove", "emails[value ew \"e\" or value ew \"k\"]", json!(null)), json!(null)),
        (op("Remove", "emails[type eq \"work\"].value", json!("b@work")), json!([home])),
        (
            op("remove", "emails[type eq \"home\"].display", json!(null)),
            json!([work, {"type": "home", "value": "b@home"}]),
        ),
        (
            op("replace", "emails[TYPE eq \"HOME\"].value", json!("n")),
            json!([work, changed(&home, "value", json!("n"))]),
        ),
        (op("add", "emails[type eq \"home\"].value", json!("n")), json!([work, changed(&home, "value", json!("n"))])),
        (
            op("replace", "emails[type eq \"home\"]", json!({"value": "n"})),
            json!([work, {"type": "home", "value": "n"}]),
        ),
        (
            op("add", "emails[type eq \"home\"]", json!({"value": "n"})),
            json!([work, changed(&home, "value", json!("n"))]),
        ),
        (
            op("replace", "emails[value pr].display", json!("d")),
            json!([changed(&work, "display", json!("d")), changed(&home, "display", json!("d"))]),
        ),
        (
            op("replace", "emails.display", json!("d")),
            json!([changed(&work, "display", json!("d")), changed(&home, "display", json!("d"))]),
        ),
        (op("replace", "emails[type eq \"home\"]", json!(null)), json!([work])),
    ] {
        assert_eq!(after("/emails", operation.clone()), expected, "{operation}");
    }
}

// Requirement 48
#[test]
fn an_element_that_is_not_there_is_made_from_the_eq_terms_of_the_filter() {
    for verb in ["add", "replace", "Replace"] {
        for (path, value, made) in [
            ("emails[type eq \"other\"].value", json!("o"), json!({"type": "other", "value": "o"})),
            ("emails[type eq \"other\"]", json!({"value": "o"}), json!({"type": "other", "value": "o"})),
            ("emails[type eq \"other\"]", json!("o"), json!({"type": "other", "value": "o"})),
            (
                "emails[type eq \"other\" and display eq \"D\"].value",
                json!("o"),
                json!({"type": "other", "display": "D", "value": "o"}),
            ),
        ] {
            assert_eq!(after("/emails/2", op(verb, path, value)), made, "{verb} {path}");
        }
        assert_eq!(after("/phoneNumbers", op(verb, "phoneNumbers.value", json!("1"))), json!([{"value": "1"}]));
        assert_eq!(
            after("/roles", op(verb, "roles[primary eq \"True\"].value", json!("Admin"))),
            json!([{"primary": true, "value": "Admin"}])
        );
        for path in [
            "emails[value co \"x\"].type",
            "emails[type eq \"a\" or type eq \"b\"].value",
            "emails[not (value pr)].type",
        ] {
            assert_eq!(refused(op(verb, path, json!("o"))), ScimType::NoTarget, "{verb} {path}");
        }
        assert_eq!(refused(op(verb, "emails[type eq \"other\"].type", json!("x"))), ScimType::NoTarget);
    }
}

// Requirement 8
#[test]
fn a_new_primary_value_ends_the_old_one() {
    for (operation, primary) in [
        (op("add", "emails", json!([{"value": "n", "primary": true}])), json!([false, null, true])),
        (op("replace", "emails[type eq \"home\"].primary", json!("True")), json!([false, true])),
        (op("add", "emails[type eq \"home\"]", json!({"primary": true})), json!([false, true])),
        (op("replace", "emails[type eq \"new\"]", json!({"primary": true, "value": "n"})), json!([false, null, true])),
        (op("add", "emails", json!([{"value": "n"}])), json!([true, null, null])),
    ] {
        let emails = after("/emails", operation.clone());
        let found: Vec<Value> = emails.as_array().unwrap().iter().map(|email| email["primary"].clone()).collect();
        assert_eq!(json!(found), primary, "{operation}");
    }
    assert_eq!(refused(op("replace", "emails.primary", json!(true))), ScimType::InvalidValue);
    let two = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
    assert_eq!(refused(op("replace", "emails", two)), ScimType::InvalidValue);
}

// Requirement 58
#[test]
fn a_sub_attribute_changes_in_every_element_the_filter_selects() {
    let body = json!([
        op("add", "addresses", json!([{"type": "work", "locality": "Paris"}, {"type": "home"}])),
        op("replace", "addresses[type eq \"work\"].streetAddress", json!("2 Second")),
    ]);
    let document = Value::Object(patch(body).unwrap().document);
    assert_eq!(
        document["addresses"],
        json!([
            {"type": "work", "streetAddress": "2 Second", "locality": "Berlin"},
            {"type": "work", "streetAddress": "2 Second", "locality": "Paris"},
            {"type": "home"},
        ])
    );
}

// Requirements 1, 47
#[test]
fn an_extension_is_listed_in_schemas_while_it_is_in_use() {
    let department = format!("{ENTERPRISE}:department");
    assert_eq!(after("/schemas", op("remove", ENTERPRISE, json!(null))), json!([CORE]));
    assert_eq!(after("/schemas", op("remove", &department, json!(null))), json!([CORE, ENTERPRISE]));
    let gone = patch(json!([op("remove", &department, json!(null)), op("remove", &manager(), json!(null))])).unwrap();
    assert_eq!(gone.document["schemas"], json!([CORE]));
    assert!(!gone.document.contains_key(ENTERPRISE));
    let back = json!([op("add", &department.to_uppercase(), json!("New"))]);
    let back =
        apply(&Switches::DEFAULT, &types().user, &gone.document, &parse(&Switches::DEFAULT, back).unwrap()).unwrap();
    assert_eq!(back.document["schemas"], json!([CORE, ENTERPRISE]));
    assert_eq!(back.document[ENTERPRISE], json!({"department": "New"}));
    assert_eq!(after("/schemas", op("add", "schemas", json!(["urn:x"]))), json!([CORE, ENTERPRISE]));
}

#[test]
fn a_reference_does_not_outlive_the_value_it_points_at() {
    for operation in [op("replace", &manager(), json!("m2")), op("add", &format!("{}.value", manager()), json!("m2"))] {
        assert_eq!(after(&format!("/{ENTERPRISE}/manager"), operation), json!({"value": "m2"}));
    }
}

// Requirements 50, 51, 52
#[test]
fn without_a_path_what_is_known_and_writable_is_merged() {
    for verb in ["add", "replace"] {
        let value = json!({
            "id": "other", "schemas": ["urn:x"], "meta": {"version": "x"}, "groups": [{"value": "g"}], "unknown": 1,
            "nickname": "Babs", "name.givenName": "B", "emails[type eq \"work\"].value": "n@work",
            (format!("{ENTERPRISE}:employeeNumber")): "7",
            (ENTERPRISE): {"costCenter": "C"},
        });
        let mut expected = barbara();
        expected.insert("nickName".into(), json!("Babs"));
        expected["name"]["givenName"] = json!("B");
        expected["emails"][0]["value"] = json!("n@work");
        expected[ENTERPRISE]["employeeNumber"] = json!("7");
        expected[ENTERPRISE]["costCenter"] = json!("C");
        let patched = patch(json!([{"op": verb, "value": value}])).unwrap();
        assert_eq!(patched.document, expected, "{verb}");
        assert!(patched.changed);
    }
    let emails = json!({"emails": [{"value": "n"}]});
    assert_eq!(after("/emails", json!({"op": "replace", "value": emails})), json!([{"value": "n"}]));
    assert_eq!(after("/emails/2", json!({"op": "add", "value": emails})), json!({"value": "n"}));
    assert_eq!(after("/schemas", json!({"op": "replace", "value": {(ENTERPRISE): null}})), json!([CORE]));
}

// Requirements 47, 48, 52
#[test]
fn what_cannot_be_done_is_refused_with_the_right_type() {
    for (operation, kind) in [
        (json!({"op": "remove"}), ScimType::NoTarget),
        (json!({"op": "remove", "path": ""}), ScimType::NoTarget),
        (op("remove", "emails[type eq \"fax\"]", json!(null)), ScimType::NoTarget),
        (op("remove", "phoneNumbers[type eq \"fax\"].value", json!(null)), ScimType::NoTarget),
        (op("replace", "emails.value", json!("which")), ScimType::NoTarget),
        (op("remove", "userName", json!(null)), ScimType::Mutability),
        (op("remove", "schemas", json!(null)), ScimType::Mutability),
        (op("replace", "id", json!("x")), ScimType::Mutability),
        (op("add", "meta.created", json!("x")), ScimType::Mutability),
        (op("add", "groups", json!([{"value": "g"}])), ScimType::Mutability),
        (op("remove", "groups[value eq \"g\"]", json!(null)), ScimType::Mutability),
        (op("add", &format!("{}.displayName", manager()), json!("x")), ScimType::Mutability),
        (op("replace", "userName", json!(null)), ScimType::InvalidValue),
        (op("replace", "userName", json!("")), ScimType::InvalidValue),
        (op("replace", "title", json!(["a"])), ScimType::InvalidValue),
        (op("replace", "active", json!("no")), ScimType::InvalidValue),
        (json!({"op": "add", "value": "x"}), ScimType::InvalidValue),
        (op("add", "shoeSize", json!(44)), ScimType::InvalidPath),
        (op("add", "name.shoe", json!("x")), ScimType::InvalidPath),
        (op("add", "emails[type eq \"work\"].shoe", json!("x")), ScimType::InvalidPath),
        (op("add", "emails.value[type eq \"work\"]", json!("x")), ScimType::InvalidPath),
        (op("add", "name[givenName eq \"x\"]", json!({"givenName": "x"})), ScimType::InvalidPath),
        (op("add", "emails[shoe eq 1].value", json!("x")), ScimType::InvalidFilter),
        (op("add", "emails[type eq", json!("x")), ScimType::InvalidFilter),
    ] {
        assert_eq!(refused(operation.clone()), kind, "{operation}");
    }
}

// Requirements 10, 67
#[test]
fn a_password_is_accepted_and_thrown_away() {
    for verb in ["add", "replace", "remove"] {
        let patched = patch(json!([op(verb, "password", json!("s3cret"))])).unwrap();
        assert_eq!((patched.document, patched.changed), (barbara(), false));
    }
}

// Requirement 49
#[test]
fn an_operation_that_changes_nothing_is_no_change() {
    for operation in [
        op("add", "emails", json!([{"type": "work", "value": "b@work"}])),
        op("replace", "title", json!("Guide")),
        op("replace", "name", json!({"givenName": "Barbara"})),
        op("replace", "active", json!("TRUE")),
        op("remove", "nickName", json!(null)),
        op("add", &manager(), json!("m1")),
        json!({"op": "replace", "value": {"id": "x"}}),
    ] {
        assert!(!patch(json!([operation])).unwrap().changed, "{operation}");
    }
}

// Requirement 46
#[test]
fn the_first_of_several_operations_that_fails_is_named() {
    let error = patch(json!([op("replace", "title", json!("x")), op("replace", "id", json!("x"))])).unwrap_err();
    assert_eq!(error.to_string(), "operation 2 of 2: `id` is set by the server only; leave it out");
}

#[test]
fn what_was_lacking_before_does_not_block_an_unrelated_change() {
    let mut user = barbara();
    user.remove("userName");
    let operations = parse(&Switches::DEFAULT, json!([op("replace", "active", json!(false))])).unwrap();
    assert_eq!(apply(&Switches::DEFAULT, &types().user, &user, &operations).unwrap().document["active"], json!(false));
}

#[test]
fn operations_that_would_look_at_too_many_values_are_refused() {
    let emails: Vec<Value> = (0..900).map(|n| json!({"value": n.to_string()})).collect();
    let again = |times: usize| patch(Value::Array(vec![op("add", "emails", json!(emails)); times]));
    assert!(again(2).is_ok());
    assert_eq!(again(4).unwrap_err().status(), 413);
}
