//! What an administrator of one organization names in the console that is another's is not there, by whichever page or form.

use muster::http::console::{Method, PAGES};
use muster::model::ResourceId;

use super::people::id_of;
use super::{Browser, caller, invited, person, recovery_administrator, services};
use crate::support::rows::{lines, rows_of};
use crate::support::{Backend, Database, Server, user};

/// An id of the form this server issues, which it never issued.
const RANDOM: &str = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";

/// Tables whose rows are named by pages.
const NAMED: [&str; 7] = ["scim_user", "scim_group", "connection", "invitation", "credential", "session", "assignment"];

/// The ids of what there is of an organization.
fn filled(server: &Server, database: &Database) -> Vec<String> {
    let acme = server.organization("acme");
    let boss = recovery_administrator(server, acme.id);
    invited(server, &boss, "invited@secret.example", &[]);
    person(server, acme.id, "secret-person", "admin");
    acme.client.post("/Users", &user("secret-user")).expect(201);
    muster::service::people::groups::create(&services(server), &caller(acme.id), "secret-group").unwrap();
    let id = id_of(server, acme.id, "secret-person");
    let service = boss.page("/o/acme/services/new").form("/services").with("name", "secret-service").with("owner", &id);
    let service = service.send(&boss).location().rsplit('/').next().unwrap().to_owned();
    let all = NAMED.iter().flat_map(|table| {
        let id = match database.backend() {
            Backend::Sqlite => "lower(hex(id))",
            Backend::Postgres => "encode(id, 'hex')",
        };
        lines(database, &format!("SELECT {id} AS line FROM {table} ORDER BY 1 LIMIT 3"))
    });
    let written = |hex: String| {
        let byte = |at: usize| u8::from_str_radix(hex.get(2 * at..2 * at + 2).unwrap(), 16).unwrap();
        ResourceId::from_bytes(&(0..16).map(byte).collect::<Vec<u8>>()).unwrap().to_string()
    };
    all.map(written).chain([service]).collect()
}

fn asked(browser: &Browser, method: Method, path: &str, token: &str) -> (u16, String) {
    let shown = match method {
        Method::Get => browser.get(path),
        Method::Post => browser.post(path, &[("token", token), ("sent", "0"), ("version", "")]),
    };
    (shown.status, shown.html)
}

on_both_databases! {
    fn what_is_another_organizations_is_not_there_for_any_page_or_form(database: &Database) {
        let server = Server::start(database);
        let names = filled(&server, database);
        assert!(names.len() > 8, "{names:?}");
        let acme = server.administration().organizations().unwrap()[0].id;
        let bravo = server.organization("bravo");
        let stranger = recovery_administrator(&server, bravo.id);
        let token = stranger.page("/o/bravo").token();
        let own = id_of_somebody(&server, bravo.id);
        let before = rows_of(database, acme);
        let mut tried = 0;
        for page in PAGES.iter().copied().flatten().filter(|page| page.path.starts_with("/o/{organization}/")) {
            let places = page.path.matches('{').count() - 1;
            let with = |name: &str, first: &str| {
                let mut place = 0;
                let parts = page.path.split('/').map(|part| match part {
                    "{organization}" => "bravo",
                    part if part.starts_with('{') => {
                        place += 1;
                        if place == places { name } else { first }
                    }
                    part => part,
                });
                parts.collect::<Vec<_>>().join("/")
            };
            // Alone, and beside what is one's own.
            let firsts = if places > 1 { vec![own.as_str(), ""] } else { vec![own.as_str()] };
            for (name, first) in names.iter().flat_map(|name| firsts.iter().map(move |first| (name, *first))).filter(|_| places > 0) {
                let first = if first.is_empty() { name.as_str() } else { first };
                let (status, html) = asked(&stranger, page.method, &with(name, first), &token);
                let (random, _) = asked(&stranger, page.method, &with(RANDOM, if first == name { RANDOM } else { first }), &token);
                assert_eq!(status, random, "{:?} {} {name}", page.method, page.path);
                assert!(!html.replace(name.as_str(), "").contains("secret-"), "{:?} {} {name}", page.method, page.path);
                tried += 1;
            }
        }
        assert!(tried > 500, "{tried}");
        assert_eq!(rows_of(database, acme), before);
    }
}

fn id_of_somebody(server: &Server, organization: muster::model::OrganizationId) -> String {
    person(server, organization, "own", "");
    id_of(server, organization, "own")
}
