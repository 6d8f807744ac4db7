//! Entra and people, in its older PATCH dialect, in its newer one, and in both at once.

use muster::model::Profile;
use serde_json::{Value, json};

use super::{ENTERPRISE, ENTRA, Provider, USER};
use crate::support::{Answer, Server};

/// Identifiers Entra makes up to see whether nobody is found.
const PROBES: [&str; 2] = ["cf4d78e8-cc4f-4d5d-b8b9-183561c0104a", "aa34ba1b-1744-4ac1-8ab6-bcd5a2b9a9d1"];

fn entra(server: &Server) -> Provider {
    Provider::over(server, Profile::Entra, ENTRA)
}

fn new_user() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "Test_User_ab6490ee-1e48-479e-a20b-2d77186b5dd1", "active": "True", "displayName": "lennay",
        "emails": [{ "primary": true, "type": "work", "value": "fake@example.com" }],
        "meta": { "resourceType": "User" }, "name": { "formatted": "Given Family", "familyName": "Family", "givenName": "Given" },
        "roles": [], "addresses": null, "phoneNumbers": null, "preferredLanguage": null, "title": null,
        "department": null, "manager": null,
    })
}

fn made(entra: &Provider) -> String {
    format!("/Users/{}", entra.post("/Users", &new_user()).expect(201).id())
}

fn legacy(display: &str, email: &str, number: &str, active: &str) -> Value {
    json!([
        { "op": "Replace", "path": "displayName", "value": display },
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": email },
        { "op": "Add", "path": "name.givenName", "value": "G" },
        { "op": "Add", "path": format!("{ENTERPRISE}:employeeNumber"), "value": number },
        { "op": "Replace", "path": "active", "value": active },
    ])
}

fn compliant(display: &str, email: &str, number: &str, active: bool) -> Value {
    json!([
        { "op": "replace", "path": "emails[type eq \"work\"].value", "value": email },
        { "op": "replace", "value": { "displayName": display, "name.givenName": "G", "name.familyName": "F",
            (format!("{ENTERPRISE}:employeeNumber")): number } },
        { "op": "replace", "path": "active", "value": active },
    ])
}

fn assert_changed(answer: &Answer, display: &str, email: &str, number: &str, active: bool) {
    let user = answer.clone().expect(200).json();
    assert_eq!(user["displayName"], display);
    assert_eq!(user["emails"], json!([{ "primary": true, "type": "work", "value": email }]));
    assert_eq!(user["name"]["givenName"], "G");
    assert_eq!(user[ENTERPRISE]["employeeNumber"], number);
    assert_eq!(user["active"], active);
}

on_both_databases! {
    fn entra_tests_the_connection_by_looking_for_nobody(database: &Database) {
        let server = Server::start(database);
        let entra = entra(&server);
        for probe in PROBES {
            for path in [
                format!("/Users?filter=userName+eq+%22{probe}%22"),
                format!("/Users?filter=externalId+eq+%22{probe}%22"),
                format!("/Users?aadOptscim062020&filter=userName+eq+%22{probe}%22"),
                format!("/Groups?excludedAttributes=members&filter=displayName+eq+%22{probe}%22"),
            ] {
                assert!(entra.found(&path).is_empty(), "{path}");
            }
        }
        assert_eq!(entra.get("/Schemas").expect(200).json()["totalResults"], 3);
    }

    fn entra_leads_a_person_through_its_older_dialect(database: &Database) {
        let server = Server::start(database);
        let entra = entra(&server);
        let path = made(&entra);
        assert_changed(&entra.patch(&path, &legacy("Pvlo", "New@Example.com", "7", "False")), "Pvlo", "New@Example.com", "7", false);
        assert_changed(&entra.patch(&path, &legacy("Pvlo", "New@Example.com", "8", "True")), "Pvlo", "New@Example.com", "8", true);
        let found = entra.found("/Users?filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22new%40example.com%22");
        assert_eq!(found.len(), 1);
        let removed = json!([{ "op": "Remove", "path": "displayName" }, { "op": "Remove", "path": format!("{ENTERPRISE}:employeeNumber") }]);
        let user = entra.patch(&path, &removed).expect(200).json();
        assert!(user.get("displayName").is_none() && user.get(ENTERPRISE).is_none(), "{user}");
    }

    fn entra_leads_a_person_through_its_newer_dialect(database: &Database) {
        let server = Server::start(database);
        let entra = entra(&server);
        let path = format!("{}?aadOptscim062020", made(&entra));
        assert_changed(&entra.patch(&path, &compliant("Bjfe", "a@x", "Aklq", false)), "Bjfe", "a@x", "Aklq", false);
        assert_changed(&entra.patch(&path, &compliant("Bjfe", "b@x", "Aklq", true)), "Bjfe", "b@x", "Aklq", true);
    }

    fn entra_mixes_both_dialects_on_one_person(database: &Database) {
        let server = Server::start(database);
        let entra = entra(&server);
        let path = made(&entra);
        for round in 0..2 {
            let (one, two) = (format!("1{round}"), format!("2{round}"));
            assert_changed(&entra.patch(&path, &legacy("One", "one@x", &one, "False")), "One", "one@x", &one, false);
            assert_changed(&entra.patch(&path, &compliant("Two", "two@x", &two, true)), "Two", "two@x", &two, true);
        }
    }

    fn entra_adds_an_address_that_is_absent_and_removes_it_by_its_value(database: &Database) {
        let server = Server::start(database);
        let entra = entra(&server);
        let mut without = new_user();
        without["emails"] = Value::Null;
        let path = format!("/Users/{}", entra.post("/Users", &without).expect(201).id());
        let work = "emails[type eq \"work\"].value";
        for verb in ["Add", "Replace"] {
            let added = entra.patch(&path, &json!([{ "op": verb, "path": work, "value": "n@x" }])).expect(200).json();
            assert_eq!(added["emails"], json!([{ "type": "work", "value": "n@x" }]));
            let removed = entra.patch(&path, &json!([{ "op": "Remove", "path": work, "value": "n@x" }])).expect(200).json();
            assert!(removed.get("emails").is_none(), "{removed}");
        }
    }

    fn a_manager_is_an_object_however_entra_sends_it(database: &Database) {
        let server = Server::start(database);
        let entra = entra(&server);
        let path = made(&entra);
        let manager = entra.users(1).remove(0);
        let urn = format!("{ENTERPRISE}:manager");
        for operation in [
            json!({ "op": "Add", "path": urn, "value": manager }),
            json!({ "op": "Add", "path": "manager", "value": [{ "$ref": format!("http://x/Users/{manager}"), "value": manager }] }),
            json!({ "op": "Replace", "path": urn, "value": { "value": manager, "$ref": null } }),
            json!({ "op": "replace", "value": { (ENTERPRISE): { "manager": manager } } }),
        ] {
            let user = entra.patch(&path, &json!([operation])).expect(200).json();
            assert_eq!(user[ENTERPRISE]["manager"]["value"], json!(manager), "{operation}");
            let id = path.strip_prefix("/Users/").unwrap();
            for (one, other) in [(format!("id eq \"{id}\""), format!("manager eq \"{manager}\"")), (format!("manager eq \"{manager}\""), format!("id eq \"{id}\""))] {
                let filter = format!("{one} and {other}").replace(' ', "+").replace('"', "%22");
                let list = entra.get(&format!("/Users?filter={filter}&attributes=id")).expect(200).json();
                assert_eq!(list["Resources"], json!([{ "id": id, "schemas": [USER, ENTERPRISE] }]), "{filter}");
            }
            let removed = entra.patch(&path, &json!([{ "op": "Remove", "path": urn }])).expect(200).json();
            assert!(removed.get(ENTERPRISE).is_none(), "{removed}");
        }
        let mut posted = new_user();
        posted["userName"] = json!("with manager");
        posted[ENTERPRISE] = json!({ "manager": manager });
        assert_eq!(entra.post("/Users", &posted).expect(201).json()[ENTERPRISE]["manager"]["value"], json!(manager));
    }

    fn entras_roles_come_in_every_form(database: &Database) {
        let server = Server::start(database);
        let entra = entra(&server);
        let path = made(&entra);
        let roles = |operation: Value| entra.patch(&path, &json!([operation])).expect(200).json()["roles"].clone();
        let single = "roles[primary eq \"True\"].value";
        assert_eq!(roles(json!({ "op": "Add", "path": single, "value": "Admin" })), json!([{ "primary": true, "value": "Admin" }]));
        assert_eq!(roles(json!({ "op": "Replace", "path": single, "value": "User" })), json!([{ "primary": true, "value": "User" }]));
        let asserted = json!([
            { "primary": false, "type": "WindowsAzureActiveDirectoryRole", "display": "User", "value": "User" },
            { "primary": false, "type": "WindowsAzureActiveDirectoryRole", "display": "Admin", "value": "Admin" },
        ]);
        assert_eq!(roles(json!({ "op": "replace", "path": "roles", "value": asserted })), asserted);
        roles(json!({ "op": "Remove", "path": "roles" }));
        let packed = "{\"id\":\"06b07648\",\"value\":\"25\",\"displayName\":\"Role1234\"}";
        let unpacked = roles(json!({ "op": "Add", "path": "roles", "value": [{ "value": packed }] }));
        assert_eq!(unpacked, json!([{ "display": "Role1234", "value": "25" }]));
    }

    fn values_come_back_exactly_as_entra_sent_them(database: &Database) {
        let server = Server::start(database);
        let entra = entra(&server);
        let mut user = new_user();
        user["phoneNumbers"] = json!([{ "type": "work", "value": "+49 (0) 30 / 12-34  x5" }]);
        user["emails"] = json!([{ "type": "work", "primary": true, "value": "MiXed.Case+tag@Example.COM" }]);
        user["displayName"] = json!("  two  spaces  Zoë\u{301} 'q' \"d\" \\ / ");
        user["addresses"] = json!([{ "type": "work", "streetAddress": "1 Road\nFloor 2", "postalCode": "00123" }]);
        user["title"] = json!("𝔘nicode \u{200d}👩‍🚀");
        let path = format!("/Users/{}", entra.post("/Users", &user).expect(201).id());
        let read = entra.get(&path).expect(200).json();
        for name in ["externalId", "userName", "phoneNumbers", "emails", "displayName", "addresses", "title", "name"] {
            assert_eq!(read[name], user[name], "{name}");
        }
    }

    fn nulls_everywhere_are_nothing_at_all(database: &Database) {
        let server = Server::start(database);
        let entra = entra(&server);
        let mut user = json!({ "schemas": [USER, ENTERPRISE], "userName": "nobody" });
        for name in ["externalId", "displayName", "nickName", "name", "emails", "roles", "addresses", "phoneNumbers", "active",
            "title", "meta", "id", "groups", "password", "photos", "locale", ENTERPRISE] {
            user[name] = Value::Null;
        }
        user["name"] = json!({ "givenName": null, "familyName": null });
        user["emails"] = json!([{ "value": null, "type": null }, null]);
        let made = entra.post("/Users", &user).expect(201).json();
        let mut names: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["active", "groups", "id", "meta", "schemas", "userName"], "{made}");
    }

    fn a_soft_deleted_person_stays_until_it_is_deleted_for_good(database: &Database) {
        let server = Server::start(database);
        let entra = entra(&server);
        let path = made(&entra);
        let id = path.strip_prefix("/Users/").unwrap().to_owned();
        let group = json!({ "schemas": [super::GROUP], "displayName": "G", "members": [{ "value": id }] });
        let group = entra.post("/Groups", &group).expect(201).id();
        let switch = |active: &str| {
            entra.patch(&path, &json!([{ "op": "Replace", "path": "active", "value": active }])).expect(200);
        };
        switch("False");
        assert_eq!(entra.get(&path).expect(200).json()["active"], false);
        assert_eq!(entra.members(&group), [id.as_str()], "membership is not sent again when the person comes back");
        switch("True");
        assert_eq!(entra.members(&group), [id.as_str()]);
        switch("False");
        entra.delete(&path).expect(204);
        entra.delete(&path).expect_error(404, "");
        entra.get(&path).expect_error(404, "");
        assert!(entra.members(&group).is_empty());
    }

    fn entra_pulls_people_by_when_they_last_changed(database: &Database) {
        let server = Server::start(database);
        let entra = entra(&server);
        let id = made(&entra).strip_prefix("/Users/").unwrap().to_owned();
        for path in [
            "/Users?count=1".to_owned(),
            format!("/Users?filter=id%20eq%20%22{id}%22"),
            "/Users?filter=active%20eq%20true%20and%20(meta.lastModified%20ge%20%220001-01-03T00%3A00%3A00.0000000Z%22%20and%20meta.lastModified%20le%20%222999-01-01T00%3A00%3A00.0000000Z%22)&count=5&startIndex=1".to_owned(),
            "/Users?startindex=0&filter=(ActiVe%20eq%20true)%20and%20meta.lastmodified%20ge%20%222020-01-01T00%3A00%3A00Z%22".to_owned(),
        ] {
            assert_eq!(entra.found(&path), [id.as_str()], "{path}");
        }
        assert!(entra.found("/Users?filter=meta.lastModified%20lt%20%222020-01-01T00%3A00%3A00Z%22").is_empty());
        let dotted = json!([{ "op": "Add", "path": format!("{ENTERPRISE}.manager"), "value": "271" }]);
        let user = entra.patch(&format!("/Users/{id}"), &dotted).expect(200).json();
        assert_eq!(user[ENTERPRISE]["manager"]["value"], "271");
    }
}
