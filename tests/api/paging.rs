//! Paging by index through lists that are long, and through lists that change.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use muster::clock::Clock;
use muster::model::Moment;

use crate::support::{Client, Server, ids, in_parallel};

/// Every id of a list, page by page.
fn walk(client: &Client, endpoint: &str, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let start = all.len() + 1;
        let page = client.get(&format!("{endpoint}?startIndex={start}&count={count}&attributes=id")).expect(200).json();
        let found = ids(&page);
        assert_eq!(page["itemsPerPage"], found.len());
        if found.is_empty() {
            return all;
        }
        all.extend(found);
    }
}

// Requirement 30
on_both_databases! {
    fn paging_repeats_and_leaves_out_nobody_while_others_come(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let before: Vec<String> = in_parallel(8, 200, |number| client.create_user(&format!("u{number}")));
        let done = AtomicBool::new(false);
        let (walks, later) = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut later = Vec::new();
                while !done.load(Ordering::Acquire) {
                    later.push(client.create_user(&format!("later{}", later.len())));
                }
                later
            });
            let walks: Vec<Vec<String>> = (0..5).map(|_| walk(&client, "/Users", 7)).collect();
            done.store(true, Ordering::Release);
            (walks, writer.join().unwrap())
        });
        for seen in walks {
            let distinct: BTreeSet<&String> = seen.iter().collect();
            assert_eq!(distinct.len(), seen.len(), "somebody came twice");
            assert!(before.iter().all(|id| distinct.contains(id)), "somebody was left out");
        }
        let expected: BTreeSet<String> = before.into_iter().chain(later).collect();
        assert_eq!(walk(&client, "/Users", 50).into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

// Requirements 29, 30
on_both_databases! {
    fn paging_stays_sound_while_others_go(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let all: Vec<String> = in_parallel(8, 300, |number| client.create_user(&format!("u{number}")));
        let (go, stay) = all.split_at(100);
        std::thread::scope(|scope| {
            let walker = scope.spawn(|| (0..4).map(|_| walk(&client, "/Users", 11)).collect::<Vec<_>>());
            in_parallel(4, go.len(), |number| client.delete(&format!("/Users/{}", go[number])).expect(204));
            for seen in walker.join().unwrap() {
                assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "somebody came twice");
            }
        });
        let seen = walk(&client, "/Users", 11);
        assert_eq!(seen.len(), stay.len());
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), stay.iter().cloned().collect());
        assert_eq!(client.get("/Users?count=0").expect(200).json()["totalResults"], stay.len());
    }
}

// Requirements 28, 29, 30
on_both_databases! {
    fn deep_pages_are_right_from_remembered_starts_and_after_deletions(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_774_969_200_000_000));
        let server = Server::start_at(database, 0, clock);
        let organization = server.organization("acme");
        let client = organization.client;
        let mut model: Vec<String> = in_parallel(16, 3_100, |number| client.create_user(&format!("u{number}")));
        model.sort();
        server.clock.advance(60_000_000);
        let check = |model: &[String]| {
            // Twice: the second time from remembered starts.
            for start in [3_001, 2_999, 1_001, 1_000, 2_001, 1, 3_001, 1_001, model.len(), model.len() + 1] {
                let page = client.get(&format!("/Users?startIndex={start}&count=50")).expect(200).json();
                assert_eq!(page["totalResults"], model.len());
                let expected: Vec<&String> = model.iter().skip(start - 1).take(50).collect();
                assert_eq!(ids(&page).iter().collect::<Vec<_>>(), expected, "startIndex={start}");
            }
        };
        check(&model);
        for number in [2_500, 1_500, 999, 0] {
            let gone = model.remove(number);
            client.delete(&format!("/Users/{gone}")).expect(204);
            check(&model);
        }
        for number in 0..30 {
            model.push(client.create_user(&format!("later{number}")));
        }
        check(&model);
        assert_eq!(walk(&client, "/Users", 1_000), model);
        let other = server.organization("other").client;
        assert_eq!(other.get("/Users?startIndex=2001").expect(200).json()["totalResults"], 0);
    }
}

// Requirement 30
on_both_databases! {
    fn groups_are_paged_connection_by_connection(database: &Database) {
        let server = Server::start(database);
        let organization = server.organization("acme");
        let (first, second) =
            (organization.client, server.connection(organization.id, "second", muster::model::Profile::Default));
        let mut expected = [Vec::new(), Vec::new()];
        for number in 0..60 {
            let (client, mine) = if number % 3 == 0 { (&second, 1) } else { (&first, 0) };
            expected[mine].push(client.create_group(&format!("g{number}"), &[]));
        }
        assert_eq!(walk(&first, "/Groups", 7), expected[0]);
        assert_eq!(walk(&second, "/Groups", 7), expected[1]);
        first.delete(&format!("/Groups/{}", expected[0].remove(5))).expect(204);
        assert_eq!(walk(&first, "/Groups", 7), expected[0]);
        assert_eq!(walk(&second, "/Groups", 7), expected[1]);
    }
}
