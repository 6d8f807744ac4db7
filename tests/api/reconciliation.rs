//! The accounts of downstream systems against the people here: what differs, its history, and leavers who are still there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use muster::model::{CredentialKind, Destinations, ResourceId, limits};
use serde_json::{Value, json};

use super::administration::{administrator, problem};
use super::leavers::active;
use crate::support::{Client, Database, FarSide, Listener, Organization, Program, Server, user};

struct Fixture {
    server: Server,
    made: Organization,
    admin: Client,
}

impl Fixture {
    fn new(database: &Database) -> Self {
        let server = Server::start(database);
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        Self { server, made, admin }
    }

    fn person(&self, name: &str) -> String {
        let mut body = user(name);
        body["emails"] = json!([{ "value": format!("{name}@example.com"), "primary": true }]);
        self.made.client.post("/Users", &body).expect(201).id()
    }

    fn system(&self, name: &str) -> String {
        self.admin.post("/systems", &json!({ "name": name })).expect(201).id()
    }

    fn compare(&self, system: &str, csv: &str) -> Value {
        self.admin.post(&format!("/systems/{system}/reconciliations"), &json!({ "csv": csv })).expect(200).json()
    }

    fn found(&self) -> Vec<(String, String, String)> {
        let items = self.admin.get("/findings").expect(200).json()["items"].as_array().unwrap().clone();
        let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
        items.iter().map(|item| (text(item, "leaver"), text(item, "kind"), text(item, "other"))).collect()
    }

    fn certificate(&self, id: &str) -> (Value, Vec<String>) {
        let text = self.admin.get(&format!("/users/{id}/leaver-certificate")).expect(200).text;
        let unconfirmed = muster::evidence::bundle::verify(&text, None).unwrap().unconfirmed;
        (serde_json::from_str::<Value>(&text).unwrap()["statement"]["content"].clone(), unconfirmed)
    }
}

on_both_databases! {
    fn a_list_tells_orphans_leavers_missing_people_and_groups_that_differ(database: &Database) {
        let fixture = Fixture::new(database);
        let (ada, bob, cyn, dan) = (fixture.person("ada"), fixture.person("bob"), fixture.person("cyn"), fixture.person("dan"));
        fixture.made.client.create_group("Crew", &[&ada, &cyn]);
        fixture.made.client.delete(&format!("/Users/{bob}")).expect(204);
        fixture.made.client.patch(&format!("/Users/{dan}"), &active(false)).expect(200);
        let system = fixture.system("registry");
        let csv = "account,email,groups\nADA,,\nb.ob,BOB@example.com,crew\ndan,,\nroot,,crew;wheel\n";
        let report = fixture.compare(&system, csv);
        assert_eq!(report["accounts"], 4);
        assert_eq!(report["orphans"], json!([{ "account": "root", "key": "root", "ambiguous": false }]));
        assert_eq!(report["leavers"], json!([{ "account": "b.ob", "user": bob }, { "account": "dan", "user": dan }]));
        assert_eq!(report["missing"], json!([{ "user": cyn, "user_name": "cyn" }]));
        assert_eq!(report["groups"], json!([{ "group": "crew", "user": ada, "only": "here" }]));
        assert_eq!(report["unknown_groups"], json!(["wheel"]));
        // Whoever an administrator ties an account to has it.
        let tie = |user: Value| fixture.admin.put(&format!("/systems/{system}/accounts"), &json!({ "account": "root", "user": user }));
        tie(json!(cyn)).expect(204);
        let tied = fixture.compare(&system, csv);
        assert_eq!((&tied["orphans"], &tied["missing"]), (&json!([]), &json!([])));
        tie(Value::Null).expect(204);
        problem(&tie(Value::Null), 404, "tied to nobody");
        let history = fixture.admin.get(&format!("/systems/{system}/reconciliations")).expect(200).json()["items"].clone();
        assert_eq!((history.as_array().unwrap().len(), &history[0]["id"], &history[1]["id"]), (2, &report["id"], &tied["id"]));
    }

    fn an_account_of_somebody_who_is_gone_is_a_finding_and_not_confirmed_until_it_goes(database: &Database) {
        let fixture = Fixture::new(database);
        let ada = fixture.person("ada");
        fixture.person("ben");
        let (registry, other) = (fixture.system("registry"), fixture.system("other"));
        fixture.compare(&registry, "account\nada\nben\n");
        assert_eq!(fixture.found(), []);
        fixture.made.client.patch(&format!("/Users/{ada}"), &active(false)).expect(200);
        assert!(fixture.certificate(&ada).0.get("downstream").is_none(), "nothing was compared since");
        fixture.compare(&registry, "account\nada\nben\n");
        fixture.compare(&other, "account\nben\n");
        let expected = vec![(ada.clone(), "left-downstream".to_owned(), registry.clone())];
        assert_eq!(fixture.found(), expected);
        fixture.compare(&registry, "account\nada\nben\n");
        fixture.admin.post("/findings/look", &json!({ "leavers": "all" })).expect(200);
        assert_eq!(fixture.found(), expected, "once, however often it is seen");
        let (content, unconfirmed) = fixture.certificate(&ada);
        assert!(unconfirmed.len() == 1 && unconfirmed[0].starts_with("system `registry` still had an account at"), "{unconfirmed:?}");
        let seen: Vec<(&str, bool)> = content["downstream"].as_array().unwrap().iter()
            .map(|seen| (seen["system"].as_str().unwrap(), seen["has_account"].as_bool().unwrap())).collect();
        assert_eq!(seen, [("other", false), ("registry", true)]);
        fixture.compare(&registry, "account\nben\n");
        assert_eq!(fixture.found(), []);
        assert_eq!(fixture.certificate(&ada).1, Vec::<String>::new());
        fixture.admin.post("/findings/look", &json!({ "leavers": "all" })).expect(200);
        assert_eq!(fixture.found(), []);
    }

    fn members_and_teams_come_from_github_page_by_page_and_within_its_limits(database: &Database) {
        let fixture = Fixture::new(database);
        let (ada, ben) = (fixture.person("ada"), fixture.person("ben"));
        fixture.made.client.create_group("Deployers", &[&ada]);
        fixture.made.client.patch(&format!("/Users/{ben}"), &active(false)).expect(200);
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let github = FarSide::start_with_headers(move |seen| {
            assert_eq!(seen.headers["authorization"], "Bearer gh-token");
            let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
            let host = seen.headers["host"].clone();
            let page = |body: Value| (200, String::new(), body.to_string());
            match seen.path.as_str() {
                _ if first => (429, "Retry-After: 0\r\n".to_owned(), String::new()),
                "/orgs/acme/members?per_page=100" => {
                    let link = format!("Link: <http://{host}/orgs/acme/members?per_page=100&page=2>; rel=\"next\"\r\n");
                    (200, link, json!([{ "login": "ada", "id": 1 }]).to_string())
                }
                "/orgs/acme/members?per_page=100&page=2" => page(json!([{ "login": "ben", "id": 2 }, { "login": "eve", "id": 3 }])),
                "/orgs/acme/teams?per_page=100" => page(json!([{ "name": "Deployers", "slug": "deployers" }])),
                "/orgs/acme/teams/deployers/members?per_page=100" => page(json!([{ "login": "eve", "id": 3 }])),
                path => panic!("{path}"),
            }
        });
        let source = json!({ "organization": "acme", "token": "gh-token", "api": github.url });
        let system = fixture.admin.post("/systems", &json!({ "name": "GitHub", "github": source })).expect(201);
        assert!(!system.text.contains("gh-token"));
        let report = fixture.admin.post(&format!("/systems/{}/reconciliations", system.id()), &json!({})).expect(200).json();
        assert_eq!(asked.load(Ordering::SeqCst), 5);
        assert_eq!(report["accounts"], 3);
        assert_eq!(report["orphans"], json!([{ "account": "eve", "key": "3", "ambiguous": false }]));
        assert_eq!(report["leavers"], json!([{ "account": "ben", "user": ben }]));
        assert_eq!(report["groups"], json!([{ "group": "Deployers", "user": ada, "only": "here" }]));
        assert!(!fixture.admin.get("/systems").expect(200).text.contains("gh-token"));
    }

    fn a_far_side_that_answers_otherwise_changes_nothing_and_gets_the_token_nowhere_else(database: &Database) {
        let fixture = Fixture::new(database);
        let elsewhere = Listener::start();
        let trap = elsewhere.url.clone();
        let github = FarSide::start_with_headers(move |seen| match seen.path.as_str() {
            "/orgs/link/members?per_page=100" => (200, format!("Link: <{trap}>; rel=\"next\"\r\n"), "[]".to_owned()),
            "/orgs/redirect/members?per_page=100" => (302, format!("Location: {trap}\r\n"), String::new()),
            "/orgs/reset/members?per_page=100" => {
                (403, "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 32503680000\r\n".to_owned(), String::new())
            }
            "/orgs/garbage/members?per_page=100" => (200, String::new(), "{\"login\":".to_owned()),
            _ => (500, String::new(), String::new()),
        });
        for (organization, about) in [
            ("link", "none of its API"), ("redirect", "answers 302"), ("reset", "asks to wait"), ("garbage", "cannot be read"), ("broken", "answers 500"),
        ] {
            let source = json!({ "organization": organization, "token": "gh-token", "api": github.url });
            let system = fixture.admin.post("/systems", &json!({ "name": organization, "github": source })).expect(201).id();
            problem(&fixture.admin.post(&format!("/systems/{system}/reconciliations"), &json!({})), 409, about);
            let history = fixture.admin.get(&format!("/systems/{system}/reconciliations")).expect(200).json();
            assert_eq!(history["items"], json!([]));
        }
        assert!(elsewhere.rest().is_empty());
    }

    fn only_the_latest_comparisons_are_kept(database: &Database) {
        let fixture = Fixture::new(database);
        let (kept, system) = (limits::RECONCILIATIONS_KEPT, fixture.system("registry"));
        let other = fixture.system("other");
        fixture.compare(&other, "account\n");
        let (administration, id) = (fixture.server.administration(), system.parse().unwrap());
        let first = administration.reconcile(fixture.made.id, id, &[]).unwrap().id;
        for _ in 0..=kept {
            administration.reconcile(fixture.made.id, id, &[]).unwrap();
        }
        let all = administration.reconciliations(fixture.made.id, id, ResourceId::LAST, 10_000).unwrap();
        assert_eq!(all.len(), kept);
        assert!(all.iter().all(|one| one.id != first), "the oldest went");
        let other = administration.reconciliations(fixture.made.id, other.parse().unwrap(), ResourceId::LAST, 10_000).unwrap();
        assert_eq!(other.len(), 1, "each system has its own");
    }

    fn what_cannot_be_compared_is_refused(database: &Database) {
        let fixture = Fixture::new(database);
        let system = fixture.system("registry");
        let path = format!("/systems/{system}/reconciliations");
        problem(&fixture.admin.post("/systems", &json!({ "name": "REGISTRY" })), 409, "exists already");
        for api in ["http://10.0.0.1/", "ftp://api.github.com", "https://[::1]/"] {
            let source = json!({ "organization": "acme", "token": "t", "api": api });
            fixture.admin.post("/systems", &json!({ "name": "x", "github": source })).expect(400);
        }
        let source = json!({ "organization": "../user", "token": "t" });
        problem(&fixture.admin.post("/systems", &json!({ "name": "x", "github": source })), 400, "no organization of GitHub");
        problem(&fixture.admin.post(&path, &json!({})), 400, "not fetched");
        problem(&fixture.admin.post(&path, &json!({ "csv": "email\na@example.com\n" })), 400, "`account`");
        problem(&fixture.admin.post(&path, &json!({ "csv": "account\n", "accounts": [] })), 400, "either");
        let nobody = json!({ "account": "x", "user": system });
        problem(&fixture.admin.put(&format!("/systems/{system}/accounts"), &nobody), 404, "no such user");
        let other = fixture.server.organization("other");
        let stranger = administrator(&fixture.server, other.id, CredentialKind::Admin);
        problem(&stranger.post(&path, &json!({ "csv": "account\n" })), 404, "no such system");
        problem(&stranger.delete(&format!("/systems/{system}")), 404, "no such system");
        let auditor = administrator(&fixture.server, fixture.made.id, CredentialKind::Auditor);
        auditor.post(&path, &json!({ "csv": "account\n" })).expect(403);
        auditor.get(&path).expect(200);
        fixture.admin.delete(&format!("/systems/{system}")).expect(204);
        fixture.admin.get(&path).expect(404);
    }

    fn a_system_is_compared_on_the_command_line(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (_, token) = server.first_lines();
        let client = Client { base: format!("{}/scim/v2", server.base()), token };
        let ada = client.create_user("ada");
        program.done(&["system", "add", "registry"]);
        std::fs::write(program.folder().join("accounts.csv"), "account\nada\n").unwrap();
        let agrees = program.run(&["reconcile", "registry", "accounts.csv"]);
        assert_eq!(agrees.code, Some(0), "{agrees:?}");
        client.patch(&format!("/Users/{ada}"), &active(false)).expect(200);
        let left = program.run(&["reconcile", "registry", "accounts.csv"]);
        assert!(left.code == Some(3) && left.stdout.contains("gone, and still has an account: ada"), "{left:?}");
        let json = program.run(&["reconcile", "--json", "registry", "accounts.csv"]);
        assert_eq!(serde_json::from_str::<Value>(&json.stdout).unwrap()["leavers"][0]["user"], ada);
        std::fs::write(program.folder().join("ada.json"), program.done(&["leaver", "ada"])).unwrap();
        let verified = program.run(&["verify", "ada.json"]);
        assert!(verified.code == Some(3), "{verified:?}");
        assert!(format!("{}{}", verified.stdout, verified.stderr).contains("registry"), "{verified:?}");
        assert_eq!(program.done(&["system", "history", "registry"]).lines().count(), 4);
        program.done(&["system", "remove", "registry"]);
        assert_eq!(program.run(&["reconcile", "registry", "accounts.csv"]).code, Some(1));
    }
}
