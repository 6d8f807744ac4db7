//! Filters made to break out, to look around, or to cost.

use muster::model::fold;
use serde_json::{Value, json};

use crate::support::rows::all_rows;
use crate::support::{Answer, Client, Server, statements};

/// Texts with a meaning to databases, patterns, logs and parsers.
const HOSTILE: [&str; 18] = [
    "'; DROP TABLE scim_user; --",
    "' OR '1'='1",
    "\\' OR 1=1 --",
    "%",
    "_",
    "a%b",
    "a_b",
    "\\",
    "\\%",
    "$1",
    "?1",
    "$$x$$",
    "*",
    "(",
    "{\"$where\":1}",
    "canary\u{1b}[31m",
    "İıſK",
    "x' UNION SELECT secret_hash FROM credential --",
];

fn total(client: &Client, filter: &str) -> u64 {
    client.filter("/Users", filter).expect(200).json()["totalResults"].as_u64().unwrap()
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn refused(answer: Answer, what: &str) {
    assert_eq!(answer.status, 400, "{what}: {}", answer.text);
    assert!(answer.text.len() < 2_000, "{what}: {}", answer.text.len());
    let scim_type = answer.json()["scimType"].as_str().unwrap_or_default().to_owned();
    assert!(["invalidFilter", "tooMany"].contains(&scim_type.as_str()), "{what}: {scim_type}");
}

on_both_databases! {
    // Requirement 38
    fn hostile_texts_are_texts_in_every_filter(database: &Database) {
        statements::watch();
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for (number, text) in HOSTILE.iter().enumerate() {
            let user = json!({ "userName": format!("{number}{text}x"), "externalId": text, "displayName": format!("<{text}>"),
                "emails": [{ "type": "work", "value": text }] });
            client.post("/Users", &user).expect(201);
            client.post("/Groups", &json!({ "displayName": format!("{number}{text}") })).expect(201);
        }
        let all = u64::try_from(HOSTILE.len()).unwrap();
        for (number, text) in HOSTILE.iter().enumerate() {
            let literal = quoted(text);
            let holding = |decide: fn(&str, &str) -> bool| {
                let count = HOSTILE.iter().filter(|other| decide(&fold(other), &fold(text))).count();
                u64::try_from(count).unwrap()
            };
            assert_eq!(total(&client, &format!("externalId eq {literal}")), 1, "{text}");
            assert_eq!(total(&client, &format!("userName eq {}", quoted(&format!("{number}{text}x")))), 1, "{text}");
            assert_eq!(total(&client, &format!("emails[type eq \"work\" and value eq {literal}]")), 1, "{text}");
            assert_eq!(total(&client, &format!("displayName eq {}", quoted(&format!("<{text}>")))), 1, "{text}");
            let inside = format!("displayName co {literal}");
            assert_eq!(total(&client, &inside), holding(|other, text| other.contains(text)), "{text}");
            let begins = format!("displayName sw {}", quoted(&format!("<{text}")));
            assert_eq!(total(&client, &begins), holding(|other, text| other.starts_with(text)), "{text}");
            let ends = format!("displayName ew {}", quoted(&format!("{text}>")));
            assert_eq!(total(&client, &ends), holding(|other, text| other.ends_with(text)), "{text}");
            assert_eq!(total(&client, &format!("not (externalId eq {literal})")), all - 1, "{text}");
            let groups = client.filter("/Groups", &format!("displayName eq {}", quoted(&format!("{number}{text}")))).expect(200);
            assert_eq!(groups.json()["totalResults"], 1, "{text}");
        }
        assert_eq!(total(&client, "userName pr"), all);
        let texts = statements::on_resources();
        assert!(texts.len() > 50, "the statements were not seen");
        for text in texts {
            assert!(HOSTILE.iter().filter(|hostile| hostile.len() > 4).all(|hostile| !text.contains(hostile)), "{text}");
        }
    }

    fn a_filter_that_cannot_be_read_is_refused(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        client.post("/Users", &json!({ "userName": "ada" })).expect(201);
        let before = all_rows(database);
        for filter in ["", " ", "userName", "userName eq", "eq \"x\"", "userName eq \"x", "userName = \"x\"", "userName like \"x\"", "userName eq \"x\" and",
            "userName eq \"x\" xor active eq true", "not userName", "(userName eq \"x\"", "userName eq \"x\")", "userName eq \"\\q\"", "userName eq \"a\0b\"",
            "nothing eq 1", "userName.nothing eq 1", "name.nothing eq \"x\"", "emails[nothing eq 1]", "emails[value eq \"x\"", "emails[emails[value eq \"x\"]]",
            "urn:x:nothing eq 1", "active gt true", "active eq \"perhaps\"", "userName eq 5 5", "userName[value eq \"x\"]",
            "meta.created gt \"yesterday\"", "__proto__ eq 1", "userName;x eq 1", "document co \"x\"", "tenant pr", "person_key pr", "user_name_key eq \"ada\""] {
            refused(client.filter("/Users", filter), filter);
            refused(client.filter("/Groups", filter), filter);
        }
        assert_eq!(all_rows(database), before);
    }

    fn a_filter_made_to_cost_is_refused_before_any_row_is_read(database: &Database) {
        statements::watch();
        let server = Server::start(database);
        let client = server.organization("acme").client;
        client.post("/Users", &json!({ "userName": "ada" })).expect(201);
        statements::on_resources();
        let term = "title co \"a\"";
        for (what, filter) in [
            ("parentheses", format!("{}{term}{}", "(".repeat(10_000), ")".repeat(10_000))),
            ("a few parentheses", format!("{}{term}{}", "(".repeat(100), ")".repeat(100))),
            ("negations", format!("{}{term}{}", "not (".repeat(2_000), ")".repeat(2_000))),
            ("alternatives", vec![term; 1_000].join(" or ")),
            ("brackets", "emails[".repeat(2_000)),
            ("a value path in a value path", "emails[emails[emails[value eq \"x\"]]]".to_owned()),
            ("a literal", format!("title eq \"{}\"", "x".repeat(20_000))),
            ("a name", format!("{} eq 1", "x".repeat(20_000))),
            ("blanks", format!("title{}eq \"x\"", " ".repeat(20_000))),
        ] {
            refused(client.filter("/Users", &filter), what);
        }
        assert_eq!(statements::on_resources(), Vec::<String>::new());
    }

    fn a_filter_of_a_megabyte_is_refused(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let bytes = crate::support::socket::request(&client, &format!("GET /scim/v2/Users?filter=title%20eq%20%22{}%22", "x".repeat(1_000_000)), "Connection: close\r\n", "");
        let answer = crate::support::socket::exchange(&server, &bytes);
        assert!(!crate::support::socket::statuses(&answer).contains(&200), "{answer}");
        client.get("/Users").expect(200);
        // Under the length a server reads of a head, over the length of a filter.
        let long = client.filter("/Users", &format!("title eq \"{}\"", "x".repeat(30_000)));
        refused(long, "30,000 characters");
    }

    // Requirement 43
    fn what_must_not_be_read_cannot_be_guessed_by_filters(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = &organization.client;
        let other = server.connection(organization.id, "second", muster::model::Profile::Default);
        let user = client.post("/Users", &json!({ "userName": "ada", "password": "canary" })).expect(201).id();
        let hidden = other.post("/Groups", &json!({ "displayName": "hidden", "members": [{ "value": user }] })).expect(201).id();
        // A password is never there: a hit and a miss are refused or answered alike.
        for endpoint in ["/Users", "/Groups"] {
            let ask = |text: &str| {
                let answer = client.filter(endpoint, &format!("password eq \"{text}\""));
                (answer.status, answer.text.replace(text, "TEXT"))
            };
            assert_eq!(ask("canary"), ask("nobody"));
            let (present, sorted) = (client.filter(endpoint, "password pr"), client.get(&format!("{endpoint}?sortBy=password")));
            assert!(present.status == 400 || present.json()["totalResults"] == 0, "{}", present.text);
            sorted.expect_error(400, "invalidValue");
        }
        // A group of another connection is not seen from this one, by no way of asking.
        for (endpoint, filter) in [("/Users", format!("groups.value eq \"{hidden}\"")), ("/Users", format!("groups eq \"{hidden}\"")),
            ("/Users", "groups pr".to_owned()), ("/Users", "groups.display co \"hid\"".to_owned()), ("/Users", format!("groups[value eq \"{hidden}\"]")),
            ("/Groups", format!("members.value eq \"{user}\"")), ("/Groups", format!("members[value eq \"{user}\"]")),
            ("/Groups", "displayName eq \"hidden\"".to_owned()), ("/Groups", format!("id eq \"{hidden}\""))] {
            let list = client.filter(endpoint, &filter).expect(200);
            assert_eq!(list.json()["totalResults"], 0, "{filter}");
        }
        assert_eq!(client.get(&format!("/Users/{user}")).expect(200).json()["groups"], json!([]));
        assert_eq!(other.get(&format!("/Users/{user}")).expect(200).json()["groups"][0]["value"], json!(hidden));
    }

    fn a_page_costs_as_many_statements_however_many_are_on_it(database: &Database) {
        statements::watch();
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let mut members = Vec::new();
        for number in 0..40 {
            let user = json!({ "userName": format!("person {number}"), "title": "x", "externalId": "same" });
            members.push(json!({ "value": client.post("/Users", &user).expect(201).id() }));
        }
        for number in 0..12 {
            client.post("/Groups", &json!({ "displayName": format!("group {number}"), "externalId": "same", "members": members })).expect(201);
        }
        let statements = |path: &str| {
            statements::on_resources();
            client.get(path).expect(200);
            statements::on_resources().len()
        };
        for (endpoint, query) in [("/Users", ""), ("/Users", "filter=externalId%20eq%20%22same%22&"), ("/Users", "filter=title%20eq%20%22x%22&"),
            ("/Users", "filter=groups%20pr&"), ("/Groups", ""), ("/Groups", "filter=externalId%20eq%20%22same%22&"), ("/Groups", "filter=members%20pr&")] {
            // The first page of a list may remember where it starts.
            statements(&format!("{endpoint}?{query}count=1"));
            let (few, many) = (statements(&format!("{endpoint}?{query}count=1")), statements(&format!("{endpoint}?{query}count=12")));
            assert_eq!(few, many, "{endpoint}?{query}");
            assert!((1..=5).contains(&many), "{endpoint}?{query}: {many}");
        }
    }
}
