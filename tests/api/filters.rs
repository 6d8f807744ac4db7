//! What filters find.

use serde_json::{Value, json};

use crate::support::{Client, ENTERPRISE, Server, user};

fn person(client: &Client, user_name: &str, more: Value) -> String {
    let mut body = user(user_name);
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    client.post("/Users", &body).expect(201).id()
}

/// Ada and Bob, and which of them each filter finds.
#[track_caller]
fn check(client: &Client, [ada, bob]: &[String; 2], cases: &[(&str, &str)]) {
    for (filter, expected) in cases {
        let found: String = client
            .found("/Users", filter)
            .iter()
            .map(|id| {
                if id == ada {
                    'a'
                } else {
                    assert_eq!(id, bob);
                    'b'
                }
            })
            .collect();
        assert_eq!(found, *expected, "{filter}");
    }
}

fn two_people(client: &Client) -> [String; 2] {
    let ada = person(
        client,
        "ada@x.io",
        json!({
            "externalId": "A1", "title": "Countess of 100%", "active": true,
            "name": { "givenName": "Ada", "familyName": "O\"Neill" },
            "emails": [{ "value": "ada@x.io", "type": "work" }, { "value": "al@home.io", "type": "home" }],
            ENTERPRISE: { "department": "Ärzte", "manager": { "value": "77" } },
        }),
    );
    let bob = person(
        client,
        "bob@x.io",
        json!({
            "externalId": "a1", "title": "Count_1", "active": false,
            "emails": [{ "value": "bob@home.io", "type": "work" }, { "value": "bob@x.io", "type": "home" }],
        }),
    );
    [ada, bob]
}

// Requirements 32, 34, 35, 36
on_both_databases! {
    fn the_whole_grammar_is_spoken(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let people = two_people(&client);
        check(
            &client,
            &people,
            &[
                ("userName EQ \"ADA@X.IO\"", "a"),
                ("USERNAME sW \"BO\" And Active eQ false", "b"),
                ("userName eq \"ada@x.io\" or userName eq \"bob@x.io\" and active eq true", "a"),
                ("(userName eq \"ada@x.io\" or userName eq \"bob@x.io\") and active eq false", "b"),
                ("not(active eq true)", "b"),
                ("not (active eq true) or externalId eq \"A1\"", "ab"),
                ("not (userName pr)", ""),
                ("name.familyName eq \"o\\\"neill\"", "a"),
                ("name.familyName eq \"\\u004f\\\"Neill\"", "a"),
                ("externalId eq \"A1\"", "a"),
                ("externalId eq \"a1\"", "b"),
                ("name eq null", "b"),
                ("name.givenName ne null", "a"),
                ("name pr", "a"),
                ("emails ne \"ada@x.io\"", "b"),
                ("nickName ne \"x\"", "ab"),
                ("emails co \"home\"", "ab"),
                ("emails eq \"al@home.io\"", "a"),
                ("meta.resourceType eq \"User\"", "ab"),
                ("meta.resourceType eq User", "ab"),
                ("userName eq bob@x.io", "b"),
                ("title gt \"count_1\"", "a"),
                ("title le \"count_1\"", "b"),
                (&format!("{ENTERPRISE}:department eq \"ärzte\""), "a"),
                (&format!("{ENTERPRISE}:manager eq \"77\""), "a"),
                (&format!("{ENTERPRISE}:manager.value eq \"77\""), "a"),
                ("userName eq \"nobody\"", ""),
                ("id eq \"nonsense\"", ""),
            ],
        );
        for filter in [
            format!("id eq \"{}\"", people[0]),
            format!("id eq \"{}\" and active eq true", people[0]),
            format!("not (id eq \"{}\")", people[1]),
            format!("id ne \"{}\" and userName pr", people[1]),
        ] {
            check(&client, &people, &[(&filter, "a")]);
        }
    }
}

// Requirements 33, 35, 39
on_both_databases! {
    fn conditions_in_brackets_speak_of_one_value(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let people = two_people(&client);
        check(
            &client,
            &people,
            &[
                ("emails[type eq \"work\" and value co \"@x.io\"]", "a"),
                ("emails.type eq \"work\" and emails.value co \"@x.io\"", "ab"),
                ("emails[type eq \"work\"].value eq \"bob@home.io\"", "b"),
                ("emails[type eq \"work\"].value eq \"bob@x.io\"", ""),
                ("emails[type eq \"work\" and value eq \"ADA@x.io\"]", "a"),
                ("emails[not (type eq \"work\") and value ew \"x.io\"]", "b"),
                ("emails[type eq \"other\"]", ""),
                ("not (emails[type eq \"home\" and value co \"home\"])", "b"),
            ],
        );
    }
}

// Requirement 38
on_both_databases! {
    fn parts_are_found_literally_and_for_all_of_unicode(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let people = two_people(&client);
        let department = |operator: &str, text: &str| format!("{ENTERPRISE}:department {operator} \"{text}\"");
        check(
            &client,
            &people,
            &[
                ("title co \"%\"", "a"),
                ("title ew \"100%\"", "a"),
                ("title sw \"count\"", "ab"),
                ("title co \"_\"", "b"),
                ("title sw \"Count_1\"", "b"),
                ("title co \"t_1\"", "b"),
                ("userName sw \"%\"", ""),
                ("userName eq \"%\"", ""),
                ("externalId sw \"a\"", "b"),
                ("externalId co \"A\"", "a"),
                (&department("sw", "äR"), "a"),
                (&department("ew", "ZTE"), "a"),
                (&department("co", "ä"), "a"),
            ],
        );
    }
}

// Requirements 37, 43
on_both_databases! {
    fn what_is_no_filter_is_refused_and_so_is_what_costs_too_much(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for filter in [
            "active gt true",
            "active le false",
            "userName xx \"a\"",
            "userName",
            "userName eq",
            "eq \"a\"",
            "userName eq \"a",
            "(userName eq \"a\"",
            "userName eq \"a\")",
            "userName eq \"a\" and",
            "userName eq \"a\" xor userName eq \"b\"",
            "shoeSize eq \"1\"",
            "emails[type eq \"work\"",
            "emails[]",
            "name.petName eq \"x\"",
            "urn:example:none:x eq \"1\"",
            "x509Certificates.value gt \"AA\"",
            "not",
            "",
            "userName eq \"a\" and shoeSize eq 1",
            "emails[petName eq \"x\"]",
            "userName eq 'a'",
            "title eq true",
        ] {
            for endpoint in ["/Users", "/Groups"] {
                assert_eq!(client.filter(endpoint, filter).status, 400, "{filter}");
                client.filter(endpoint, filter).expect_error(400, "invalidFilter");
            }
        }
        client.filter("/Groups", "userName eq \"ada\"").expect_error(400, "invalidFilter");
        let many = (0..201).map(|number| format!("userName eq \"{number}\"")).collect::<Vec<_>>().join(" or ");
        let deep = format!("{}userName eq \"a\"{}", "(".repeat(10_000), ")".repeat(10_000));
        let nots = format!("{}userName eq \"a\"{}", "not (".repeat(33), ")".repeat(33));
        for costly in [many.as_str(), &deep, &nots, &format!("userName eq \"{}\"", "a".repeat(16_384))] {
            let refused = client.filter("/Users", costly);
            let scim_type = refused.json()["scimType"].as_str().unwrap_or_default().to_owned();
            assert!(["tooMany", "invalidFilter"].contains(&scim_type.as_str()), "{}", refused.text);
            refused.expect_error(400, &scim_type);
        }
    }
}

// Requirement 33
on_both_databases! {
    fn memberships_are_found_from_both_sides(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let [ada, bob] = two_people(&client);
        let inner = client.create_group("Inner", &[&ada]);
        let outer = client.create_group("Outer", &[&inner, &bob]);
        for (endpoint, filter, expected) in [
            ("/Users", format!("groups.value eq \"{inner}\""), vec![&ada]),
            ("/Users", format!("groups eq \"{outer}\""), vec![&bob]),
            ("/Users", format!("groups[value eq \"{outer}\"]"), vec![&bob]),
            ("/Users", "groups.display eq \"inner\"".to_owned(), vec![&ada]),
            ("/Users", "groups pr".to_owned(), vec![&ada, &bob]),
            ("/Users", format!("groups.value eq \"{inner}\" and userName sw \"b\""), vec![]),
            ("/Users", format!("groups.value eq \"{ada}\""), vec![]),
            ("/Groups", format!("members.value eq \"{ada}\""), vec![&inner]),
            ("/Groups", format!("members eq \"{inner}\""), vec![&outer]),
            ("/Groups", format!("members[value eq \"{bob}\" and type eq \"User\"]"), vec![&outer]),
            ("/Groups", format!("members.value eq \"{bob}\" or displayName eq \"INNER\""), vec![&inner, &outer]),
            ("/Groups", "members.type eq \"Group\"".to_owned(), vec![&outer]),
            ("/Groups", format!("not (members eq \"{ada}\")"), vec![&outer]),
            ("/Groups", format!("members ne \"{ada}\""), vec![&outer]),
            ("/Groups", format!("id eq \"{outer}\" and members eq \"{bob}\""), vec![&outer]),
            ("/Groups", format!("id eq \"{outer}\" and members eq \"{ada}\""), vec![]),
            ("/Groups", "members pr and displayName co \"u\"".to_owned(), vec![&outer]),
        ] {
            let found = client.found(endpoint, &filter);
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter}");
        }
        client.delete(&format!("/Users/{bob}")).expect(204);
        assert!(client.found("/Groups", &format!("members eq \"{bob}\"")).is_empty());
    }
}
