//! POST and PUT bodies against the schemas.

use serde_json::json;

use super::*;
use crate::scim::ScimType;
use crate::scim::schema::{Mutability, ResourceTypes, Schema};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn types() -> ResourceTypes {
    ResourceTypes::builtin().unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn user(body: Value) -> Value {
    Value::Object(create(&Switches::DEFAULT, &types().user, body).unwrap().document)
}

fn row(value: &str, kind: Option<&str>) -> Row {
    Row { value: value.to_owned(), kind: kind.map(ToOwned::to_owned) }
}

// Requirements 1, 3, 5, 10, 13, 22
#[test]
fn a_new_user_is_stored_in_canonical_form() {
    let body = json!({
        "schemas": ["urn:scim:schemas:core:1.0", CORE.to_lowercase()],
        "ID": "mine", "meta": {"resourceType": "User"}, "groups": [],
        "USERNAME": "bjensen", "externalId": "701984", "password": "t1meMa$heen",
        "displayName": null, "roles": [], "unknown": {"a": 1}, "custom": 5,
        "name.givenName": "Barbara",
        "name": {"familyName": "Jensen"},
        (ENTERPRISE.to_uppercase()): {"department": "Tour", "manager": "26118915", "nothing": 1},
    });
    let stored = json!({
        "schemas": [CORE, ENTERPRISE],
        "userName": "bjensen", "externalId": "701984",
        "name": {"familyName": "Jensen", "givenName": "Barbara"},
        (ENTERPRISE): {"department": "Tour", "manager": {"value": "26118915"}},
    });
    assert_eq!(user(body), stored);
}

// Requirement 7
#[test]
fn entras_nulls_leave_nothing_behind() {
    let body = json!({
        "userName": "a", "active": "True", "addresses": null, "phoneNumbers": null, "title": null, "department": null,
        "manager": null, "roles": [], (ENTERPRISE): {"manager": null},
    });
    assert_eq!(user(body), json!({"schemas": [CORE], "userName": "a", "active": true}));
}

// Requirement 2
#[test]
fn attributes_are_found_behind_urns_and_by_path() {
    let body = json!({
        (CORE): {"userName": "a", "name.familyName": "F"},
        (format!("{CORE}:title")): "T",
        (format!("{ENTERPRISE}:department")): "D",
        (format!("{ENTERPRISE}:manager.value")): "M",
        "emails[type eq \"work\"].value": "w@x",
    });
    let stored = json!({
        "schemas": [CORE, ENTERPRISE],
        "userName": "a", "name": {"familyName": "F"}, "title": "T", "emails": [{"type": "work", "value": "w@x"}],
        (ENTERPRISE): {"department": "D", "manager": {"value": "M"}},
    });
    assert_eq!(user(body), stored);
}

#[test]
fn an_extension_attribute_without_its_urn_is_found_and_gives_way_to_one_with_it() {
    let alone = user(json!({"userName": "a", "department": "D"}));
    assert_eq!(alone[ENTERPRISE], json!({"department": "D"}));
    let both = user(json!({"userName": "a", "department": "D", (ENTERPRISE): {"department": "E"}}));
    assert_eq!(both[ENTERPRISE], json!({"department": "E"}));
}

#[test]
fn a_body_that_cannot_be_a_user_is_rejected() {
    for (body, kind, named) in [
        (json!([]), ScimType::InvalidSyntax, "object"),
        (json!({}), ScimType::InvalidValue, "`userName`"),
        (json!({"userName": null}), ScimType::InvalidValue, "`userName`"),
        (json!({"userName": " "}), ScimType::InvalidValue, "`userName`"),
        (json!({"userName": "a", (CORE): {"userName": "b"}}), ScimType::InvalidValue, "twice"),
        (json!({"userName": "a", (ENTERPRISE): "x"}), ScimType::InvalidValue, ENTERPRISE),
        (json!({"userName": "a", "name.givenName": 1}), ScimType::InvalidValue, "`name.givenName`"),
    ] {
        match create(&Switches::DEFAULT, &types().user, body.clone()) {
            Err(ScimError::BadRequest(found, detail)) => {
                assert_eq!(found, kind, "{body}");
                assert!(detail.contains(named), "{detail}");
            }
            other => panic!("{body}: {other:?}"),
        }
    }
}

// Requirements 9, 55
#[test]
fn the_members_of_a_group_are_rows() {
    for (members, rows) in [
        (json!([{"value": "a", "$ref": null, "display": null}]), vec![row("a", None)]),
        (
            json!([{"value": "a"}, {"VALUE": "a", "type": "user"}, {"value": "b", "type": "Group"}]),
            vec![row("a", Some("User")), row("b", Some("Group"))],
        ),
        (json!({"value": "a"}), vec![row("a", None)]),
        (json!("a"), vec![row("a", None)]),
        (json!(["a", "b"]), vec![row("a", None), row("b", None)]),
        (json!([]), vec![]),
        (json!(null), vec![]),
    ] {
        let group =
            create(&Switches::DEFAULT, &types().group, json!({"displayName": "G", "Members": members})).unwrap();
        assert_eq!(group.rows, Some(rows), "{members}");
        assert_eq!(Value::Object(group.document), json!({"schemas": [GROUP], "displayName": "G"}));
    }
    assert_eq!(create(&Switches::DEFAULT, &types().group, json!({"displayName": "G"})).unwrap().rows, None);
    for members in
        [json!([{"display": "a"}]), json!([{"value": 1}]), json!([1]), json!([{"value": "a", "type": "Robot"}])]
    {
        assert!(
            create(&Switches::DEFAULT, &types().group, json!({"displayName": "G", "members": members})).is_err(),
            "{members}"
        );
    }
}

#[test]
fn members_are_bounded_by_a_limit_of_their_own() {
    let group = |count: usize| {
        let members: Vec<Value> = (0..count).map(|n| json!({"value": n.to_string()})).collect();
        create(&Switches::DEFAULT, &types().group, json!({"displayName": "G", "members": members}))
    };
    assert_eq!(group(2_500).unwrap().rows.unwrap().len(), 2_500);
    assert_eq!(group(limits::MEMBERS_PER_REQUEST + 1).unwrap_err().status(), 413);
}

// Requirement 21
#[test]
fn replacing_clears_what_is_left_out_and_ignores_what_the_server_writes() {
    let current = object(
        json!({"schemas": [CORE, ENTERPRISE], "userName": "a", "title": "T", (ENTERPRISE): {"department": "D"}}),
    );
    let body = json!({"id": "x", "meta": {}, "groups": [{"value": "g"}], "userName": "b", "active": false});
    let put = replace(&Switches::DEFAULT, &types().user, &current, body).unwrap();
    assert_eq!(Value::Object(put.document), json!({"schemas": [CORE], "userName": "b", "active": false}));
    assert!(replace(&Switches::DEFAULT, &types().user, &current, json!({"title": "T"})).is_err());
}

// Requirement 21
#[test]
fn an_immutable_attribute_is_kept_or_set_once_but_never_changed() {
    let mut user = types().user;
    let urn = "urn:example:badge";
    let badge = json!({"id": urn, "name": "Badge", "description": "A badge.", "attributes": [
        {"name": "number", "type": "string", "description": "Its number.", "mutability": "immutable"},
    ]});
    std::sync::Arc::make_mut(&mut user).extend(Schema::from_json(&badge.to_string()).unwrap(), false).unwrap();
    assert_eq!(user.extension(urn).unwrap().schema.attributes[0].mutability, Mutability::Immutable);
    let without = object(json!({"schemas": [CORE], "userName": "a"}));
    let with = object(json!({"schemas": [CORE, urn], "userName": "a", (urn): {"number": "7"}}));
    let same = json!({"userName": "a", (urn): {"number": "7"}});
    assert_eq!(replace(&Switches::DEFAULT, &user, &without, same.clone()).unwrap().document, with);
    assert_eq!(replace(&Switches::DEFAULT, &user, &with, same).unwrap().document, with);
    assert_eq!(replace(&Switches::DEFAULT, &user, &with, json!({"userName": "a"})).unwrap().document, with);
    match replace(&Switches::DEFAULT, &user, &with, json!({"userName": "a", (urn): {"number": "8"}})) {
        Err(ScimError::BadRequest(ScimType::Mutability, detail)) => {
            assert!(detail.contains("urn:example:badge:number"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn putting_back_what_was_read_changes_nothing() {
    let first =
        create(&Switches::DEFAULT, &types().user, json!({"userName": "a", "emails": [{"value": "x"}], "manager": "m"}))
            .unwrap();
    let again =
        replace(&Switches::DEFAULT, &types().user, &first.document, Value::Object(first.document.clone())).unwrap();
    assert_eq!(again, first);
}

#[test]
fn a_document_one_byte_over_the_limit_is_rejected() {
    let frame = "{\"title\":\"\"}".len();
    let document = |bytes: usize| object(json!({"title": "x".repeat(bytes - frame)}));
    assert_eq!(text(&document(limits::DOCUMENT_BYTES)).unwrap().len(), limits::DOCUMENT_BYTES);
    assert!(text(&document(limits::DOCUMENT_BYTES + 1)).is_err());
}
