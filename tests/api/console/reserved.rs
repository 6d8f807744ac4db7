//! Names that stand for the product or for nobody: refused wherever people enter them, kept where a connection sends them.

use muster::model::CredentialKind;
use serde_json::json;

use super::inviting::{invited, joined};
use super::{Browser, person, recovery_administrator};
use crate::administration::administrator;
use crate::support::rows::all_rows;
use crate::support::{Server, group, user};

/// Spellings of one that fold to it.
const SPELT: [&str; 4] = ["admin", " ADMIN", "ａｄｍｉｎ", "ad\u{200b}min"];

on_both_databases! {
    fn nobody_enters_a_name_that_stands_for_the_product_or_for_nobody(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let crew = browser.submit("/o/acme/groups/new", "/o/acme/groups", &[("name", "crew")]).location().to_owned();
        let ana = person(&server, acme.id, "ana", "");
        let admin = administrator(&server, acme.id, CredentialKind::Admin);
        let before = all_rows(database);
        let refused = |page: &str, path: &str, fields: &[(&str, &str)]| {
            let shown = browser.submit(page, path, fields);
            assert_eq!(shown.status, 422, "{path} {fields:?}: {}", shown.text());
            shown.assert_well_made();
            shown.says("is reserved");
        };
        for name in SPELT.into_iter().chain(["Root", "muster", "System", "null", "nobody", "0"]) {
            refused("/o/acme/people/new", "/o/acme/people/new", &[("userName", name)]);
            refused("/o/acme/people/new", "/o/acme/people/new", &[("userName", "bea"), ("displayName", name)]);
            refused("/o/acme/groups/new", "/o/acme/groups", &[("name", name)]);
            refused(&crew, &format!("{crew}/rename"), &[("name", name)]);
            refused("/o/acme/connections/new", "/o/acme/connections", &[("name", name), ("profile", "okta")]);
            refused("/o", "/o", &[("name", name), ("slug", "bravo")]);
        }
        refused("/o", "/o", &[("name", "Bravo"), ("slug", "support")]);
        refused("/o/acme/people/new", "/o/acme/people/new", &[("userName", "Support")]);
        for role in ["root", "muster", "system"] {
            refused(&format!("/o/acme/roles/{role}"), &format!("/o/acme/roles/{role}"), &[("permission", "build:view")]);
        }
        let renamed = browser.submit("/o/acme/settings", "/o/acme/settings/name", &[("name", "Muster")]);
        assert!(matches!(renamed.status, 400 | 422), "{}", renamed.status);
        let profile = ana.submit("/o/acme/profile", "/o/acme/profile", &[("displayName", "Root")]);
        profile.expect(422).says("is reserved").assert_well_made();
        admin.post("/users", &json!({ "userName": "Root" })).expect(400);
        admin.post("/groups", &json!({ "display_name": "Root" })).expect(400);
        let document = "[[user]]\nuser_name = \"root\"\n";
        let applied = muster::service::access::apply(&super::services(&server), &super::caller(acme.id), document);
        assert!(applied.unwrap_err().to_string().contains("is reserved"));
        assert_eq!(all_rows(database), before, "nothing was made or changed");
        // A part of a name is not the name, and a team may be called so.
        browser.submit("/o/acme/groups/new", "/o/acme/groups", &[("name", "Support")]).expect(303);
        browser.submit("/o/acme/people/new", "/o/acme/people/new", &[("userName", "admin@example.com")]).expect(303);
        // Nor does anybody join under one.
        let link = invited(&server, &browser, "mallory@example.com", &[]);
        let guest = Browser::new(&server);
        let token = guest.page(&link).token();
        guest.post(&link, &[("token", &token), ("given-name", "Muster")]).expect(422).says("is reserved").assert_well_made();
        joined(&server, &link, "Mallory");
    }

    fn what_a_connection_sends_is_kept_under_whatever_name(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        for name in ["admin", "root", "system", "null", "support", "0"] {
            let made = acme.client.post("/Users", &user(name)).expect(201).id();
            acme.client.post("/Groups", &group(name, &[&made])).expect(201);
            assert_eq!(acme.client.get(&format!("/Users/{made}")).expect(200).json()["userName"], name);
        }
        // Whoever is called so by a connection, and is its own no more, keeps the name when something else is changed.
        let browser = recovery_administrator(&server, acme.id);
        let found = browser.page("/o/acme/people?q=root").html;
        assert!(found.contains("<bdi>root</bdi>"), "{found}");
    }
}
