//! Nobody gains by a sibling path what nobody with the right gave: random walks of everybody who may not give access.
//!
//! 240 walks of up to four calls in all, 100,000 with `MUSTER_TEST_LONG`: a third on each database, a third on several
//! servers. `MUSTER_TEST_SEED` repeats them.

use std::collections::{BTreeMap, BTreeSet};

use muster::access::decide::{Rules, Who};
use muster::access::difference;
use muster::access::graph::Subject;
use muster::clock::Clock;
use muster::model::{CredentialKind, OrganizationId, Precondition, Profile};
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::console::{Browser, caller, invited, person, services};
use crate::support::{BULK, Client, Dice, GROUP, Server, USER, is_long, user};

/// What somebody may do: who, what, where.
type Rights = BTreeSet<(Subject, String, String)>;

/// Everything anybody may do in an organization.
fn rights(server: &Server, organization: OrganizationId) -> Rights {
    let now = server.clock.now();
    let all = |rules: &Rules<'_>| {
        let mut all = Rights::new();
        for (permission, _) in rules.graph.catalogue().permissions() {
            for scope in rules.graph.scopes() {
                let resource = difference::at(&scope.path);
                let who = Who { subject_type: "user", permission: permission.as_str(), resource, circumstances: None };
                let found = rules.subjects_who_may(&who, now, None, usize::MAX);
                all.extend(found.into_iter().map(|who| (who, permission.to_string(), scope.path.to_string())));
            }
        }
        all
    };
    server.judge(organization, all)
}

/// Whoever walks, and what there is to walk about.
struct Stage {
    acme: OrganizationId,
    /// Callers who may give nobody anything: each with the surface it is meant for and the others.
    walkers: Vec<(&'static str, Client)>,
    connection: String,
    users: Vec<String>,
    groups: Vec<String>,
    assignments: Vec<String>,
}

impl Stage {
    /// Two organizations of their own: what walks have broken they cannot walk about any more.
    fn new(server: &Server, number: usize) -> Self {
        let acme = server.organization(&format!("acme-{number}"));
        let second = server.connection(acme.id, "second", Profile::Default);
        let bravo = server.organization(&format!("bravo-{number}"));
        let admin = administrator(server, acme.id, CredentialKind::Admin);
        let call = |method: &str, path: &str, body: &Value| {
            admin.send(
                method,
                path,
                &[("Content-Type", "application/json")],
                (!body.is_null()).then(|| body.to_string()).as_deref(),
            )
        };
        call("POST", "/scopes", &json!({ "path": "/billing/production", "production": true })).expect(201);
        let mut users: Vec<String> = ["ada", "ben"].map(|name| acme.client.create_user(name)).into();
        users.extend(["cyd", "dee"].map(|name| second.create_user(name)));
        users.push(call("POST", "/users", &json!({ "userName": "eve" })).expect(201).id());
        let deployers = acme.client.create_group("deployers", &[&users[0]]);
        let viewers = second.create_group("viewers", &[&users[2]]);
        let idle = second.create_group("idle", &[]);
        let admins = call("POST", "/groups", &json!({ "display_name": "admins" })).expect(201).id();
        call("PUT", &format!("/groups/{admins}/members/{}", users[4]), &Value::Null).expect(204);
        let assignments =
            [(&deployers, "release-manager", "/billing"), (&viewers, "viewer", "/"), (&admins, "admin", "/")];
        let assignments = assignments.map(|(group, role, scope)| {
            let mapping = json!({ "principal": { "type": "group", "id": group }, "role": role, "scope": scope });
            call("POST", "/assignments", &mapping).expect(201).id()
        });
        // It may assign what the mapping of its own group gives, and no more.
        let administration = server.administration();
        let own = administration.connection_named(acme.id, &"second".parse().unwrap()).unwrap().id;
        administration.let_assign_roles(acme.id, own, true, &Precondition::None).unwrap();
        administration.offer_role(acme.id, own, &"viewer".parse().unwrap(), &"/".parse().unwrap()).unwrap();
        let kinds = [CredentialKind::Pep, CredentialKind::Auditor, CredentialKind::Receiver];
        let mut walkers = vec![("the connection of the viewers", second)];
        walkers.extend(kinds.map(|kind| (kind.as_str(), administrator(server, acme.id, kind))));
        walkers.push(("an administrator elsewhere", administrator(server, bravo.id, CredentialKind::Admin)));
        walkers.push(("a connection elsewhere", bravo.client));
        walkers.push(("nobody", Client { base: String::new(), token: "none".to_owned() }));
        // Whoever got rid of it would open what it closes.
        let text = "@id(\"closed\")\n@reason(\"r\")\n@control(\"c\")\nforbid (principal, action == Action::\"deploy:approve\", resource);";
        call("POST", "/guardrails", &json!({ "text": text, "confirm": true })).expect(200);
        let groups = vec![deployers, viewers, idle, admins];
        Self { acme: acme.id, connection: own.to_string(), walkers, users, groups, assignments: assignments.into() }
    }

    /// One call that might open a way, whoever makes it.
    fn call(&self, dice: &mut Dice) -> (&'static str, String, Value) {
        let any = |dice: &mut Dice, among: &[String]| among[dice.below(among.len())].clone();
        let (who, group, other) = (any(dice, &self.users), any(dice, &self.groups), any(dice, &self.groups));
        let role = dice.pick(&["admin", "release-manager", "deployer"]);
        let member = if dice.once_in(3) { other.clone() } else { who.clone() };
        let name = dice.pick(&["admins", "deployers", "idle", "Admins"]);
        let (kind, whom) = if dice.once_in(2) { ("group", &group) } else { ("user", &who) };
        let principal = json!({ "type": kind, "id": whom });
        let entry = json!([{ "value": role, "primary": true }, { "value": format!("{role}@/") },
            { "value": "deployer@/billing/production" }, { "value": "viewer@/" }]);
        match dice.below(24) {
            0 => (
                "PATCH",
                format!("/scim/v2/Groups/{group}"),
                operations(json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }])),
            ),
            1 => (
                "PATCH",
                format!("/scim/v2/Groups/{group}"),
                operations(json!([{ "op": "replace", "path": "displayName", "value": name }])),
            ),
            2 => (
                "PUT",
                format!("/scim/v2/Groups/{group}"),
                json!({ "schemas": [GROUP], "displayName": name, "members": [{ "value": member }] }),
            ),
            3 => (
                "POST",
                "/scim/v2/Groups".to_owned(),
                json!({ "schemas": [GROUP], "displayName": name, "externalId": group, "members": [{ "value": member }] }),
            ),
            4 => (
                "PATCH",
                format!("/scim/v2/Users/{who}"),
                operations(
                    json!([{ "op": "add", "path": dice.pick(&["roles", "entitlements", "groups"]), "value": entry }]),
                ),
            ),
            5 => (
                "PUT",
                format!("/scim/v2/Users/{who}"),
                json!({ "schemas": [USER], "userName": "eve", "roles": entry, "groups": [{ "value": group }], "entitlements": entry }),
            ),
            6 => (
                "PATCH",
                format!("/scim/v2/Users/{who}"),
                operations(
                    json!([{ "op": "replace", "path": "userName", "value": dice.pick(&["ada", "eve", "zoe"]) }]),
                ),
            ),
            7 => (
                "POST",
                "/scim/v2/Bulk".to_owned(),
                json!({ "schemas": [BULK], "Operations": [
                { "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "schemas": [GROUP], "displayName": name, "members": [{ "value": who }, { "value": group }] } },
                { "method": "PATCH", "path": format!("/Groups/{other}"), "data": operations(json!([{ "op": "add", "path": "members", "value": [{ "value": "bulkId:g" }] }])) }] }),
            ),
            8 => ("POST", "/scim/v2/Users".to_owned(), user(dice.pick(&["eve2", "ada", "admin"]))),
            9 => ("DELETE", format!("/scim/v2/Groups/{group}"), Value::Null),
            10 => (
                "POST",
                "/api/v1/assignments".to_owned(),
                json!({ "principal": principal, "role": role, "scope": "/" }),
            ),
            11 => ("PUT", format!("/api/v1/groups/{group}/members/{member}"), Value::Null),
            12 => ("PATCH", format!("/api/v1/groups/{group}"), json!({ "display_name": name })),
            13 => ("PUT", format!("/api/v1/roles/{role}"), json!({ "permissions": ["deploy:run", "deploy:approve"] })),
            14 => (
                "PATCH",
                format!("/api/v1/assignments/{}", any(dice, &self.assignments)),
                json!({ "until": "2999-01-01T00:00:00Z" }),
            ),
            15 => ("POST", "/api/v1/credentials".to_owned(), json!({ "kind": "admin" })),
            16 => (
                "POST",
                "/api/v1/changes".to_owned(),
                json!({ "assign": { "principal": principal, "role": role, "scope": "/" }, "fingerprint": "x" }),
            ),
            17 => (
                "POST",
                "/api/v1/services".to_owned(),
                json!({ "name": "pipeline", "owner": who, "expires_at": "2999-01-01T00:00:00Z" }),
            ),
            18 => {
                let path = format!("/api/v1/connections/{}/offers", self.connection);
                ("POST", path, json!({ "role": role, "scope": "/" }))
            }
            19 => ("DELETE", "/api/v1/guardrails/closed".to_owned(), Value::Null),
            20 => ("DELETE", format!("/api/v1/assignments/{}", any(dice, &self.assignments)), Value::Null),
            21 => ("PUT", "/api/v1/scopes".to_owned(), json!({ "path": "/billing/production", "production": false })),
            22 => ("DELETE", format!("/scim/v2/Users/{who}"), Value::Null),
            _ => (
                "POST",
                "/access/v1/evaluation".to_owned(),
                json!({ "subject": { "type": "user", "id": who, "properties": { "role": "admin", "groups": [group] } },
                "action": { "name": "deploy:run" }, "resource": { "type": "environment", "id": "/billing/production" } }),
            ),
        }
    }
}

fn operations(operations: Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

/// Walks about one pair of organizations.
const WALKS_A_STAGE: usize = 100;

on_both_databases_and_several_servers! {
    fn no_walk_of_those_who_may_give_nothing_gives_anybody_more(database: &Database) {
        let server = Server::start(database);
        let walks: usize = if is_long() { 33_400 } else { 80 };
        let (mut dice, began) = (Dice::new(), Clock::monotonic());
        let (mut taken, mut answered) = (0_usize, BTreeMap::<u16, usize>::new());
        for number in 0..walks.div_ceil(WALKS_A_STAGE) {
            let stage = Stage::new(&server, number);
            let known = rights(&server, stage.acme);
            assert!(known.iter().any(|(_, permission, _)| permission == "organization:manage-access"));
            // A connection gives what the mappings of its own groups give, to whom it likes: the viewers' permission.
            let given = |right: &(Subject, String, String)| right.1 == "build:view" || known.contains(right);
            for _ in 0..WALKS_A_STAGE.min(walks - taken) {
                taken += 1;
                let (walker, client) = &stage.walkers[dice.below(stage.walkers.len())];
                let mut path_taken = Vec::new();
                for _ in 0..4 {
                    let (method, path, body) = stage.call(&mut dice);
                    let client = Client { base: server.url.clone(), token: client.token.clone() };
                    let content_type = if path.starts_with("/scim") { "application/scim+json" } else { "application/json" };
                    let sent = (!body.is_null()).then(|| body.to_string());
                    let answer = client.send(method, &path, &[("Content-Type", content_type)], sent.as_deref());
                    assert_ne!(answer.status, 500, "{walker} {method} {path} {body}: {}", answer.text);
                    *answered.entry(answer.status).or_default() += 1;
                    path_taken.push(format!("{method} {path} {body} -> {}", answer.status));
                    let gained: Vec<_> = rights(&server, stage.acme).into_iter().filter(|right| !given(right)).collect();
                    assert!(gained.is_empty(), "{walker} gave {gained:?} by\n{}", path_taken.join("\n"));
                }
            }
        }
        println!("{taken} walks on {:?}, {} servers: {answered:?}, {:?}", database.backend(), database.servers(), began.elapsed());
        assert!(answered.contains_key(&201) && answered.contains_key(&403), "calls that go through and calls that do not: {answered:?}");
    }

    // Whoever may keep people and not change access.
    fn who_keeps_people_lets_nobody_into_a_group_that_gives_something(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let (services, caller) = (services(&server), caller(acme.id));
        let permissions = ["organization:read", "organization:manage-people"].map(|name| name.parse().unwrap());
        services.administration(&caller).create_role(acme.id, &"people".parse().unwrap(), &permissions.into_iter().collect()).unwrap();
        let admin = administrator(&server, acme.id, CredentialKind::Admin);
        let call = |method: &str, path: &str, body: &Value| {
            let body = (!body.is_null()).then(|| body.to_string());
            admin.send(method, path, &[("Content-Type", "application/json")], body.as_deref())
        };
        let group = |name: &str| call("POST", "/groups", &json!({ "display_name": name })).expect(201).id();
        let (outer, inner, plain) = (group("outer"), group("inner"), group("plain"));
        call("PUT", &format!("/groups/{outer}/members/{inner}"), &Value::Null).expect(204);
        let (keeper, root) = (person(&server, acme.id, "keeper", "people"), person(&server, acme.id, "ruler", "admin"));
        let add = |browser: &Browser, group: &str, who: &str| {
            let page = format!("/o/acme/groups/{group}");
            browser.submit(&page, &format!("{page}/add"), &[("names", who)])
        };
        // Made by an administrator, and by the keeper while nothing was assigned to the group.
        let friend = invited(&server, &keeper, "friend@example.com", &[("groups", &inner)]);
        invited(&server, &root, "boss@example.com", &[("role", "admin"), ("scope", "/")]);
        let mapping = json!({ "principal": { "type": "group", "id": outer }, "role": "admin", "scope": "/",
            "from": "2999-01-01T00:00:00Z" });
        let later = call("POST", "/assignments", &mapping).expect(201).id();
        let before = rights(&server, acme.id);
        for at_last in [false, true] {
            for group in [&inner, &outer] {
                let refused = add(&keeper, group, "keeper");
                assert_eq!(refused.status, 422, "{}", refused.html);
                assert!(refused.html.contains("only who may change access lets people in"), "{}", refused.html);
                let page = "/o/acme/invitations/new";
                let asked = keeper.submit(page, "/o/acme/invitations", &[("address", "eve@example.com"), ("groups", group)]);
                assert!(!asked.html.contains("/join/"), "{}", asked.html);
            }
            // The link of a new letter would be shown to whoever sends it.
            let again = keeper.submit("/o/acme/invitations/new", "/o/acme/invitations", &[("address", "boss@example.com")]);
            assert!(!again.html.contains("/join/"), "{}", again.html);
            let listed = keeper.page("/o/acme/invitations");
            for form in listed.html.split('"').filter(|text| text.ends_with("/resend")) {
                let again = keeper.submit("/o/acme/invitations", form, &[]);
                assert!(again.status >= 400 && !again.html.contains("/join/"), "{form}: {}", again.html);
            }
            Browser::new(&server).get(&friend).expect(410);
            add(&keeper, &plain, "keeper").expect(303);
            assert_eq!(rights(&server, acme.id), before);
            if !at_last {
                call("DELETE", &format!("/assignments/{later}"), &Value::Null).expect(204);
                let now = json!({ "principal": { "type": "group", "id": outer }, "role": "deployer", "scope": "/" });
                call("POST", "/assignments", &now).expect(201);
            }
        }
        add(&root, &inner, "keeper").expect(303);
        assert_ne!(rights(&server, acme.id), before);
    }
}
