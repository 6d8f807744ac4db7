//! Paging by cursor (RFC 9865), in peace, while others write, and by those who would rather guess.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster::clock::Clock;
use muster::model::{Moment, Profile};
use serde_json::{Value, json};

use crate::sorting::pages;
use crate::support::{Client, Server, USER, ids, in_parallel, statements};

fn create(client: &Client, number: usize) -> String {
    let name = json!({ "familyName": format!("family{}", number % 7), "givenName": format!("canary{number}") });
    let user = json!({ "schemas": [USER], "userName": format!("u{number}"), "name": name });
    client.post("/Users", &user).expect(201).id()
}

/// The cursor of the second page.
#[track_caller]
fn next(client: &Client, query: &str) -> String {
    let page = client.get(query).expect(200).json();
    page["nextCursor"].as_str().unwrap_or_else(|| panic!("{query}: no next page: {page}")).to_owned()
}

fn set(resources: &[Value]) -> BTreeSet<String> {
    let set: BTreeSet<String> = resources.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(set.len(), resources.len(), "somebody came twice");
    set
}

// Requirements 28, 29
on_both_databases! {
    fn every_page_but_the_last_names_the_next(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let all: Vec<String> = (0..10).map(|number| create(&client, number)).collect();
        for first in ["cursor", "cursor=", "cursor=&startIndex=7"] {
            let page = client.get(&format!("/Users?{first}&count=5")).expect(200).json();
            assert_eq!(ids(&page), all[..5]);
            assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(10), &json!(5)));
            assert_eq!((page.get("startIndex"), page.get("previousCursor")), (None, None));
            let cursor = page["nextCursor"].as_str().unwrap();
            assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)), "{cursor}");
            let page = client.get(&format!("/Users?count=5&CURSOR={cursor}")).expect(200).json();
            assert_eq!(ids(&page), all[5..]);
            assert_eq!((page.get("nextCursor"), page["totalResults"].as_u64()), (None, Some(10)), "the last page");
        }
        let total = client.get("/Users?cursor&count=0").expect(200).json();
        assert_eq!((&total["totalResults"], &total["Resources"], total.get("nextCursor")), (&json!(10), &json!([]), None));
        assert_eq!(client.get("/Users?count=5").expect(200).json().get("nextCursor"), None, "index is the default");
        for query in ["/Users?sortBy=userName", "/Users?filter=active%20eq%20true", "/Users?filter=userName%20sw%20u&sortBy=name"] {
            let query = query.replace("sortBy=name", "sortBy=name.familyName&sortOrder=descending");
            assert_eq!(set(&pages(&client, &query, 3, true)), all.iter().cloned().collect(), "{query}");
        }
        let configuration = client.get("/ServiceProviderConfig").expect(200).json();
        let pagination = json!({ "cursor": true, "index": true, "defaultPaginationMethod": "index",
            "defaultPageSize": 100, "maxPageSize": 1000, "cursorTimeout": 3600 });
        assert_eq!(configuration["pagination"], pagination);
    }

    fn a_cursor_leaves_out_and_repeats_nobody_while_others_come_and_go(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let all: Vec<String> = in_parallel(8, 150, |number| create(&client, number));
        let (stay, go) = all.split_at(100);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let coming = scope.spawn(|| {
                let mut number = 1_000;
                while !done.load(Ordering::Acquire) && number < 1_300 {
                    create(&client, number);
                    number += 1;
                }
            });
            let going = scope.spawn(|| {
                for id in go {
                    client.delete(&format!("/Users/{id}")).expect(204);
                }
            });
            for query in ["", "?sortBy=name.familyName", "?sortBy=name.familyName&sortOrder=descending",
                "?filter=active%20eq%20true", "?sortBy=meta.created&filter=userName%20sw%20u", "?sortBy=userName"] {
                let mut seen = Vec::new();
                let mut cursor = String::new();
                let separator = if query.is_empty() { "?" } else { "&" };
                loop {
                    let page = client.get(&format!("/Users{query}{separator}count=9&cursor={cursor}")).expect(200).json();
                    seen.extend(page["Resources"].as_array().unwrap().clone());
                    let Some(next) = page["nextCursor"].as_str() else { break };
                    cursor = next.to_owned();
                }
                let seen = set(&seen);
                assert!(stay.iter().all(|id| seen.contains(id)), "{query}: somebody was left out");
            }
            going.join().unwrap();
            done.store(true, Ordering::Release);
            coming.join().unwrap();
        });
    }

    fn a_cursor_goes_on_behind_an_entry_that_is_gone(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let all: Vec<String> = (0..6).map(|number| create(&client, number)).collect();
        for (query, expected) in [("/Users?count=3", &all[3..]), ("/Users?count=2&sortBy=userName", &all[3..])] {
            let cursor = next(&client, &format!("{query}&cursor"));
            client.delete(&format!("/Users/{}", if query.contains("sortBy") { &all[1] } else { &all[2] })).expect(204);
            assert_eq!(ids(&client.get(&format!("{query}&cursor={cursor}")).expect(200).json())[..2], expected[..2]);
        }
    }

    fn a_page_at_the_end_takes_the_statements_of_the_first(database: &Database) {
        statements::watch();
        let server = Server::start(database);
        let client = server.organization("acme").client;
        in_parallel(4, 60, |number| create(&client, number));
        for query in ["/Users?count=5&attributes=id", "/Users?count=5&sortBy=name.familyName"] {
            let mut texts = BTreeSet::new();
            let mut cursor = next(&client, &format!("{query}&cursor"));
            statements::on_resources();
            loop {
                let page = client.get(&format!("{query}&cursor={cursor}")).expect(200).json();
                texts.insert(statements::on_resources());
                let Some(next) = page["nextCursor"].as_str() else { break };
                cursor = next.to_owned();
            }
            assert_eq!(texts.len(), 1, "{texts:?}");
        }
    }
}

// Requirement 66
on_both_databases! {
    fn a_cursor_opens_its_own_query_of_its_own_connection_and_no_other(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let client = &organization.client;
        let beside = server.connection(organization.id, "beside", Profile::Default);
        let foreign = server.organization("bravo").client;
        for number in 0..8 {
            create(client, number);
            create(&foreign, number);
            client.create_group(&format!("g{number}"), &[]);
        }
        let query = "/Users?count=3&sortBy=name.familyName&filter=userName%20sw%20u";
        let cursor = next(client, &format!("{query}&cursor"));
        client.get(&format!("{query}&cursor={cursor}")).expect(200);
        // Whose it is does not show in the refusal.
        let refusal = client.get("/Users?count=3&cursor=AAAA").expect_error(400, "invalidCursor").text;
        for other in [&beside, &foreign] {
            assert_eq!(other.get(&format!("{query}&cursor={cursor}")).expect_error(400, "invalidCursor").text, refusal);
        }
        for other in [
            "/Users?count=3&sortBy=name.familyName",
            "/Users?count=3&filter=userName%20sw%20u",
            "/Users?count=3&sortBy=name.familyName&filter=userName%20sw%20%22%22",
            "/Users?count=3&sortBy=name.familyName&sortOrder=descending&filter=userName%20sw%20u",
            "/Users?count=3&sortBy=name.givenName&filter=userName%20sw%20u",
            "/Users?count=3",
            "/Groups?count=3",
            "?count=3&sortBy=name.familyName&filter=userName%20sw%20u",
        ] {
            assert_eq!(client.get(&format!("{other}&cursor={cursor}")).expect_error(400, "invalidCursor").text, refusal, "{other}");
        }
        let groups = next(client, "/Groups?count=3&cursor");
        client.get(&format!("/Users?count=3&cursor={groups}")).expect_error(400, "invalidCursor");
        client.get(&format!("?count=3&cursor={groups}")).expect_error(400, "invalidCursor");
    }

    fn a_forged_cursor_is_refused_and_an_honest_one_tells_nothing(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for number in 0..8 {
            create(&client, number);
        }
        let query = "/Users?count=3&sortBy=name.givenName";
        let cursor = next(&client, &format!("{query}&cursor"));
        let bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"));
        assert_ne!(next(&client, &format!("{query}&cursor")), cursor);
        let refuse = |text: &str| {
            let answer = client.get(&format!("{query}&cursor={text}")).expect_error(400, "invalidCursor");
            assert!(!answer.text.contains("canary"), "{}", answer.text);
        };
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refuse(&URL_SAFE_NO_PAD.encode(flipped));
        }
        for end in 1..cursor.len() {
            refuse(cursor.get(..end).unwrap());
        }
        for text in ["0", "x", "%00", "..", "'%20OR%201=1--", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            &format!("{cursor}A"), &format!("{cursor}="), &cursor.to_uppercase(), &"A".repeat(6_000)] {
            refuse(text);
        }
        client.get(&format!("{query}&cursor={cursor}&cursor={cursor}")).expect_error(400, "invalidValue");
        client.get(&format!("{query}&cursor={cursor}")).expect(200);
    }

    fn a_cursor_has_its_time_and_its_count(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_774_969_200_000_000));
        let server = Server::start_at(database, 0, clock);
        let client = server.organization("acme").client;
        for number in 0..8 {
            create(&client, number);
        }
        let cursor = next(&client, "/Users?count=3&cursor");
        for count in ["2", "4", "1000", "0", "-1"] {
            client.get(&format!("/Users?count={count}&cursor={cursor}")).expect_error(400, "invalidCount");
        }
        client.get(&format!("/Users?cursor={cursor}")).expect_error(400, "invalidCount");
        for count in ["1001", "99999999999999999999", "x", "", "1.5"] {
            client.get(&format!("/Users?count={count}&cursor")).expect_error(400, "invalidCount");
        }
        server.clock.advance(3_599_000_000);
        let later = next(&client, &format!("/Users?count=3&cursor={cursor}"));
        server.clock.advance(1_000_000);
        client.get(&format!("/Users?count=3&cursor={cursor}")).expect_error(400, "expiredCursor");
        assert_eq!(ids(&client.get(&format!("/Users?count=3&cursor={later}")).expect(200).json()).len(), 2);
        // Without a count the default counts, said or not.
        in_parallel(4, 100, |number| create(&client, 100 + number));
        let cursor = next(&client, "/Users?cursor");
        assert_eq!(ids(&client.get(&format!("/Users?count=100&cursor={cursor}")).expect(200).json()).len(), 8);
    }

    fn a_cursor_goes_with_the_reading_of_the_filter_it_came_with(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for number in 0..4 {
            let user = json!({ "schemas": [USER], "userName": format!("a+{number}") });
            client.post("/Users", &user).expect(201);
        }
        let query = "/Users?count=3&filter=userName%20sw%20%22a+%22";
        let cursor = next(&client, &format!("{query}&cursor"));
        assert_eq!(ids(&client.get(&format!("{query}&cursor={cursor}")).expect(200).json()).len(), 1);
        client.get(&format!("{query}&cursor=x{cursor}")).expect_error(400, "invalidCursor");
    }
}
