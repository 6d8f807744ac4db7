//! Access administered over HTTP: guardrails that hold at once, gates, previews and what comes of them.

use muster::access::decide::Question;
use muster::access::difference;
use muster::access::graph::IdentifierKind;
use muster::model::{CredentialKind, OrganizationId, ScopePath};
use serde_json::{Value, json};

use crate::administration::{administrator, problem};
use crate::support::rows::all_rows;
use crate::support::{Answer, Client, Program, Server, group, user};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn call(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json")];
    client.send(method, path, &headers, (!body.is_null()).then(|| body.to_string()).as_deref())
}

fn of_department(name: &str, department: &str) -> Value {
    let mut person = user(name);
    person["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE]);
    person[ENTERPRISE] = json!({ "department": department });
    person
}

/// Whether guardrails and assignments let somebody do something.
fn may(server: &Server, organization: OrganizationId, who: &str, permission: &str, scope: &str) -> bool {
    let path: ScopePath = scope.parse().unwrap();
    let now = server.clock.now();
    server.judge(organization, |rules| {
        let subject = rules.graph.subject("user", who, &[IdentifierKind::Name]);
        let question = Question { subject, permission, resource: difference::at(&path), circumstances: None };
        rules.decide(&question, now).is_allowed()
    })
}

/// An organization with two people who deploy to production, and its administrator.
fn crew(server: &Server) -> (crate::support::Organization, Client) {
    let acme = server.organization("acme");
    let ada = acme.client.post("/Users", &of_department("ada", "IT")).expect(201).id();
    let grace = acme.client.post("/Users", &of_department("grace", "HR")).expect(201).id();
    acme.client.post("/Groups", &group("crew", &[&ada, &grace])).expect(201);
    let admin = administrator(server, acme.id, CredentialKind::Admin);
    call(&admin, "POST", "/scopes", &json!({ "path": "/billing/production", "production": true })).expect(201);
    let mapping = json!({ "principal": { "type": "group", "id": "crew" }, "role": "deployer", "scope": "/billing" });
    call(&admin, "POST", "/assignments", &mapping).expect(201);
    (acme, admin)
}

fn department(values: &[&str]) -> Value {
    json!({ "ready": { "ready": "attribute-limit", "name": "only-it", "reason": "only IT deploys", "control": "C-7",
        "attribute": "department", "values": values, "permissions": ["deploy:run"], "scope": "/billing" } })
}

const PLACE: &str = "/billing/production";

on_both_databases_and_several_servers! {
    fn a_guardrail_holds_at_once_and_follows_what_it_reads_of_people(database: &Database) {
        let server = Server::start(database);
        let (acme, admin) = crew(&server);
        let allowed = |who: &str| may(&server, acme.id, who, "deploy:run", PLACE);
        assert!(allowed("ada") && allowed("grace"));
        let saved = call(&admin, "POST", "/guardrails", &department(&["IT"])).expect(200).json();
        assert!(saved["text"].as_str().unwrap().contains("forbid ("), "{saved}");
        assert!(allowed("ada") && !allowed("grace"), "forbidden from the next question on");
        let grace = acme.client.found("/Users", "userName eq \"grace\"").remove(0);
        let mut moved = of_department("grace", "IT");
        acme.client.put(&format!("/Users/{grace}"), &moved).expect(200);
        assert!(allowed("grace"), "she moved");
        moved[ENTERPRISE] = json!({ "department": "HR" });
        acme.client.put(&format!("/Users/{grace}"), &moved).expect(200);
        assert!(!allowed("grace"), "and moved back");
        let nobody = acme.client.post("/Users", &user("joan")).expect(201).id();
        let crew = acme.client.found("/Groups", "displayName eq \"crew\"").remove(0);
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": nobody }] }]);
        acme.client.patch(&format!("/Groups/{crew}"), &add).expect(200);
        assert!(!allowed("joan"), "without the attribute: denied");
        let fresh = Server::start(database);
        assert!(may(&fresh, acme.id, "ada", "deploy:run", PLACE) && !may(&fresh, acme.id, "grace", "deploy:run", PLACE));
        call(&admin, "DELETE", "/guardrails/only-it", &Value::Null).expect(204);
        assert!(allowed("grace") && allowed("joan"));
    }

    fn a_guardrail_that_lets_nobody_through_is_saved_only_when_confirmed(database: &Database) {
        let server = Server::start(database);
        let (acme, admin) = crew(&server);
        let before = all_rows(database);
        let mut none = department(&["Legal"]);
        let answer = call(&admin, "POST", "/guardrails", &none);
        problem(&answer, 409, "nobody could pass `deploy:run` at `/billing/production`");
        let broken = json!({ "text": "@id(\"x\")\n@reason(\"y\")\n@control(\"z\")\nforbid (principal, action, resource)\nwhen { principal.shoe_size == 1 };" });
        problem(&call(&admin, "POST", "/guardrails", &broken), 400, "line 5");
        problem(&call(&admin, "POST", "/guardrails", &json!({})), 400, "either `text` or `ready`");
        assert_eq!(all_rows(database), before);
        none["confirm"] = true.into();
        call(&admin, "POST", "/guardrails", &none).expect(200);
        let gate = call(&admin, "GET", "/gates", &Value::Null).expect(200).json()["items"]
            .as_array().unwrap().iter().find(|gate| gate["permission"] == "deploy:run").cloned().unwrap();
        assert_eq!((&gate["passing"], &gate["state"]), (&json!(0), &json!("closed")), "{gate}");
        assert!(!may(&server, acme.id, "ada", "deploy:run", PLACE));
    }

    fn a_gate_says_how_many_can_pass_and_whether_that_is_enough(database: &Database) {
        let server = Server::start(database);
        let (_, admin) = crew(&server);
        let set = |minimum: u32, maximum: u32| {
            let bounds = json!({ "scope": PLACE, "permission": "deploy:run", "minimum": minimum, "maximum": maximum });
            call(&admin, "PUT", "/gates", &bounds).expect(200).json()["state"].clone()
        };
        assert_eq!(set(1, 2), "open");
        assert_eq!(set(3, 5), "too few");
        assert_eq!(set(0, 1), "too many");
        let live = server.caught_up();
        live.watch_gates();
        let seen = live.gates_seen();
        let told = |permission: &str| seen.iter().find(|(_, gate)| gate.permission.as_str() == permission)
            .map(|(_, gate)| (gate.passing, gate.state().as_str()));
        assert_eq!((told("deploy:run"), told("deploy:approve")), (Some((2, "too many")), Some((0, "closed"))));
        let tagged = call(&admin, "PUT", "/gates", &json!({ "scope": PLACE, "permission": "deploy:run", "minimum": 1 })).expect(200);
        let query = format!("/gates?scope={PLACE}&permission=deploy:run");
        problem(&admin.send("DELETE", &query, &[("If-Match", "W/\"other\"")], None), 412, "If-Match");
        admin.send("DELETE", &query, &[("If-Match", tagged.header("ETag"))], None).expect(204);
        set(0, 1);
        let listed = Program::on(database).done(&["gate", "list"]);
        let line = listed.lines().find(|line| line.contains("deploy:run")).unwrap();
        assert!(line.contains("too many"), "{listed}");
        assert!(listed.lines().any(|line| line.contains("deploy:approve") && line.contains("closed")), "{listed}");
        call(&admin, "DELETE", "/gates?scope=/billing/production&permission=deploy:run", &Value::Null).expect(204);
    }

    fn a_preview_says_who_gains_and_who_loses_and_is_applied_only_while_it_holds(database: &Database) {
        let server = Server::start(database);
        let (acme, admin) = crew(&server);
        let before = all_rows(database);
        let assign = json!({ "assign": { "principal": { "type": "user", "id": "ada" }, "role": "release-manager", "scope": "/billing" } });
        let preview = call(&admin, "POST", "/previews", &assign).expect(200).json();
        let gains: Vec<(&str, &str, &str)> = preview["gains"].as_array().unwrap().iter()
            .map(|gain| (gain["name"].as_str().unwrap(), gain["permission"].as_str().unwrap(), gain["scope"].as_str().unwrap()))
            .collect();
        assert_eq!(gains, [("ada", "deploy:approve", "/billing")], "{preview}");
        assert_eq!(preview["losses"], json!([]));
        assert_eq!(all_rows(database), before, "a preview changes nothing");
        let limit = json!({ "guardrail": "@id(\"r\")\n@reason(\"y\")\n@control(\"z\")\nforbid (principal is User, action == Action::\"deploy:run\", resource)\nunless { principal.department == \"IT\" };" });
        let losses = call(&admin, "POST", "/previews", &limit).expect(200).json()["losses"].clone();
        assert_eq!(losses.as_array().unwrap().len(), 1, "{losses}");
        assert_eq!((&losses[0]["name"], &losses[0]["scope"]), (&json!("grace"), &json!("/billing")));
        let mut apply = assign.clone();
        problem(&call(&admin, "POST", "/changes", &apply), 400, "fingerprint");
        apply["fingerprint"] = "0".into();
        problem(&call(&admin, "POST", "/changes", &apply), 412, "something else by now");
        // What does not bear on the result does not stand in the way.
        acme.client.post("/Users", &user("joan")).expect(201);
        apply["fingerprint"] = preview["fingerprint"].clone();
        call(&admin, "POST", "/changes", &apply).expect(204);
        assert!(may(&server, acme.id, "ada", "deploy:approve", PLACE));
        let two = json!({ "remove_guardrail": "x", "end_assignment": "y" });
        assert_eq!(call(&admin, "POST", "/previews", &two).status, 404);
    }

    fn why_is_told_alike_over_http_and_at_the_command_line(database: &Database) {
        let server = Server::start(database);
        let (_, admin) = crew(&server);
        let program = Program::on(database);
        call(&admin, "POST", "/guardrails", &department(&["IT"])).expect(200);
        for (who, permission) in [("ada", "deploy:run"), ("ada", "deploy:approve"), ("grace", "deploy:run"), ("nobody", "deploy:run")] {
            let told = admin.get(&format!("/explanations?subject={who}&permission={permission}&scope={PLACE}")).expect(200).json();
            let ended = program.run(&["may", who, permission, PLACE, "--why"]);
            assert_eq!(told["decision"], ended.code == Some(0), "{told} {ended:?}");
            let reasons: Vec<&str> = told["reasons"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
            assert_eq!(reasons, ended.stdout.lines().collect::<Vec<_>>());
        }
        for query in ["subject=ada", "subject=ada&permission=x&scope=billing", "subject=ada&permission=x&scope=/&subject_type=group", "subject=ada&permission=x&scope=/&at=then"] {
            problem(&admin.get(&format!("/explanations?{query}")), 400, "");
        }
    }

    fn a_mapping_is_previewed_and_made_only_while_it_comes_to_the_same(database: &Database) {
        let server = Server::start(database);
        let (acme, _) = crew(&server);
        let program = Program::on(database);
        let before = all_rows(database);
        let told = program.done(&["mapping", "preview", "crew", "release-manager", "/billing"]);
        assert!(told.lines().any(|line| line == "+ ada deploy:approve at /billing"), "{told}");
        assert_eq!(all_rows(database), before, "a preview changes nothing");
        let fingerprint = told.lines().find_map(|line| line.strip_prefix("fingerprint: ")).unwrap().to_owned();
        let map = ["map", "crew", "release-manager", "/billing", "--fingerprint"];
        assert_ne!(program.run(&[&map[..], &["other"]].concat()).code, Some(0));
        assert_eq!(all_rows(database), before);
        program.done(&[&map[..], &[&fingerprint]].concat());
        assert!(may(&server, acme.id, "ada", "deploy:approve", PLACE));
    }

    fn roles_kept_apart_are_told_before_somebody_holds_both(database: &Database) {
        let server = Server::start(database);
        let (_, admin) = crew(&server);
        let apart = json!({ "ready": { "ready": "separation-of-duties", "name": "apart", "reason": "four eyes", "control": "C-1",
            "roles": ["deployer", "release-manager"], "permissions": ["deploy:run", "deploy:approve"] } });
        call(&admin, "POST", "/guardrails", &apart).expect(200);
        let assign = json!({ "assign": { "principal": { "type": "user", "id": "ada" }, "role": "release-manager", "scope": "/" } });
        let preview = call(&admin, "POST", "/previews", &assign).expect(200).json();
        let conflicts = preview["conflicts"].as_array().unwrap();
        assert!(conflicts.iter().any(|one| one["name"] == "ada" && one["scope"] == "/billing"), "{preview}");
        assert!(preview["losses"].as_array().unwrap().iter().any(|one| one["permission"] == "deploy:run"), "{preview}");
    }

    fn roles_scopes_and_services_are_kept_over_http(database: &Database) {
        let server = Server::start(database);
        let (_, admin) = crew(&server);
        let role = |permissions: &[&str]| call(&admin, "PUT", "/roles/debugger", &json!({ "permissions": permissions }));
        assert_eq!(role(&["build:ssh"]).expect(200).json()["version"], 1);
        let second = role(&["build:ssh", "build:view"]).expect(200);
        assert_eq!(second.json()["versions"].as_array().unwrap().len(), 2);
        let stale = admin.send("DELETE", "/roles/debugger", &[("If-Match", "\"other\"")], None);
        problem(&stale, 412, "If-Match");
        problem(&role(&["plane:fly"]), 400, "plane:fly");
        problem(&call(&admin, "PUT", "/roles/admin", &json!({ "permissions": ["deploy:run"] })), 400, "built in");
        admin.send("DELETE", "/roles/debugger", &[("If-Match", second.header("ETag"))], None).expect(204);
        let page = call(&admin, "GET", "/roles?limit=3", &Value::Null).expect(200).json();
        assert_eq!(page["items"].as_array().unwrap().len(), 3);
        let next = format!("/roles?cursor={}", page["next_cursor"].as_str().unwrap());
        let rest = call(&admin, "GET", &next, &Value::Null).expect(200).json();
        assert!(rest["items"][0]["name"].as_str() > page["items"][2]["name"].as_str(), "{rest}");
        problem(&call(&admin, "GET", &next.replace("roles", "permissions"), &Value::Null), 400, "`cursor`");
        problem(&call(&admin, "DELETE", "/scopes?path=/billing", &Value::Null), 409, "lies in");
        let service = json!({ "name": "pipeline", "owner": "ada", "expires_at": "2999-01-01T00:00:00Z" });
        let made = call(&admin, "POST", "/services", &service).expect(201).id();
        problem(&call(&admin, "POST", "/services", &service), 409, "pipeline");
        call(&admin, "DELETE", &format!("/services/{made}"), &Value::Null).expect(204);
        let permission = json!({ "description": "flies", "durable": true });
        let first = call(&admin, "PUT", "/permissions/plane:fly", &permission).expect(200).header("ETag").to_owned();
        let changed = json!({ "description": "flies", "durable": false });
        let headers = [("If-Match", first.as_str()), ("Content-Type", "application/json")];
        admin.send("PUT", "/permissions/plane:fly", &headers, Some(&changed.to_string())).expect(200);
        problem(&admin.send("PUT", "/permissions/plane:fly", &headers, Some(&permission.to_string())), 412, "If-Match");
        problem(&admin.send("DELETE", "/permissions/plane:fly", &headers[..1], None), 412, "If-Match");
        let scope = call(&admin, "POST", "/scopes", &json!({ "path": "/hangar" })).expect(201).header("ETag").to_owned();
        let headers = [("If-Match", scope.as_str()), ("Content-Type", "application/json")];
        let production = json!({ "path": "/hangar", "production": true });
        admin.send("PATCH", "/scopes", &headers, Some(&production.to_string())).expect(200);
        problem(&admin.send("PATCH", "/scopes", &headers, Some(&production.to_string())), 412, "If-Match");
        problem(&admin.send("DELETE", "/scopes?path=/hangar", &headers[..1], None), 412, "If-Match");
        call(&admin, "DELETE", "/scopes?path=/hangar", &Value::Null).expect(204);
        call(&admin, "DELETE", "/permissions/plane:fly", &Value::Null).expect(204);
    }

    fn the_command_line_keeps_guardrails(database: &Database) {
        let server = Server::start(database);
        let (acme, _) = crew(&server);
        let program = Program::on(database);
        let ready = ["guardrail", "add", "--ready", "attribute-limit", "--name", "only-it", "--attribute", "department",
            "--values", "IT", "--permissions", "deploy:run"];
        let mut check = ready;
        check[1] = "check";
        assert!(program.done(&check).contains("forbid ("));
        assert!(may(&server, acme.id, "grace", "deploy:run", PLACE));
        assert_eq!(program.done(&ready), "only-it\n");
        assert!(!may(&server, acme.id, "grace", "deploy:run", PLACE), "the command waited for the server");
        assert!(program.done(&["guardrail", "list"]).contains("only-it"));
        let mut nobody = ready.to_vec();
        nobody[9] = "Legal";
        assert_eq!(program.run(&nobody).code, Some(1));
        program.done(&["guardrail", "remove", "only-it"]);
        assert!(may(&server, acme.id, "grace", "deploy:run", PLACE));
    }

    fn people_cannot_take_the_last_administrator_on_any_path_and_a_connection_can(database: &Database) {
        let (server, program) = (Server::start(database), Program::on(database));
        let acme = server.organization("acme");
        let admin = administrator(&server, acme.id, CredentialKind::Admin);
        let ada = call(&admin, "POST", "/users", &json!({ "userName": "ada" })).expect(201).id();
        let group = call(&admin, "POST", "/groups", &json!({ "display_name": "admins" })).expect(201).id();
        call(&admin, "PUT", &format!("/groups/{group}/members/{ada}"), &Value::Null).expect(204);
        let mapping = json!({ "principal": { "type": "group", "id": group }, "role": "admin", "scope": "/" });
        let mapped = call(&admin, "POST", "/assignments", &mapping).expect(201).id();
        let before = all_rows(database);
        for (method, path, body) in [
            ("PUT", format!("/users/{ada}/suspension"), Value::Null),
            ("PATCH", format!("/users/{ada}"), json!({ "active": false })),
            ("DELETE", format!("/users/{ada}"), Value::Null),
            ("DELETE", format!("/groups/{group}/members/{ada}"), Value::Null),
            ("DELETE", format!("/groups/{group}"), Value::Null),
            ("DELETE", format!("/assignments/{mapped}"), Value::Null),
            ("PATCH", format!("/assignments/{mapped}"), json!({ "until": "2999-01-01T00:00:00Z" })),
        ] {
            problem(&call(&admin, method, &path, &body), 409, "`admin` at `/`");
        }
        assert_eq!(all_rows(database), before);
        // Who is an administrator for a time only would leave nobody behind.
        let ben = call(&admin, "POST", "/users", &json!({ "userName": "ben" })).expect(201).id();
        let passing = json!({ "principal": { "type": "user", "id": ben }, "role": "admin", "scope": "/", "until": "2999-01-01T00:00:00Z" });
        let passing = call(&admin, "POST", "/assignments", &passing).expect(201).id();
        problem(&call(&admin, "DELETE", &format!("/groups/{group}/members/{ada}"), &Value::Null), 409, "for good");
        call(&admin, "DELETE", &format!("/assignments/{passing}"), &Value::Null).expect(204);
        // Through a group in the group, every way to it is the only one.
        let inner = call(&admin, "POST", "/groups", &json!({ "display_name": "inner" })).expect(201).id();
        call(&admin, "PUT", &format!("/groups/{inner}/members/{ben}"), &Value::Null).expect(204);
        call(&admin, "PUT", &format!("/groups/{group}/members/{inner}"), &Value::Null).expect(204);
        call(&admin, "DELETE", &format!("/groups/{group}/members/{ada}"), &Value::Null).expect(204);
        let document = |text: &str| {
            let file = program.folder().join("access.toml");
            std::fs::write(&file, text).unwrap();
            program.run(&["apply", file.to_str().unwrap()])
        };
        let held = all_rows(database);
        for (method, path) in [
            ("DELETE", format!("/groups/{inner}/members/{ben}")),
            ("DELETE", format!("/groups/{group}/members/{inner}")),
            ("DELETE", format!("/groups/{inner}")),
            ("DELETE", format!("/users/{ben}")),
            ("PUT", format!("/users/{ben}/suspension")),
        ] {
            problem(&call(&admin, method, &path, &Value::Null), 409, "`admin` at `/`");
        }
        for arguments in [&["user", "deactivate", "ben"][..], &["group", "remove", "inner", "ben"], &["mapping", "remove", &mapped]] {
            let ended = program.run(arguments);
            assert!(ended.code != Some(0) && ended.stderr.contains("`admin` at `/`"), "{arguments:?}: {ended:?}");
        }
        assert_eq!(all_rows(database), held);
        // A document that names what it gave no more is such a path, too.
        assert_eq!(document("[[assignment]]\nuser = \"ben\"\nrole = \"admin\"\n").code, Some(0));
        call(&admin, "DELETE", &format!("/assignments/{mapped}"), &Value::Null).expect(204);
        let held = all_rows(database);
        let ended = document("");
        assert!(ended.code != Some(0) && ended.stderr.contains("`admin` at `/`"), "{ended:?}");
        assert_eq!(all_rows(database), held);
        call(&admin, "POST", "/assignments", &mapping).expect(201);
        assert_eq!(document("").code, Some(0));
        call(&admin, "PUT", &format!("/groups/{group}/members/{ada}"), &Value::Null).expect(204);
        call(&admin, "DELETE", &format!("/users/{ben}"), &Value::Null).expect(204);
        // The connection adopts her and sends her away.
        let off = json!([{ "op": "replace", "path": "active", "value": false }]);
        acme.client.patch(&format!("/Users/{ada}"), &off).expect(200);
        assert!(all_rows(database).contains("organization.without-administrator"));
        assert!(!may(&server, acme.id, "ada", "organization:manage-access", "/"));
    }
}
