//! What resources look like to clients.

use serde_json::{Value, json};

use crate::support::{ENTERPRISE, GROUP, Server, USER, group, user};

// Requirements 1, 2
on_both_databases! {
    fn an_extension_is_named_while_it_holds_a_value_and_names_come_back_in_the_schemas_spelling(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let body = json!({ "SCHEMAS": [USER.to_uppercase()], "USERNAME": "ada", "Name": { "GIVENNAME": "Ada" },
            ENTERPRISE.to_uppercase(): { "Department": "Engines" } });
        let created = client.post("/Users", &body).expect(201).json();
        assert_eq!(created["schemas"], json!([USER, ENTERPRISE]));
        assert_eq!(created["name"]["givenName"], "Ada");
        assert_eq!(created[ENTERPRISE], json!({ "department": "Engines" }));
        let path = format!("/Users/{}", created["id"].as_str().unwrap());

        for filter in
            ["NAME.GivenName eq \"Ada\"".to_owned(), format!("{}:DEPARTMENT eq \"engines\"", ENTERPRISE.to_uppercase())]
        {
            assert_eq!(client.found("/Users", &filter).len(), 1, "{filter}");
        }
        let projected = client.get(&format!("{path}?attributes=NAME.givenname")).expect(200).json();
        assert_eq!(projected["name"], json!({ "givenName": "Ada" }));

        let remove = json!([{ "op": "remove", "path": format!("{ENTERPRISE}:DEPARTMENT") }]);
        let without = client.patch(&path, &remove).expect(200).json();
        assert_eq!(without["schemas"], json!([USER]));
        assert_eq!(without[ENTERPRISE], Value::Null);
        let add = json!([{ "op": "add", "path": format!("{ENTERPRISE}:employeeNumber"), "value": "7" }]);
        let with = client.patch(&path, &add).expect(200).json();
        assert_eq!(with["schemas"], json!([USER, ENTERPRISE]));
    }
}

// Requirements 3, 4
on_both_databases! {
    fn ids_are_the_servers_and_external_ids_the_clients(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let wanted = "00000000-0000-7000-8000-000000000001";
        let mut body = user("ada");
        body["id"] = json!(wanted);
        body["externalId"] = json!("X-1");
        let ada = client.post("/Users", &body).expect(201).id();
        assert_ne!(ada, wanted);
        assert!(!ada.contains("bulkId"));
        assert_eq!(client.put(&format!("/Users/{ada}"), &body).expect(200).id(), ada);
        client.get(&format!("/Users/{wanted}")).expect_error(404, "");
        client.get(&format!("/Users/{}", ada.to_uppercase())).expect_error(404, "");
        assert!(client.found("/Users", &format!("id eq \"{}\"", ada.to_uppercase())).is_empty());

        body["userName"] = json!("bob");
        let bob = client.post("/Users", &body).expect(201).id();
        assert_eq!(client.found("/Users", "externalId eq \"X-1\""), [ada.clone(), bob]);
        assert!(client.found("/Users", "externalId eq \"x-1\"").is_empty());

        client.delete(&format!("/Users/{ada}")).expect(204);
        assert_ne!(client.create_user("ada"), ada);
        client.get(&format!("/Users/{ada}")).expect_error(404, "");
    }
}

// Requirement 5
on_both_databases! {
    fn meta_is_the_servers(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let mut body = user("ada");
        body["meta"] = json!({ "resourceType": "Robot", "created": "1999-01-01T00:00:00Z", "version": "W/\"9\"" });
        let created = client.post("/Users", &body).expect(201);
        let meta = created.json()["meta"].clone();
        assert_eq!(meta["resourceType"], "User");
        assert_eq!(meta["created"], meta["lastModified"]);
        assert_eq!(meta["version"], created.header("ETag"));
        let path = format!("/Users/{}", created.id());
        assert_eq!(meta["location"], format!("{}/scim/v2{path}", server.url));

        body["title"] = json!("Countess");
        let changed = client.put(&path, &body).expect(200).json()["meta"].clone();
        assert_eq!(changed["created"], meta["created"]);
        assert!(changed["lastModified"].as_str() > meta["lastModified"].as_str());
        assert_ne!(changed["version"], meta["version"]);
    }
}

// Requirement 6
on_both_databases! {
    fn moments_are_compared_in_time_whatever_their_offset_and_fractions(database: &Database) {
        let start = muster::model::Moment::from_micros(1_774_969_200_500_000); // 2026-03-31T15:00:00.5Z
        let server = Server::start_at(database, 0, muster::clock::Clock::manual(start));
        let client = server.organization("acme").client;
        client.create_user("ada");
        for (filter, matches) in [
            ("meta.created eq \"2026-03-31T15:00:00.5Z\"", 1),
            ("meta.created eq \"2026-03-31T17:00:00.500000+02:00\"", 1),
            ("meta.lastModified gt \"2026-03-31T16:59:59+02:00\"", 1),
            ("meta.lastModified lt \"2026-03-31T16:00:01+02:00\"", 0),
            ("meta.lastModified lt \"2026-03-31T10:00:01-05:00\"", 1),
            ("meta.lastModified ge \"2026-03-31T15:00:00.51Z\"", 0),
        ] {
            assert_eq!(client.found("/Users", filter).len(), matches, "{filter}");
        }
    }
}

// Requirements 7, 36
on_both_databases! {
    fn null_the_empty_list_and_absence_are_the_same(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let mut full = user("ada");
        full["title"] = json!("Countess");
        full["roles"] = json!([{ "value": "author" }]);
        full["name"] = json!({ "givenName": "Ada" });
        let path = format!("/Users/{}", client.post("/Users", &full).expect(201).id());
        for (title, roles, name) in [
            (json!(null), json!([]), json!(null)),
            (json!(null), json!(null), json!({ "givenName": null })),
            (json!(null), json!([null]), json!({})),
        ] {
            assert_eq!(client.put(&path, &full).expect(200).json()["roles"][0]["value"], "author");
            assert_eq!(client.found("/Users", "title pr and roles pr and name pr").len(), 1);
            let mut empty = user("ada");
            (empty["title"], empty["roles"], empty["name"]) = (title, roles, name);
            let answer = client.put(&path, &empty).expect(200).json();
            for attribute in ["title", "roles", "name"] {
                assert!(answer.get(attribute).is_none(), "{attribute} in {answer} after {empty}");
                assert!(client.found("/Users", &format!("{attribute} pr")).is_empty(), "{attribute} after {empty}");
            }
        }
    }
}

// Requirements 8, 9
on_both_databases! {
    fn one_value_is_primary_and_none_comes_twice(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let mut body = user("ada");
        body["emails"] = json!([{ "value": "a@x.io", "primary": true }, { "value": "b@x.io", "primary": true }]);
        client.post("/Users", &body).expect_error(400, "invalidValue");
        body["emails"] = json!([
            { "value": "a@x.io", "type": "work", "primary": true },
            { "value": "b@x.io", "type": "home" },
            { "value": "a@x.io", "type": "work" },
        ]);
        let created = client.post("/Users", &body).expect(201).json();
        assert_eq!(created["emails"].as_array().unwrap().len(), 2, "{created}");
        let path = format!("/Users/{}", created["id"].as_str().unwrap());
        let flip = json!([{ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true }]);
        let emails = client.patch(&path, &flip).expect(200).json()["emails"].clone();
        let primary: Vec<&Value> = emails.as_array().unwrap().iter().filter(|e| e["primary"] == true).collect();
        assert_eq!(primary.len(), 1, "{emails}");
        assert_eq!(primary[0]["value"], "b@x.io");
    }
}

// Requirements 10, 67
on_both_databases! {
    fn a_password_is_taken_thrown_away_and_nowhere_to_be_seen(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = &organization.client;
        let mut body = user("ada");
        body["password"] = json!("tr0ub4dor&3");
        let created = client.post("/Users", &body).expect(201);
        let path = format!("/Users/{}", created.id());
        let operations = json!([{ "op": "replace", "path": "password", "value": "tr0ub4dor&3" }]);
        let answers = [
            created.text.clone(),
            client.get(&path).expect(200).text,
            client.get(&format!("{path}?attributes=password,userName")).expect(200).text,
            client.put(&path, &body).expect(200).text,
            client.patch(&path, &operations).expect(200).text,
            client.get("/Users").expect(200).text,
        ];
        for answer in answers {
            assert!(!answer.contains("password") && !answer.contains("tr0ub4dor"), "{answer}");
        }
        client.filter("/Users", "password eq \"tr0ub4dor&3\"").expect_error(400, "invalidFilter");
        let configuration = client.get("/ServiceProviderConfig").expect(200).json();
        assert_eq!(configuration["changePassword"]["supported"], false);
        let stored =
            server.database.read(|tx| muster::db::users::by_id(tx, organization.id, created.id().parse().unwrap()));
        assert!(!stored.unwrap().unwrap().document.contains("tr0ub4dor"));
    }
}

// Requirements 11, 20, 22
on_both_databases! {
    fn a_user_name_is_unique_under_the_rule_it_is_found_by(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let strasse = client.create_user("Straße@Example.com");
        let bob = client.create_user("bob");
        for spelling in ["strasse@example.com", "STRASSE@EXAMPLE.COM", "ｓtraße@example.com"] {
            client.post("/Users", &user(spelling)).expect_error(409, "uniqueness");
            client.put(&format!("/Users/{bob}"), &user(spelling)).expect_error(409, "uniqueness");
            let rename = json!([{ "op": "replace", "path": "userName", "value": spelling }]);
            client.patch(&format!("/Users/{bob}"), &rename).expect_error(409, "uniqueness");
            assert_eq!(
                client.found("/Users", &format!("userName eq \"{spelling}\"")),
                std::slice::from_ref(&strasse),
                "{spelling}"
            );
        }
        assert_eq!(client.get(&format!("/Users/{bob}")).expect(200).json()["userName"], "bob");
        // Inactive people keep their names, deleted ones do not.
        let off = json!([{ "op": "replace", "path": "active", "value": false }]);
        client.patch(&format!("/Users/{strasse}"), &off).expect(200);
        client.post("/Users", &user("strasse@example.com")).expect_error(409, "uniqueness");
        client.delete(&format!("/Users/{strasse}")).expect(204);
        client.post("/Users", &user("strasse@example.com")).expect(201);
    }
}

// Requirement 12
on_both_databases! {
    fn a_group_has_a_name_of_its_own(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for nameless in
            [json!({ "schemas": [GROUP] }), group("", &[]), group("  ", &[]), json!({ "displayName": null })]
        {
            client.post("/Groups", &nameless).expect_error(400, "invalidValue");
        }
        client.create_group("Builders", &[]);
        client.post("/Groups", &group("builders", &[])).expect_error(409, "uniqueness");
        let other = client.create_group("Breakers", &[]);
        client.put(&format!("/Groups/{other}"), &group("BUILDERS", &[])).expect_error(409, "uniqueness");
    }
}

// Requirements 13, 14
on_both_databases! {
    fn unknown_attributes_are_ignored_in_bodies_and_refused_where_they_are_named(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let mut body = user("ada");
        (body["shoeSize"], body["name"], body["active"]) = (json!(38), json!({ "petName": "A" }), json!("False"));
        let created = client.post("/Users", &body).expect(201).json();
        assert!(created.get("shoeSize").is_none() && created.get("name").is_none(), "{created}");
        assert_eq!(created["active"], false);
        let path = format!("/Users/{}", created["id"].as_str().unwrap());
        let without_a_path = json!([{ "op": "replace", "value": { "shoeSize": 39, "active": "True" } }]);
        assert_eq!(client.patch(&path, &without_a_path).expect(200).json()["active"], true);
        for unknown in ["shoeSize", "name.petName", "urn:example:2.0:Shoe:size"] {
            let explicit = json!([{ "op": "replace", "path": unknown, "value": "39" }]);
            client.patch(&path, &explicit).expect_error(400, "invalidPath");
            client.filter("/Users", &format!("{unknown} eq \"39\"")).expect_error(400, "invalidFilter");
        }
        for (attribute, value) in
            [("active", json!("yes")), ("active", json!(1)), ("title", json!(7)), ("emails", json!(true))]
        {
            let mut wrong = user("bob");
            wrong[attribute] = value;
            let answer = client.post("/Users", &wrong).expect_error(400, "invalidValue");
            assert!(answer.json()["detail"].as_str().unwrap().contains(attribute), "{}", answer.text);
        }
        assert!(client.found("/Users", "userName eq \"bob\"").is_empty());
    }
}
