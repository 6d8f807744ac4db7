//! Many at once, over several servers.

use std::sync::Barrier;

use muster::model::{CredentialKind, Profile};
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::support::rows::number;
use crate::support::{Backend, Client, Database, Server, in_parallel};

/// Spellings of one name: letter case, composed and decomposed, full width.
const SPELLINGS: [&str; 4] = ["Zoë@example.com", "ZOË@EXAMPLE.COM", "zoe\u{308}@example.com", "Ｚoë@example.com"];
const CLIENTS: usize = 32;

/// All send their request at the same moment; the statuses, sorted.
fn at_once(clients: &[Client], request: impl Fn(usize, &Client) -> u16 + Sync) -> Vec<u16> {
    let (barrier, request) = (Barrier::new(CLIENTS), &request);
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let send = |number: usize| {
            let (client, barrier) = (&clients[number % clients.len()], &barrier);
            scope.spawn(move || {
                barrier.wait();
                request(number, client)
            })
        };
        let running: Vec<_> = (0..CLIENTS).map(send).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    statuses
}

/// Servers on one database: SQLite has one, PostgreSQL two.
fn servers(database: &Database) -> Vec<Server> {
    let count = if database.backend() == Backend::Sqlite { 1 } else { 2 };
    (0..count).map(|_| Server::start(database)).collect()
}

/// A client of the same connection at each server.
fn clients(servers: &[Server], token: &str) -> Vec<Client> {
    servers.iter().map(|server| Client { base: format!("{}/scim/v2", server.url), token: token.to_owned() }).collect()
}

fn one_of(status: u16) -> Vec<u16> {
    std::iter::once(status).chain(std::iter::repeat_n(409, CLIENTS - 1)).collect()
}

on_both_databases! {
    fn of_many_who_put_one_role_at_once_each_makes_a_version_of_it(database: &Database) {
        const PERMISSIONS: [&str; 4] = ["build:view", "build:run", "build:ssh", "secret:read"];
        let servers = servers(database);
        let organization = servers[0].organization("acme").id;
        let token = administrator(&servers[0], organization, CredentialKind::Admin).token;
        let puts = in_parallel(8, 8, |number| {
            let client = Client { base: format!("{}/api/v1", servers[number % servers.len()].url), token: token.clone() };
            let chosen = (0..PERMISSIONS.len()).filter(|bit| (number + 1) >> bit & 1 == 1).map(|bit| PERMISSIONS[bit]);
            let put = client.put("/roles/custom", &json!({ "permissions": chosen.collect::<Vec<_>>() }));
            (put.status, put.text)
        });
        assert!(puts.iter().all(|(status, _)| *status == 200), "{puts:?}");
        assert_eq!(number(database, "SELECT count(*) FROM role_version WHERE role = 'custom'"), 8);
    }

    fn of_many_who_make_the_same_person_at_once_one_succeeds(database: &Database) {
        let servers = servers(database);
        let clients = clients(&servers, &servers[0].organization("acme").client.token);
        let statuses = at_once(&clients, |number, client| {
            let answer = client.post("/Users", &json!({ "userName": SPELLINGS[number % SPELLINGS.len()], "title": number.to_string() }));
            if answer.status == 409 {
                answer.clone().expect_error(409, "uniqueness");
            }
            answer.status
        });
        assert_eq!(statuses, one_of(201));
        for (table, condition) in [("scim_user", "1 = 1"), ("event", "action = 'user.created'"), ("user_status", "1 = 1")] {
            assert_eq!(number(database, &format!("SELECT count(*) FROM {table} WHERE {condition}")), 1, "{table}");
        }
        assert_eq!(clients[0].get("/Users").expect(200).json()["totalResults"], 1);
    }

    fn of_many_who_take_the_same_name_at_once_one_succeeds(database: &Database) {
        let servers = servers(database);
        let clients = clients(&servers, &servers[0].organization("acme").client.token);
        let people: Vec<String> = (0..CLIENTS)
            .map(|number| clients[0].post("/Users", &json!({ "userName": format!("person {number}") })).expect(201).id())
            .collect();
        let statuses = at_once(&clients, |number, client| {
            let rename = json!([{ "op": "replace", "path": "userName", "value": SPELLINGS[number % SPELLINGS.len()] }]);
            client.patch(&format!("/Users/{}", people[number]), &rename).status
        });
        assert_eq!(statuses, one_of(200));
        assert_eq!(number(database, "SELECT count(*) FROM event WHERE action = 'user.changed'"), 1);
        let groups = at_once(&clients, |number, client| {
            let name = ["Builders", "BUILDERS"][number % 2];
            client.post("/Groups", &json!({ "displayName": name })).status
        });
        assert_eq!(groups, one_of(201));
        assert_eq!(number(database, "SELECT count(*) FROM scim_group"), 1);
    }

    fn a_person_deleted_by_many_at_once_is_deleted_once(database: &Database) {
        let servers = servers(database);
        let clients = clients(&servers, &servers[0].organization("acme").client.token);
        let path = format!("/Users/{}", clients[0].post("/Users", &json!({ "userName": "ada" })).expect(201).id());
        let statuses = at_once(&clients, |_, client| client.delete(&path).status);
        let expected: Vec<u16> = std::iter::once(204).chain(std::iter::repeat_n(404, CLIENTS - 1)).collect();
        assert_eq!(statuses, expected);
        assert_eq!(number(database, "SELECT count(*) FROM event WHERE action = 'user.deleted'"), 1);
        assert_eq!(clients[0].get("/Users").expect(200).json()["totalResults"], 0);
    }

    fn a_token_revoked_through_one_server_is_refused_at_once_by_all(database: &Database) {
        let servers = servers(database);
        let organization = servers[0].organization("acme");
        let keeper = servers[0].connection(organization.id, "second", Profile::Default);
        for round in 0..5 {
            let token = servers[0].token(organization.id, "first");
            let clients = clients(&servers, &token);
            for client in clients.iter().cycle().take(6) {
                client.get("/Users").expect(200);
            }
            let administration = servers[0].administration();
            let newest = administration.tokens(organization.id).unwrap().into_iter().max_by_key(|stored| stored.created_at);
            administration.revoke_token(organization.id, newest.unwrap().credential.id).unwrap();
            for client in clients.iter().rev() {
                client.get("/Users").expect_error(401, "");
                let body: Value = json!({ "userName": format!("late {round}") });
                client.post("/Users", &body).expect_error(401, "");
            }
        }
        assert_eq!(keeper.get("/Users").expect(200).json()["totalResults"], 0);
    }
}
