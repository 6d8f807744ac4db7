//! Pages, totals and projections.

use serde_json::{Value, json};

use crate::support::{Client, ENTERPRISE, Server, USER, group, ids, user};

/// The names of its members, sorted.
fn keys(resource: &Value) -> Vec<String> {
    let mut keys: Vec<String> = resource.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

// Requirements 23, 27, 28, 29
on_both_databases! {
    fn pages_and_totals_are_numbers_within_bounds(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for (endpoint, filter) in [("/Users", "userName sw \"u\""), ("/Groups", "displayName sw \"u\"")] {
            let empty = client.get(endpoint).expect(200).json();
            assert_eq!(
                (&empty["totalResults"], &empty["itemsPerPage"], &empty["startIndex"]),
                (&json!(0), &json!(0), &json!(1))
            );
            assert_eq!(client.filter(endpoint, filter).expect(200).json()["totalResults"], 0);
            let all: Vec<String> = (0..7)
                .map(|number| match endpoint {
                    "/Users" => client.create_user(&format!("u{number}")),
                    _ => client.create_group(&format!("u{number}"), &[]),
                })
                .collect();
            for restriction in [String::new(), format!("&filter={}", filter.replace(' ', "+").replace('"', "%22"))] {
                for (query, start, expected) in [
                    ("", 1, &all[..]),
                    ("startIndex=0", 1, &all[..]),
                    ("startIndex=-5&count=2", 1, &all[..2]),
                    ("startIndex=3&count=2", 3, &all[2..4]),
                    ("startIndex=7&count=1001", 7, &all[6..]),
                    ("startIndex=8", 8, &[]),
                    ("startIndex=99999999999999999999", i64::MAX, &[]),
                    ("count=0", 1, &[]),
                    ("count=-3", 1, &[]),
                    ("startIndex=3&count=0", 3, &[]),
                    ("sortOrder=unknown&page=x&anything", 1, &all[..]),
                ] {
                    let page = client.get(&format!("{endpoint}?{query}{restriction}")).expect(200).json();
                    assert_eq!(page["totalResults"], 7, "{query}{restriction}");
                    assert_eq!(page["startIndex"], start, "{query}{restriction}");
                    assert_eq!(page["itemsPerPage"], expected.len(), "{query}{restriction}");
                    assert_eq!(ids(&page), expected, "{query}{restriction}");
                }
            }
            for query in ["startIndex=x", "count=", "count=1.5", "count=1&count=2"] {
                client.get(&format!("{endpoint}?{query}")).expect_error(400, "invalidValue");
            }
        }
    }
}

// Requirement 28
on_both_databases! {
    fn a_page_has_at_most_the_documented_number_of_resources(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        crate::support::in_parallel(16, 1_010, |number| client.create_user(&format!("u{number}")));
        assert_eq!(client.get("/Users").expect(200).json()["itemsPerPage"], 100);
        let page = client.get("/Users?count=5000").expect(200).json();
        assert_eq!((&page["itemsPerPage"], &page["totalResults"]), (&json!(1000), &json!(1010)));
        let filtered = client.get("/Users?count=5000&filter=userName%20sw%20%22u%22").expect(200).json();
        assert_eq!((&filtered["itemsPerPage"], &filtered["totalResults"]), (&json!(1000), &json!(1010)));
    }
}

// Requirement 40
on_both_databases! {
    fn attributes_are_chosen_on_every_operation_that_returns_a_resource(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let mut body = user("ada");
        (body["title"], body["name"]) = (json!("Countess"), json!({ "givenName": "Ada", "familyName": "King" }));
        body[ENTERPRISE] = json!({ "department": "Engines", "employeeNumber": "7" });
        let touch = json!([{ "op": "replace", "path": "nickName", "value": "Al" }]);
        let query = format!("attributes=name.givenName,{ENTERPRISE}:department,{USER}:title");
        let created = client.post(&format!("/Users?{query}"), &body).expect(201).json();
        let path = format!("/Users/{}", created["id"].as_str().unwrap());
        let listed = client.get(&format!("/Users?{query}")).expect(200).json()["Resources"][0].clone();
        let answers = [
            created,
            client.get(&format!("{path}?{query}")).expect(200).json(),
            client.put(&format!("{path}?{query}"), &body).expect(200).json(),
            client.patch(&format!("{path}?{query}"), &touch).expect(200).json(),
            listed,
        ];
        for answer in answers {
            assert_eq!(answer["name"], json!({ "givenName": "Ada" }), "{answer}");
            assert_eq!(answer[ENTERPRISE], json!({ "department": "Engines" }), "{answer}");
            assert_eq!(keys(&answer), ["id", "name", "schemas", "title", ENTERPRISE], "{answer}");
        }
        let without = format!("excludedAttributes=id,schemas,name,{ENTERPRISE},meta,groups,emails.value,nickName");
        let answer = client.get(&format!("{path}?{without}")).expect(200).json();
        assert_eq!(keys(&answer), ["active", "id", "schemas", "title", "userName"], "{answer}");
        for path in ["/Users", path.as_str()] {
            client.get(&format!("{path}?attributes=title&excludedAttributes=name")).expect_error(400, "invalidValue");
        }
    }
}

// Requirement 40
on_both_databases! {
    fn members_are_left_out_where_they_are_excluded(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let ada = client.create_user("ada");
        let created = client.post("/Groups?excludedAttributes=members", &group("G", &[&ada])).expect(201);
        assert!(created.json().get("members").is_none());
        let path = format!("/Groups/{}", created.id());
        for answer in [
            client.get(&format!("{path}?excludedAttributes=members")).expect(200).json(),
            client.get("/Groups?excludedAttributes=members").expect(200).json()["Resources"][0].clone(),
            client.get("/Groups?attributes=displayName").expect(200).json()["Resources"][0].clone(),
        ] {
            assert_eq!(answer["displayName"], "G");
            assert!(answer.get("members").is_none(), "{answer}");
        }
        for answer in [
            client.get(&path).expect(200).json(),
            client.get(&format!("{path}?attributes=members")).expect(200).json(),
            client.get(&format!("{path}?attributes=members.value")).expect(200).json(),
        ] {
            assert_eq!(answer["members"][0]["value"], ada, "{answer}");
        }
        // What identity providers ask to find out whether somebody is in a group.
        let asks = |member: &str, client: &Client| {
            let filter = format!("id eq \"{}\" and members eq \"{member}\"", created.id());
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("filter", &filter)
                .append_pair("attributes", "id")
                .finish();
            client.get(&format!("/Groups?{query}")).expect(200).json()
        };
        let page = asks(&ada, &client);
        assert_eq!(page["totalResults"], 1);
        assert_eq!(keys(&page["Resources"][0]), ["id", "schemas"]);
        assert_eq!(asks(&created.id(), &client)["totalResults"], 0);
    }
}

// Requirement 23
on_both_databases! {
    fn a_plus_that_was_not_escaped_still_finds_whom_it_means(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let (plus, space) = (client.create_user("ada+x@x.io"), client.create_user("ada y"));
        for (query, expected) in [
            ("userName%20eq%20%22ada%2Bx@x.io%22", &plus),
            ("userName%20eq%20%22ada+x@x.io%22", &plus),
            ("userName+eq+%22ada%2Bx@x.io%22", &plus),
            ("userName+eq+%22ada+y%22", &space),
        ] {
            let page = client.get(&format!("/Users?filter={query}")).expect(200).json();
            assert_eq!(ids(&page), std::slice::from_ref(expected), "{query}");
        }
    }
}
