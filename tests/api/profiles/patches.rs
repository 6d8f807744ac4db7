//! What a PATCH may say, and what it then means.

use muster::scim::patch;
use serde_json::{Value, json};

use super::{decide, each_profile};
use crate::support::{Client, USER};

/// A user with two addresses; its path.
fn barbara(client: &Client, user_name: &str) -> String {
    let emails = json!([{ "type": "work", "value": "b@work" }, { "type": "home", "value": "b@home" }]);
    let user = json!({ "schemas": [USER], "userName": user_name, "emails": emails,
        "name": { "givenName": "Barbara", "familyName": "Jensen" } });
    format!("/Users/{}", client.post("/Users", &user).expect(201).id())
}

/// One operation on a new Barbara; what is there afterwards, or null if it is refused.
#[track_caller]
fn patched(client: &Client, operation: &Value, taken: bool, scim_type: &str) -> Value {
    let count = client.get("/Users?count=0").expect(200).json()["totalResults"].clone();
    let path = barbara(client, &format!("barbara {count}"));
    let before = client.get(&path).expect(200).text;
    decide(client.patch(&path, &json!([operation])), taken, scim_type);
    let after = client.get(&path).expect(200);
    if taken {
        return after.json();
    }
    assert_eq!(after.text, before, "a refusal changes nothing");
    Value::Null
}

// Requirements 45, 51, 52
on_both_databases! {
    fn the_message_is_read_as_the_profile_reads_it(database: &Database) {
        each_profile(database, |switches, client| {
            let operation = json!({ "op": "Replace", "path": "title", "value": "x" });
            patched(client, &operation, switches.operations_in_any_case, "invalidSyntax");
            let list = patch::parse(switches, json!([{ "op": "replace", "path": "title", "value": "x" }]));
            assert_eq!(list.is_ok(), switches.operations_without_message);
            let operation = json!({ "op": "replace", "path": " ", "value": { "title": "x" } });
            patched(client, &operation, switches.empty_paths, "invalidPath");
        });
    }

    fn an_operation_without_a_path_is_merged_or_refused(database: &Database) {
        each_profile(database, |switches, client| {
            let taken = switches.operations_without_path;
            for verb in ["add", "replace"] {
                let operation = json!({ "op": verb, "value": { "title": "x" } });
                let after = patched(client, &operation, taken, "invalidSyntax");
                assert!(!taken || (after["title"] == "x" && after["name"]["familyName"] == "Jensen"));
            }
            if taken {
                let operation = json!({ "op": "replace", "value": { "id": "x", "groups": [], "title": "x" } });
                patched(client, &operation, switches.read_only_values_ignored, "mutability");
            }
        });
    }
}

// Requirements 48, 50, 54, 58
on_both_databases! {
    fn removal_may_name_values_or_must_choose_them_by_a_filter(database: &Database) {
        each_profile(database, |switches, client| {
            let (ada, bob) = (client.create_user("ada"), client.create_user("bob"));
            let path = format!("/Groups/{}", client.create_group("G", &[&ada, &bob]));
            let named = json!([{ "op": "remove", "path": "members", "value": [{ "value": ada }] }]);
            decide(client.patch(&path, &named), switches.removal_of_named_values, "invalidValue");
            let chosen = json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]);
            decide(client.patch(&path, &chosen), true, "");
            let members = client.get(&path).expect(200).json()["members"].clone();
            assert_eq!((members.as_array().unwrap().len(), &members[0]["value"]), (1, &json!(bob)));
        });
    }

    fn a_value_filter_that_matches_nothing_makes_the_value_or_has_no_target(database: &Database) {
        each_profile(database, |switches, client| {
            for verb in ["add", "replace"] {
                let operation = json!({ "op": verb, "path": "emails[type eq \"other\"].value", "value": "o@x" });
                let after = patched(client, &operation, switches.missing_values_made, "noTarget");
                assert!(!switches.missing_values_made || after["emails"][2] == json!({ "type": "other", "value": "o@x" }));
            }
            let operation = json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "n@x" });
            assert_eq!(patched(client, &operation, true, "")["emails"][0]["value"], "n@x");
            let path = format!("/Groups/{}", client.create_group("G", &[]));
            let add = json!([{ "op": "add", "path": format!("members[value eq \"{}\"]", client.create_user("ada")),
                "value": {} }]);
            decide(client.patch(&path, &add), switches.missing_values_made, "noTarget");
        });
    }

    fn a_value_filter_may_match_several_values_or_one(database: &Database) {
        each_profile(database, |switches, client| {
            let operation = json!({ "op": "add", "path": "emails[value pr].display", "value": "d" });
            let after = patched(client, &operation, switches.several_targets, "invalidFilter");
            assert!(!switches.several_targets || after["emails"][1]["display"] == "d");
        });
    }

    fn whole_values_are_targets_or_a_sub_attribute_must_follow(database: &Database) {
        each_profile(database, |switches, client| {
            let operation = json!({ "op": "remove", "path": "emails[type eq \"work\"]" });
            let after = patched(client, &operation, switches.whole_values_as_targets, "invalidPath");
            assert!(!switches.whole_values_as_targets || after["emails"][0]["type"] == "home");
        });
    }

    fn replacing_a_complex_attribute_keeps_the_rest_or_replaces_the_whole(database: &Database) {
        each_profile(database, |switches, client| {
            let operation = |verb: &str| json!({ "op": verb, "path": "name", "value": { "givenName": "B" } });
            let after = patched(client, &operation("replace"), true, "");
            assert_eq!(after["name"]["givenName"], "B");
            assert_eq!(after["name"].get("familyName").is_some(), switches.replace_keeps_the_rest);
            assert_eq!(patched(client, &operation("add"), true, "")["name"]["familyName"], "Jensen");
        });
    }
}
