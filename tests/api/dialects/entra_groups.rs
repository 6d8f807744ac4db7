//! Entra and groups.

use muster::model::Profile;
use serde_json::json;

use super::{ENTRA, GROUP, Provider};
use crate::support::Server;

const ENTRAS_OWN: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

on_both_databases! {
    fn entra_leads_a_group_through_both_dialects(database: &Database) {
        let server = Server::start(database);
        let entra = Provider::over(&server, Profile::Entra, ENTRA);
        let people = entra.users(4);
        let body = json!({ "schemas": [GROUP, ENTRAS_OWN], "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
            "displayName": "displayName", "meta": { "resourceType": "Group" } });
        let group = entra.post("/Groups", &body).expect(201).id();
        let path = format!("/Groups/{group}");
        let found = entra.found("/Groups?excludedAttributes=members&filter=displayName+eq+%22DISPLAYNAME%22");
        assert_eq!(found, [group.as_str()]);
        assert!(entra.get(&format!("{path}?excludedAttributes=members")).expect(200).json().get("members").is_none());

        entra.patch(&path, &json!([{ "op": "Replace", "path": "displayName", "value": "1879db59" }])).expect(204);
        let one = json!([{ "$ref": null, "value": people[0] }]);
        entra.patch(&path, &json!([{ "op": "Add", "path": "members", "value": one }])).expect(204);
        assert_eq!(entra.members(&group), people[..1]);
        let rest = json!([{ "$ref": null, "value": people[1] }, { "$ref": null, "value": people[2] }, { "$ref": null, "value": people[3] }]);
        entra.patch(&path, &json!([{ "op": "Add", "path": "members", "value": rest }])).expect(204);
        let before = entra.get(&path).expect(200);
        entra.patch(&path, &json!([{ "op": "Add", "path": "members", "value": one }])).expect(204);
        assert_eq!(entra.members(&group), people, "adding a member again changes nothing");
        assert_eq!(before.header("ETag"), entra.get(&path).header("ETag"));

        for (first, second) in [("id", "members"), ("members", "id")] {
            for (person, expected) in [(&people[0], 1), (&group, 0)] {
                let value = |name: &str| if name == "id" { group.clone() } else { person.clone() };
                let filter = format!("{first}+eq+%22{}%22+and+{second}+eq+%22{}%22", value(first), value(second));
                let list = entra.get(&format!("/Groups?filter={filter}&attributes=id")).expect(200).json();
                assert_eq!(list["totalResults"], expected, "{filter}");
                assert!(list["Resources"].as_array().unwrap().iter().all(|found| found.get("displayName").is_none()));
            }
        }

        let legacy = json!([{ "op": "Remove", "path": "members", "value": one }]);
        let newer = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", people[1]) }]);
        for removal in [&legacy, &legacy, &newer, &newer] {
            entra.patch(&path, removal).expect(204);
        }
        assert_eq!(entra.members(&group), people[2..], "only those named left");
        let both = json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": people[2] }, { "$ref": null, "value": people[3] }] }]);
        entra.patch(&path, &both).expect(204);
        assert!(entra.members(&group).is_empty());
        entra.delete(&path).expect(204);
        entra.delete(&path).expect_error(404, "");
    }

    fn a_member_entra_names_too_early_is_refused_and_never_a_fault(database: &Database) {
        let server = Server::start(database);
        let entra = Provider::over(&server, Profile::Entra, ENTRA);
        let group = entra.post("/Groups", &json!({ "schemas": [GROUP], "displayName": "G" })).expect(201).id();
        for stranger in ["0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a", "not-an-id", "", "1"] {
            let add = json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": stranger }] }]);
            let answer = entra.patch(&format!("/Groups/{group}"), &add);
            assert_eq!(answer.status, 400, "{stranger}: {}", answer.text);
        }
    }
}
