//! Queries in a body, and queries at the root.

use std::collections::BTreeSet;

use muster::model::Profile;
use serde_json::{Value, json};

use crate::sorting::pages;
use crate::support::{Client, Server, USER, ids};

const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// `POST {endpoint}/.search` with these parameters.
fn search(client: &Client, endpoint: &str, mut parameters: Value) -> Value {
    parameters["schemas"] = json!([SEARCH_REQUEST]);
    client.post(&format!("{endpoint}/.search"), &parameters).expect(200).json()
}

/// The same in a URL.
fn get(client: &Client, endpoint: &str, parameters: &Value) -> Value {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.as_object().unwrap() {
        let text = match value {
            Value::Array(names) => names.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(","),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        query.append_pair(name, &text);
    }
    client.get(&format!("{endpoint}?{}", query.finish())).expect(200).json()
}

/// Users and groups of a connection, and groups of another that it must not see.
fn inhabit(server: &Server) -> (Client, Vec<String>, Vec<String>) {
    let organization = server.organization("acme");
    let client = organization.client;
    let users: Vec<String> = (0..9)
        .map(|number| {
            let user = json!({ "schemas": [USER], "userName": format!("u{number}"), "displayName": format!("d{}", number % 4),
                "active": number % 2 == 0, "emails": [{ "value": format!("a+{number}@x.org"), "type": "work" }] });
            client.post("/Users", &user).expect(201).id()
        })
        .collect();
    let groups = (0..5).map(|number| client.create_group(&format!("D{number}"), &[&users[0]])).collect();
    let other = server.connection(organization.id, "second", Profile::Default);
    other.create_group("d1", &[&users[1]]);
    (client, users, groups)
}

// Requirement 41
on_both_databases! {
    fn a_search_answers_what_the_same_query_does(database: &Database) {
        let server = Server::start(database);
        let (client, ..) = inhabit(&server);
        for endpoint in ["/Users", "/Groups", ""] {
            for parameters in [
                json!({}),
                json!({ "count": 2, "startIndex": 3 }),
                json!({ "count": 0 }),
                json!({ "filter": "displayName eq \"d1\"", "attributes": ["displayName", "meta.resourceType"] }),
                json!({ "filter": "displayName pr", "sortBy": "displayName", "sortOrder": "descending", "count": 4 }),
                json!({ "excludedAttributes": ["displayName", "emails", "members"] }),
                json!({ "filter": "id pr and displayName co \"+\"" }),
            ] {
                assert_eq!(search(&client, endpoint, parameters.clone()), get(&client, endpoint, &parameters), "{endpoint} {parameters}");
            }
            // A cursor goes on where the other way of asking stopped.
            let asked = json!({ "count": 3, "sortBy": "displayName", "cursor": "" });
            let first = search(&client, endpoint, asked.clone());
            assert_eq!(first["Resources"], get(&client, endpoint, &asked)["Resources"]);
            let next = json!({ "count": 3, "sortBy": "displayName", "cursor": first["nextCursor"] });
            assert_eq!(search(&client, endpoint, next.clone())["Resources"], get(&client, endpoint, &next)["Resources"]);
        }
        let found = search(&client, "/Users", json!({ "filter": "emails.value eq \"a+3@x.org\"" }));
        assert_eq!(found["totalResults"], 1, "a plus in a body is a plus");
    }

    fn what_is_no_search_is_refused(database: &Database) {
        let server = Server::start(database);
        let (client, ..) = inhabit(&server);
        let strict = server.connection(server.organization("strict").id, "strict", Profile::Rfc);
        for endpoint in ["/Users/.search", "/Groups/.search", "/.search"] {
            let refused = |parameters: Value, scim_type: &str| {
                client.post(endpoint, &parameters).expect_error(400, scim_type);
            };
            let message = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
            refused(json!({ "schemas": [message], "filter": "id pr" }), "invalidSyntax");
            strict.post(endpoint, &json!({ "filter": "id pr" })).expect_error(400, "invalidSyntax");
            refused(json!([]), "invalidSyntax");
            let with = |name: &str, value: Value| json!({ "schemas": [SEARCH_REQUEST], name: value });
            refused(with("filter", json!(1)), "invalidValue");
            refused(with("filter", json!("displayName")), "invalidFilter");
            refused(with("count", json!("1")), "invalidValue");
            refused(with("attributes", json!({ "a": 1 })), "invalidValue");
            refused(with("sortBy", json!("nothing")), "invalidValue");
            refused(with("cursor", json!("nothing")), "invalidCursor");
            refused(json!({ "schemas": [SEARCH_REQUEST], "cursor": "", "count": 1001 }), "invalidCount");
            client.send("POST", endpoint, &[("Content-Type", "text/plain")], Some("{}")).expect_error(415, "");
            for method in ["GET", "PUT", "PATCH", "DELETE"] {
                let allow = client.send(method, endpoint, &[], Some("{}")).expect_error(405, "").header("Allow").to_owned();
                assert_eq!(allow, "POST, OPTIONS", "{method} {endpoint}");
            }
        }
    }
}

// Requirement 42
on_both_databases! {
    fn the_root_finds_users_and_groups_of_the_connection(database: &Database) {
        let server = Server::start(database);
        let (client, users, groups) = inhabit(&server);
        let everything: Vec<String> = groups.iter().chain(&users).cloned().collect();
        let found = |filter: &str| ids(&client.filter("", filter).expect(200).json());
        assert_eq!(ids(&client.get("").expect(200).json()), everything);
        assert_eq!(found("meta.resourceType eq \"User\""), users);
        assert_eq!(found("meta.resourceType eq Group"), groups);
        assert_eq!(found("(meta.resourceType eq \"User\") or (meta.resourceType eq \"Group\")"), everything);
        assert_eq!(found("not (meta.resourceType eq \"User\") and displayName eq \"d1\""), [&*groups[1]]);
        assert_eq!(found("displayName eq \"D1\""), [&*groups[1], &users[1], &users[5]]);
        assert_eq!(found("userName pr"), users, "groups have none");
        assert_eq!(found("userName ne \"u1\" and displayName eq \"d1\""), [&*groups[1], &users[5]]);
        assert_eq!(found("members pr"), groups);
        assert_eq!(found(&format!("members.value eq \"{}\" or userName eq \"u3\"", users[0])).len(), 6);
        assert_eq!(found(&format!("id eq \"{}\"", users[4])), [&*users[4]]);
        assert_eq!(found("shoeSize eq 43"), Vec::<String>::new());
        assert_eq!(found("shoeSize ne 43 and active eq true").len(), 5);
        client.filter("", "active gt true").expect_error(400, "invalidFilter");
        client.get("/").expect(200);
        assert_eq!(server.organization("bravo").client.get("").expect(200).json()["totalResults"], 0);
    }

    fn the_root_is_paged_and_sorted_over_both_types(database: &Database) {
        let server = Server::start(database);
        let (client, users, groups) = inhabit(&server);
        let everything: Vec<String> = groups.iter().chain(&users).cloned().collect();
        let walk = |path: &str, count, by_cursor| -> Vec<String> {
            let all = pages(&client, path, count, by_cursor);
            all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
        };
        for count in [1, 2, 4, 5, 9, 14, 20] {
            for by_cursor in [false, true] {
                assert_eq!(walk("?attributes=id", count, by_cursor), everything, "{count} {by_cursor}");
                let filtered = walk("?filter=displayName%20sw%20d", count, by_cursor);
                assert_eq!(filtered, everything, "{count} {by_cursor}");
                let users_only = walk("?filter=meta.resourceType%20eq%20User", count, by_cursor);
                assert_eq!(users_only, users, "{count} {by_cursor}");
            }
        }
        let mut expected: Vec<(String, String)> = groups.iter().enumerate().map(|(number, id)| (format!("d{number}"), id.clone())).collect();
        expected.extend(users.iter().enumerate().map(|(number, id)| (format!("d{}", number % 4), id.clone())));
        expected.sort();
        let mut expected: Vec<String> = expected.into_iter().map(|(_, id)| id).collect();
        for order in ["", "&sortOrder=descending"] {
            for (count, by_cursor) in [(3, false), (3, true), (100, true)] {
                assert_eq!(walk(&format!("?sortBy=displayName{order}"), count, by_cursor), expected, "{order} {count}");
            }
            expected.reverse();
        }
        // What a type does not have is missing: groups come last.
        let by_name = walk("?sortBy=userName", 4, true);
        assert_eq!(by_name[..9], users);
        assert_eq!(by_name[9..].iter().collect::<BTreeSet<_>>(), groups.iter().collect());
    }
}
