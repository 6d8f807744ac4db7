//! The people half: the list, each person, what can be done to them.

use muster::clock::Clock;
use muster::model::Moment;
use serde_json::json;

use super::{Browser, caller, person, recovery_administrator, services};
use crate::support::rows::all_rows;
use crate::support::{Client, Organization, Server, in_parallel, user};

const HOSTILE: [&str; 6] = [
    "\"><script>alert(1)</script>",
    "=cmd()|' /C calc'!A0",
    "\u{202e}gnp.exe",
    "a\u{200b}b",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
];

/// Who asks for decisions.
pub fn pep(server: &Server, acme: &Organization) -> Client {
    use muster::model::CredentialKind;
    use muster::service::administration::NewToken;
    let valid_micros = 400 * 86_400 * 1_000_000;
    let wanted = NewToken { organization: acme.id, kind: CredentialKind::Pep, connection: None, valid_micros };
    let mut client = acme.client.clone();
    client.base.clone_from(&server.url);
    client.token = server.administration().issue_token(&wanted).unwrap().to_string();
    client
}

/// The id of a person, by userName.
pub fn id_of(server: &Server, organization: muster::model::OrganizationId, name: &str) -> String {
    muster::service::people::find(&services(server), &caller(organization), name).unwrap().to_string()
}

pub fn add(browser: &Browser, fields: &[(&str, &str)]) -> String {
    let made = browser.submit("/o/acme/people/new", "/o/acme/people/new", fields);
    made.location().rsplit('/').next().unwrap().to_owned()
}

on_both_databases! {
    fn people_are_known_by_when_they_were_last_seen(database: &Database) {
        let day = 86_400 * 1_000_000_i64;
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        for name in ["asked", "forgotten", "never"] {
            acme.client.post("/Users", &user(name)).expect(201);
        }
        let pep = pep(&server, &acme);
        let ask = |who: &str| {
            let body = json!({ "subject": { "type": "user", "id": who }, "action": { "name": "build:view" },
                "resource": { "type": "organization", "id": "/" } });
            pep.send("POST", "/access/v1/evaluation", &[("Content-Type", "application/json")], Some(&body.to_string())).expect(200);
        };
        ask("forgotten");
        clock.advance(40 * day);
        ask("asked");
        server.live.flush_decisions().unwrap();
        // Whoever signs in is seen too.
        let visitor = person(&server, acme.id, "visitor", "admin");
        visitor.page("/o/acme");
        let browser = recovery_administrator(&server, acme.id);
        let listed = |browser: &Browser, seen: &str| -> Vec<&str> {
            let page = browser.page(&format!("/o/acme/people?seen={seen}")).html;
            ["asked", "forgotten", "never", "visitor"].into_iter().filter(|name| page.contains(&format!("<bdi>{name}</bdi>"))).collect()
        };
        assert_eq!(listed(&browser, "day"), ["asked", "visitor"]);
        assert_eq!(listed(&browser, "month"), ["asked", "visitor"]);
        assert_eq!(listed(&browser, "not-for-a-month"), ["forgotten", "never"]);
        assert_eq!(listed(&browser, "not-for-a-quarter"), ["never"]);
        assert_eq!(listed(&browser, "never"), ["never"]);
        browser.get("/o/acme/people?seen=tomorrow").expect(400);
        browser.page(&format!("/o/acme/people/{}", id_of(&server, acme.id, "forgotten"))).says("40 days ago");
        browser.page(&format!("/o/acme/people/{}", id_of(&server, acme.id, "never"))).says("never asked for at a gate");
        // A day later the same people were seen a day ago, and nothing else has changed.
        clock.advance(day + 1);
        let browser = recovery_administrator(&server, acme.id);
        assert!(listed(&browser, "day").is_empty());
        assert_eq!(listed(&browser, "week"), ["asked", "visitor"]);
    }

    fn filters_are_of_everybody_in_large_groups_too(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let names: Vec<String> = (0..130).map(|number| format!("worker{number:03}")).collect();
        let made = std::sync::Mutex::new(Vec::new());
        in_parallel(4, names.len(), |number| {
            let id = acme.client.post("/Users", &user(&names[number])).expect(201).id();
            made.lock().unwrap().push((number, id));
        });
        let made = made.into_inner().unwrap();
        let odd: Vec<&str> = made.iter().filter(|(number, _)| number % 2 == 1).map(|(_, id)| id.as_str()).collect();
        let inner = acme.client.post("/Groups", &crate::support::group("inner", &odd)).expect(201).id();
        let outer = acme.client.post("/Groups", &crate::support::group("outer", &[])).expect(201).id();
        let nested = json!([{ "op": "add", "path": "members", "value": [{ "value": inner, "type": "Group" }] }]);
        acme.client.patch(&format!("/Groups/{outer}"), &nested).expect(200);
        let text = "[[assignment]]\ngroup = \"outer\"\nrole = \"viewer\"\nscope = \"/\"\n";
        muster::service::access::apply(&services(&server), &caller(acme.id), text).unwrap();
        let browser = recovery_administrator(&server, acme.id);
        for query in [format!("group={inner}"), "role=viewer".to_owned(), format!("role=viewer&q=worker&group={inner}&sort=user-name&turned=down")] {
            let (mut path, mut listed) = (format!("/o/acme/people?{query}"), Vec::new());
            loop {
                let page = browser.page(&path);
                let shown = names.iter().filter(|name| page.html.contains(&format!("<bdi>{name}</bdi>")));
                listed.extend(shown.cloned());
                let Some(next) = page.html.split("href=\"").find(|rest| rest.contains("rel=\"next\"") && rest.starts_with("/o/acme/people?")) else { break };
                path = next.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
            }
            listed.sort();
            let expected: Vec<String> = names.iter().skip(1).step_by(2).cloned().collect();
            assert_eq!(listed, expected, "{query}");
        }
    }

    fn people_are_listed_searched_filtered_and_paged(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        browser.page("/o/acme/people").says("Nobody here yet");
        let names: Vec<String> = (0..120).map(|number| format!("worker{number:03}@example.com")).collect();
        in_parallel(4, names.len(), |number| drop(acme.client.post("/Users", &user(&names[number])).expect(201)));
        add(&browser, &[("userName", "zoe@example.com"), ("givenName", "Zoe"), ("familyName", "Quill"), ("email", "zoe.quill@mail.example")]);
        let mut seen = Vec::new();
        let mut path = "/o/acme/people?sort=name".to_owned();
        loop {
            let page = browser.page(&path);
            seen.extend(names.iter().filter(|name| page.html.contains(name.as_str())).cloned());
            let Some(next) = page.html.split("href=\"").find(|rest| rest.contains("rel=\"next\"") && rest.starts_with("/o/acme/people?")) else { break };
            path = next.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
        }
        seen.sort();
        assert_eq!(seen, names, "everybody is on exactly one page");
        for (query, finds) in [
            ("q=worker007", true),
            ("q=ZOE", false),
            ("source=local", false),
            ("state=active&q=worker007%40example.com", true),
            ("state=inactive", false),
            ("role=admin", false),
        ] {
            let page = browser.page(&format!("/o/acme/people?{query}"));
            assert_eq!(page.html.contains("worker007"), finds, "{query}");
        }
        for query in ["q=zoe", "q=Quill", "q=zoe.quill%40mail.example", "source=local", "sort=created&turned=down"] {
            browser.page(&format!("/o/acme/people?{query}")).says("zoe@example.com");
        }
        browser.page("/o/acme/people?q=nobody-of-that-name").says("Nobody fits");
        for wrong in ["after=x", "state=x", "source=x", "sort=x", "group=x", "role=%20X", "q=a&q=b"] {
            browser.get(&format!("/o/acme/people?{wrong}")).expect(400).assert_well_made();
        }
    }

    fn a_persons_page_says_what_is_allowed_and_why(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let id = add(&browser, &[("userName", "ana@example.com"), ("displayName", "Ana Ruiz")]);
        let page = browser.page(&format!("/o/acme/people/{id}")).says("Ana Ruiz").says("Active");
        page.clone().says("Nothing: no role is assigned");
        let path = format!("/o/acme/people/{id}/roles/new");
        let preview = browser.page(&format!("{path}?role=viewer&scope=%2F"));
        preview.clone().says("Gains").says("ana@example.com build:view at /");
        let fields = [
            ("token", preview.token()),
            ("fingerprint", preview.value("fingerprint")),
            ("role", "viewer".to_owned()),
            ("scope", "/".to_owned()),
        ];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let before = all_rows(database);
        let without: Vec<(&str, &str)> = fields.iter().copied().filter(|(name, _)| *name != "fingerprint").collect();
        browser.post(&path, &without).expect(400);
        assert_eq!(all_rows(database), before);
        browser.post(&path, &fields).expect(303);
        let page = browser.page(&format!("/o/acme/people/{id}"));
        page.clone().says("viewer").says("assigned directly").says("build:view");
        let end = page.html.split('"').find(|text| text.contains("/roles/") && text.ends_with("/end")).unwrap().to_owned();
        let preview = browser.page(&end).says("Loses");
        browser.post(&end, &[("token", &preview.token()), ("fingerprint", &preview.value("fingerprint"))]).expect(303);
        browser.page(&format!("/o/acme/people/{id}")).says("The role was taken away").says("Nothing: no role is assigned");
    }

    fn somebody_is_deactivated_brought_back_and_removed_after_a_look(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let victim = person(&server, acme.id, "vic", "viewer");
        let id = id_of(&server, acme.id, "vic");
        let path = |what: &str| format!("/o/acme/people/{id}/{what}");
        browser.page(&path("deactivate")).says("may do nothing from the moment you confirm").says("viewer at /");
        victim.page("/o/acme/profile");
        browser.submit(&path("deactivate"), &path("deactivate"), &[]).expect(303);
        browser.page(&format!("/o/acme/people/{id}")).says("vic is deactivated").says("Deactivated");
        assert_eq!(victim.get("/o/acme/profile").location(), "/sign-in");
        let proof = browser.submit(&format!("/o/acme/people/{id}"), &path("certificate"), &[]).expect(200);
        assert!(proof.html.contains(&id) && proof.headers["content-disposition"].to_str().unwrap().contains("attachment"));
        browser.submit(&path("reactivate"), &path("reactivate"), &[]).expect(303);
        browser.page(&format!("/o/acme/people/{id}")).says("Active");
        assert_eq!(victim.get("/o/acme/profile").location(), "/sign-in");
        browser.submit(&path("remove"), &path("remove"), &[]).expect(303);
        browser.get(&format!("/o/acme/people/{id}")).expect(404);
        assert_eq!(browser.post(&path("remove"), &[("token", &browser.page("/o/acme").token())]).status, 404);
    }

    fn what_a_connection_sends_is_held_and_not_edited(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let id = acme.client.post("/Users", &user("kim")).expect(201).id();
        let path = |what: &str| format!("/o/acme/people/{id}/{what}");
        browser.get(&path("edit")).expect(403).says("comes from first");
        browser.get(&path("remove")).expect(409).says("kim comes from first").assert_well_made();
        browser.submit(&path("deactivate"), &path("deactivate"), &[]).expect(303);
        browser.page(&format!("/o/acme/people/{id}")).says("Suspended");
        acme.client.patch(&format!("/Users/{id}"), &json!([{ "op": "replace", "path": "active", "value": true }])).expect(200);
        browser.page(&format!("/o/acme/people/{id}")).says("Suspended");
        browser.submit(&path("reactivate"), &path("reactivate"), &[]).expect(303);
        browser.page(&format!("/o/acme/people/{id}")).says("Active");
    }

    fn the_last_administrator_stays(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let admin = person(&server, acme.id, "boss", "admin");
        let id = id_of(&server, acme.id, "boss");
        let path = |what: &str| format!("/o/acme/people/{id}/{what}");
        for what in ["deactivate", "remove"] {
            admin.get(&path(what)).expect(409).says("is the only active administrator").assert_well_made();
            let token = admin.page("/o/acme").token();
            let before = all_rows(database);
            admin.post(&path(what), &[("token", &token)]).expect(409).assert_well_made();
            assert_eq!(all_rows(database), before, "{what}");
        }
    }

    fn of_two_who_edit_somebody_the_second_sees_both_versions(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let (one, other) = (recovery_administrator(&server, acme.id), recovery_administrator(&server, acme.id));
        let id = add(&one, &[("userName", "ana"), ("title", "first")]);
        let path = format!("/o/acme/people/{id}/edit");
        let (first, second) = (one.page(&path), other.page(&path));
        let save = |browser: &Browser, page: &super::browser::Shown, title: &str| {
            let (token, version) = (page.token(), page.value("version"));
            browser.post(&path, &[("token", &token), ("version", &version), ("userName", "ana"), ("title", title)])
        };
        save(&one, &first, "mine").expect(303);
        let both = save(&other, &second, "yours").expect(409).says("By now it is mine");
        both.assert_well_made();
        assert_eq!(both.value("title"), "yours", "what was typed is kept");
        save(&other, &both, "yours").expect(303);
        one.page(&format!("/o/acme/people/{id}")).says("yours");
        let token = one.page(&path).token();
        one.post(&path, &[("token", &token), ("userName", "ana")]).expect(400);
    }

    fn hostile_names_are_text(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let long = "x".repeat(300);
        for (number, name) in HOSTILE.into_iter().chain([long.as_str()]).enumerate() {
            let user_name = format!("user{number}");
            let id = add(&browser, &[("userName", &user_name), ("displayName", name), ("title", name), ("familyName", name)]);
            for path in ["", "/edit", "/deactivate", "/remove", "/roles/new"] {
                let page = browser.page(&format!("/o/acme/people/{id}{path}"));
                assert!(!page.html.contains("<script>alert"), "{path} {name}");
            }
            let edit = browser.page(&format!("/o/acme/people/{id}/edit"));
            assert_eq!(edit.value("displayName"), name);
            browser.page(&format!("/o/acme/people?q=user{number}")).assert_well_made();
        }
        let refused = browser.submit("/o/acme/people/new", "/o/acme/people/new", &[("userName", "user0")]);
        refused.clone().expect(422).says("already taken").assert_well_made();
        browser.submit("/o/acme/people/new", "/o/acme/people/new", &[("userName", "")]).expect(422).assert_well_made();
    }
}

on_both_databases! {
    fn a_token_is_shown_once_and_revoked(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        browser.page("/o/acme/settings").says("No tokens").says("No person has the role admin").says("Recovery administrator");
        let shown = browser.page("/o/acme/settings").form("/settings/tokens").send(&browser).expect(200);
        shown.assert_well_made();
        let token = shown.html.split('"').find(|text| text.starts_with("muster_pep_")).unwrap().to_owned();
        let settings = browser.page("/o/acme/settings").says("Never used");
        assert!(!settings.html.contains(&token));
        let revoke = settings.html.split('"').find(|text| text.ends_with("/revoke")).unwrap().to_owned();
        browser.submit("/o/acme/settings", &revoke, &[]).expect(303);
        browser.page("/o/acme/settings").says("Revoked");
        browser.submit("/o/acme/settings", "/o/acme/settings/tokens", &[("kind", "scim")]).expect(400);
    }
}
