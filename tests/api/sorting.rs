//! Lists in an order that the client asks for.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::support::{Client, ENTERPRISE, GROUP, Server, USER, ids, in_parallel};

/// Every resource of a query, page by page, by index or by cursor.
pub fn pages(client: &Client, path: &str, count: usize, by_cursor: bool) -> Vec<Value> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let start = all.len() + 1;
        let place = if by_cursor { format!("cursor={cursor}") } else { format!("startIndex={start}") };
        let page = client.get(&format!("{path}{separator}count={count}&{place}")).expect(200).json();
        let found = page["Resources"].as_array().unwrap().clone();
        assert_eq!(page["itemsPerPage"], found.len());
        assert_eq!(page.get("startIndex").is_some(), !by_cursor);
        let done = if by_cursor { page.get("nextCursor").is_none() } else { found.is_empty() };
        cursor = page["nextCursor"].as_str().unwrap_or_default().to_owned();
        assert!(done || !found.is_empty(), "a page without resources has no next page");
        all.extend(found);
        if done {
            assert_eq!(page["totalResults"], all.len());
            return all;
        }
    }
}

/// The value a resource is sorted by: text in lower case unless case counts, truth values and moments as text.
fn value(resource: &Value, path: &[&str], case_exact: bool) -> Option<String> {
    let value = path.iter().try_fold(resource, |value, name| {
        let value = value.get(name)?;
        let Some(values) = value.as_array() else { return Some(value) };
        values.iter().find(|one| one["primary"] == true).or_else(|| values.first())
    })?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    (!text.is_empty()).then(|| if case_exact { text } else { text.to_lowercase() })
}

/// Missing values last, equal ones by id.
fn compare(left: &Value, right: &Value, path: &[&str], case_exact: bool) -> Ordering {
    let key = |resource: &Value| {
        let value = value(resource, path, case_exact);
        (value.is_none(), value, resource["id"].as_str().unwrap().to_owned())
    };
    key(left).cmp(&key(right))
}

/// Both orders, with and without filters, in pages by index and by cursor, are what sorting the whole list gives.
fn assert_sorts(client: &Client, endpoint: &str, filters: &[&str], orders: &[(&str, &[&str], bool)]) {
    let everybody: Vec<Value> = pages(client, endpoint, 1_000, false);
    for (sort_by, path, case_exact) in orders {
        for filter in filters {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
            let filter = if filter.is_empty() { String::new() } else { format!("&{query}") };
            let found = ids(&client.get(&format!("{endpoint}?count=1000{filter}")).expect(200).json());
            let mut expected: Vec<&Value> =
                everybody.iter().filter(|one| found.contains(&one["id"].as_str().unwrap().to_owned())).collect();
            assert!(expected.len() > 10, "{filter}");
            expected.sort_by(|left, right| compare(left, right, path, *case_exact));
            for order in ["", "&sortOrder=ascending", "&sortOrder=Descending"] {
                if order.ends_with("Descending") {
                    expected.reverse();
                }
                for (count, by_cursor) in [(7, false), (7, true), (1_000, true)] {
                    let path = format!("{endpoint}?sortBy={sort_by}{order}{filter}");
                    let sorted = pages(client, &path, count, by_cursor);
                    let id = |one: &Value| one["id"].as_str().unwrap().to_owned();
                    let expected: Vec<String> = expected.iter().map(|one| id(one)).collect();
                    assert_eq!(sorted.iter().map(id).collect::<Vec<_>>(), expected, "{path} {count} {by_cursor}");
                }
            }
        }
    }
}

// Requirements 2, 31
on_both_databases! {
    fn users_are_sorted_by_any_attribute_with_any_filter_and_either_paging(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let names = ["adams", "Baker", "Ärmel", "ärmel", "", "Zuse", "öde", "baker"];
        in_parallel(1, 24, |number| {
            let name = names[number % names.len()];
            let mut user = json!({
                "schemas": [USER, ENTERPRISE], "userName": format!("{}u{number}", ["", "B", "a"][number % 3]),
                "active": number % 5 != 0, "title": "t",
            });
            if !name.is_empty() {
                user["name"] = json!({ "familyName": name, "givenName": names[number / 3] });
                user["displayName"] = json!(name);
                user["externalId"] = json!(format!("{name}{}", number % 2));
                user["emails"] = json!([
                    { "value": format!("z{number}@x.org"), "type": "home" },
                    { "value": format!("{name}@x.org"), "type": "work", "primary": number % 2 == 0 },
                ]);
                user[ENTERPRISE] = json!({ "department": name, "manager": { "value": names[number / 4] } });
            }
            let id = client.post("/Users", &user).expect(201).id();
            if number % 4 == 0 {
                client.patch(&format!("/Users/{id}"), &json!([{ "op": "replace", "path": "title", "value": "u" }])).expect(200);
            }
        });
        let department = format!("{ENTERPRISE}:department");
        assert_sorts(&client, "/Users", &["", "title eq \"t\" or active eq true", "userName co \"u1\""], &[
            ("userName", &["userName"], false),
            ("DISPLAYNAME", &["displayName"], false),
            ("name.familyName", &["name", "familyName"], false),
            ("name.givenName", &["name", "givenName"], false),
            ("externalId", &["externalId"], true),
            ("meta.created", &["meta", "created"], true),
            ("meta.lastModified", &["meta", "lastModified"], true),
            ("id", &["id"], true),
            ("active", &["active"], true),
            ("emails.value", &["emails", "value"], false),
            ("emails", &["emails", "value"], false),
            ("emails.type", &["emails", "type"], false),
            (&department, &[ENTERPRISE, "department"], false),
            ("manager.value", &[ENTERPRISE, "manager", "value"], true),
        ]);
    }

    fn groups_are_sorted_connection_by_connection(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = organization.client;
        let other = server.connection(organization.id, "second", muster::model::Profile::Rfc);
        let user = client.create_user("ada");
        for number in 0..14 {
            let mut group = json!({ "schemas": [GROUP], "displayName": format!("{}g{number}", ["", "B", "a"][number % 3]) });
            if number % 4 != 0 {
                group["externalId"] = json!(format!("{}{}", ["x", "X"][number % 2], number / 5));
            }
            let id = client.post("/Groups", &group).expect(201).id();
            other.post("/Groups", &json!({ "schemas": [GROUP], "displayName": "same", "externalId": "same" })).expect(201);
            if number % 3 == 0 {
                let join = json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]);
                client.patch(&format!("/Groups/{id}"), &join).expect(200);
            }
        }
        let orders: [(&str, &[&str], bool); 5] = [
            ("displayName", &["displayName"], false),
            ("externalId", &["externalId"], true),
            ("meta.created", &["meta", "created"], true),
            ("meta.lastModified", &["meta", "lastModified"], true),
            ("id", &["id"], true),
        ];
        assert_sorts(&client, "/Groups", &["", "displayName co \"g\""], &orders);
        assert_sorts(&other, "/Groups", &[""], &orders);
    }

    fn a_sorted_list_follows_what_is_written(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let make = |name: &str| {
            let user = json!({ "schemas": [USER], "userName": name, "name": { "familyName": name } });
            client.post("/Users", &user).expect(201).id()
        };
        let (ada, bea, cleo) = (make("ada"), make("bea"), make("cleo"));
        let sorted = || ids(&client.get("/Users?sortBy=name.familyName").expect(200).json());
        assert_eq!(sorted(), [&*ada, &bea, &cleo]);
        let rename = json!([{ "op": "replace", "path": "name.familyName", "value": "ZUSE" }]);
        client.patch(&format!("/Users/{ada}"), &rename).expect(200);
        assert_eq!(sorted(), [&*bea, &cleo, &ada]);
        client.put(&format!("/Users/{bea}"), &json!({ "schemas": [USER], "userName": "bea" })).expect(200);
        assert_eq!(sorted(), [&*cleo, &ada, &bea]);
        client.delete(&format!("/Users/{ada}")).expect(204);
        assert_eq!(sorted(), [&*cleo, &bea]);
        let modified = ids(&client.get("/Users?sortBy=meta.lastModified&sortOrder=descending").expect(200).json());
        assert_eq!(modified, [&*bea, &cleo]);
    }

    fn what_cannot_be_sorted_by_is_refused(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for (endpoint, query) in [
            ("/Users", "sortBy=shoeSize"),
            ("/Users", "sortBy=name"),
            ("/Users", "sortBy=password"),
            ("/Users", "sortBy=groups"),
            ("/Users", "sortBy=groups.value"),
            ("/Users", "sortBy=userName'--"),
            ("/Users", "sortBy=userName&sortOrder=up"),
            ("/Groups", "sortBy=userName"),
            ("/Groups", "sortBy=members.value"),
            ("", "sortBy=shoeSize"),
        ] {
            client.get(&format!("{endpoint}?{query}")).expect_error(400, "invalidValue");
            client.get(&format!("{endpoint}?{query}&cursor")).expect_error(400, "invalidValue");
        }
        assert_eq!(client.get("/Users?sortBy=&sortOrder=up").expect(200).json()["totalResults"], 0);
        assert_eq!(client.get("/ServiceProviderConfig").expect(200).json()["sort"]["supported"], true);
    }
}
