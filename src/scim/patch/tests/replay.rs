//! What Okta, Entra and others send, body for body.

use serde_json::json;

use super::*;
use crate::scim::resource::create;

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A user made from `start`, changed by each of the bodies in turn.
fn replay(start: Value, bodies: &[Value]) -> Value {
    let user = types().user;
    let mut document = create(&Switches::DEFAULT, &user, start).unwrap().document;
    for body in bodies {
        let operations = parse(&Switches::DEFAULT, json!({"schemas": [PATCH], "Operations": body})).unwrap();
        document = apply(&Switches::DEFAULT, &user, &document, &operations)
            .unwrap_or_else(|error| panic!("{body}: {error}"))
            .document;
    }
    Value::Object(document)
}

fn okta() -> Value {
    json!({
        "schemas": [CORE], "userName": "test.user@okta.local", "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work"}], "displayName": "Test User",
        "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7", "groups": [], "password": "1mz050nq", "active": true,
    })
}

fn entra() -> Value {
    json!({
        "schemas": [CORE, ENTERPRISE], "externalId": "0a21f0f2", "userName": "Test_User", "active": true,
        "displayName": "lennay", "emails": [{"primary": true, "type": "work", "value": "a@x"}],
        "meta": {"resourceType": "User"}, "name": {"formatted": "A B", "familyName": "B", "givenName": "A"}, "roles": [],
        "addresses": null, "phoneNumbers": null, "title": null, "department": null, "manager": null,
    })
}

// Requirements 51, 52
#[test]
fn okta_deactivates_and_reactivates_without_a_path() {
    let before = replay(okta(), &[]);
    let off = replay(okta(), &[json!([{"op": "replace", "value": {"active": false}}])]);
    assert_eq!(off["active"], json!(false));
    let on = json!([{"op": "replace", "value": {"active": true}}]);
    assert_eq!(replay(okta(), &[json!([{"op": "replace", "value": {"active": false}}]), on]), before);
}

// Requirements 51, 52, 54
#[test]
fn okta_renames_a_group_with_its_id_and_changes_members_in_one_request() {
    let group =
        create(&Switches::DEFAULT, &types().group, json!({"displayName": "Old", "members": []})).unwrap().document;
    let operations = json!([
        {"op": "replace", "value": {"id": "abf4dd94", "displayName": "Test SCIMv2"}},
        {"op": "remove", "path": "members[value eq \"89bb1940\"]"},
        {"op": "add", "path": "members", "value": [{"value": "23a35c27", "display": "test.user@okta.local"}]},
    ]);
    let patched =
        apply(&Switches::DEFAULT, &types().group, &group, &parse(&Switches::DEFAULT, operations).unwrap()).unwrap();
    assert_eq!(patched.document["displayName"], "Test SCIMv2");
    assert!(patched.changed);
    assert_eq!(
        patched.rows,
        vec![
            RowsChange::Remove(vec!["89bb1940".into()]),
            RowsChange::Add(vec![Row { value: "23a35c27".into(), kind: None }]),
        ]
    );
}

// Requirements 14, 45, 48, 51
#[test]
fn entras_two_dialects_lead_to_the_same_user() {
    let number = format!("{ENTERPRISE}:employeeNumber");
    let legacy = json!([
        {"op": "Replace", "path": "displayName", "value": "Pvlo"},
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "x@y"},
        {"op": "Add", "path": "name.givenName", "value": "G"},
        {"op": "Replace", "path": number, "value": "7"},
        {"op": "Replace", "path": "active", "value": "False"},
    ]);
    let compliant = json!([
        {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x@y"},
        {"op": "replace", "value": {"displayName": "Pvlo", "name.givenName": "G", (number): "7"}},
        {"op": "replace", "path": "active", "value": false},
    ]);
    let changed = replay(entra(), std::slice::from_ref(&legacy));
    assert_eq!(
        changed,
        json!({
            "schemas": [CORE, ENTERPRISE], "externalId": "0a21f0f2", "userName": "Test_User", "active": false,
            "displayName": "Pvlo", "emails": [{"primary": true, "type": "work", "value": "x@y"}],
            "name": {"formatted": "A B", "familyName": "B", "givenName": "G"}, (ENTERPRISE): {"employeeNumber": "7"},
        })
    );
    assert_eq!(replay(entra(), std::slice::from_ref(&compliant)), changed);
    assert_eq!(replay(entra(), &[legacy, compliant]), changed);
}

// Requirement 48
#[test]
fn entra_adds_an_email_that_is_absent_and_removes_it_with_its_value() {
    let mut without = entra();
    without["emails"] = json!(null);
    let path = "emails[type eq \"work\"].value";
    let made = json!([{"type": "work", "value": "n@x"}]);
    for verb in ["Add", "Replace"] {
        let added = json!([{"op": verb, "path": path, "value": "n@x"}]);
        assert_eq!(replay(without.clone(), std::slice::from_ref(&added))["emails"], made);
        let removed = json!([{"op": "Remove", "path": path, "value": "n@x"}]);
        assert_eq!(replay(without.clone(), &[added, removed]).get("emails"), None);
    }
    let several = json!([
        {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1"},
        {"op": "Add", "path": "phoneNumbers[type eq \"fax\"].value", "value": "2"},
        {"op": "Add", "path": "addresses[type eq \"work\"].postalCode", "value": "3"},
        {"op": "Add", "path": "addresses[type eq \"work\"].streetAddress", "value": "4"},
    ]);
    let user = replay(without, &[several]);
    assert_eq!(user["phoneNumbers"], json!([{"type": "mobile", "value": "1"}, {"type": "fax", "value": "2"}]));
    assert_eq!(user["addresses"], json!([{"type": "work", "postalCode": "3", "streetAddress": "4"}]));
}

// Requirement 55
#[test]
fn entras_manager_is_an_object_however_it_is_sent() {
    let path = format!("{ENTERPRISE}:manager");
    let reference = "http://x/Users/271";
    for (operation, manager) in [
        (op("Add", &path, json!("271")), json!({"value": "271"})),
        (
            op("Add", "manager", json!([{"$ref": reference, "value": "271"}])),
            json!({"$ref": reference, "value": "271"}),
        ),
        (op("Replace", &path, json!({"value": "271", "$ref": null})), json!({"value": "271"})),
        (op("Replace", &format!("{path}.value"), json!("271")), json!({"value": "271"})),
        (op("replace", &format!("{ENTERPRISE}.manager"), json!("271")), json!({"value": "271"})),
        (json!({"op": "replace", "value": {(ENTERPRISE): {"manager": "271"}}}), json!({"value": "271"})),
        (json!({"op": "add", "value": {(path.clone()): "271"}}), json!({"value": "271"})),
    ] {
        let user = replay(entra(), &[json!([operation])]);
        assert_eq!(user[ENTERPRISE]["manager"], manager, "{operation}");
        let removed = replay(entra(), &[json!([operation]), json!([{"op": "Remove", "path": path}])]);
        assert_eq!(removed, replay(entra(), &[]), "{operation}");
    }
}

#[test]
fn entras_roles_are_understood_in_all_their_forms() {
    let packed = "{\"id\":\"06b07648\",\"value\":\"25\",\"displayName\":\"Role1234\"}";
    let unpacked = json!([{"display": "Role1234", "value": "25"}]);
    let role = |name: &str, display: &str| json!({"primary": false, "type": "WindowsAzureActiveDirectoryRole", display: name, "value": name});
    let path = "roles[primary eq \"True\"].value";
    let user = |bodies: &[Value]| replay(entra(), bodies)["roles"].clone();
    let added = json!([{"op": "Add", "path": "roles", "value": [{"value": packed}]}]);
    assert_eq!(user(std::slice::from_ref(&added)), unpacked);
    assert_eq!(user(&[added.clone(), added.clone()]), unpacked);
    let asserted =
        json!([{"op": "replace", "path": "roles", "value": [role("User", "displayName"), role("Admin", "display")]}]);
    assert_eq!(user(&[added, asserted]), json!([role("User", "display"), role("Admin", "display")]));
    let single = |name: &str| json!([{"op": "Replace", "path": path, "value": name}]);
    assert_eq!(user(&[single("Admin")]), json!([{"primary": true, "value": "Admin"}]));
    assert_eq!(user(&[single("Admin"), single("User")]), json!([{"primary": true, "value": "User"}]));
    assert_eq!(user(&[single(packed)]), json!([{"primary": true, "display": "Role1234", "value": "25"}]));
    let mut posted = entra();
    posted["roles"] = json!([{"primary": "True", "type": "WindowsAzureActiveDirectoryRole", "value": "Admin"}]);
    let role = json!([{"primary": true, "type": "WindowsAzureActiveDirectoryRole", "value": "User"}]);
    assert_eq!(replay(posted, &[single("User")])["roles"], role);
}

#[test]
fn entra_keeps_what_it_does_not_mention_when_it_disables_and_restores() {
    let off = json!([{"op": "Replace", "path": "active", "value": "False"}]);
    let on = json!([{"op": "Replace", "path": "active", "value": "True"}]);
    assert_eq!(replay(entra(), &[off, on]), replay(entra(), &[]));
}

#[test]
fn others_deactivate_in_ways_of_their_own() {
    for operation in [
        json!({"op": "add", "value": {"active": false}}),
        json!({"op": "replace", "path": "active", "value": "false"}),
        json!({"op": "replace", "value": {"Active": "FALSE"}}),
        json!({"op": "replace", "path": "ActiVe", "value": false}),
    ] {
        assert_eq!(replay(okta(), &[json!([operation])])["active"], json!(false), "{operation}");
    }
}

#[test]
fn rauthy_clears_an_external_id_with_null() {
    let group =
        create(&Switches::DEFAULT, &types().group, json!({"displayName": "G", "externalId": "e"})).unwrap().document;
    let operations = parse(
        &Switches::DEFAULT,
        json!({"Operations": [{"op": "replace", "value": {"displayName": "H", "externalId": null}}]}),
    );
    let patched = apply(&Switches::DEFAULT, &types().group, &group, &operations.unwrap()).unwrap().document;
    assert_eq!((&patched["displayName"], patched.get("externalId")), (&json!("H"), None));
}
