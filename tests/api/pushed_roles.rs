//! Roles that identity providers push: what was offered to a connection is assigned, and nothing else.

use muster::model::{CredentialKind, Profile};
use muster::service::administration::NewToken;
use serde_json::{Value, json};

use crate::administration::{administrator, problem};
use crate::support::{Answer, Client, Database, Server, USER, user};

const ROLE: &str = "urn:ietf:params:scim:schemas:core:2.0:Role";
const ENTITLEMENT: &str = "urn:ietf:params:scim:schemas:core:2.0:Entitlement";
const ACCESS: &str = "urn:muster:scim:schemas:extension:access:1.0:User";
const DEPLOYER: &str = "deployer@/billing/production";

/// Okta, which assigns roles, and Entra, which does not yet; `deployer` and `viewer` are offered to both.
struct Stage {
    server: Server,
    admin: Client,
    okta: Client,
    entra: Client,
    pep: Client,
    organization: muster::model::OrganizationId,
}

fn call(admin: &Client, method: &str, path: &str, body: &Value) -> Answer {
    admin.send(method, path, &[("Content-Type", "application/json")], Some(&body.to_string()))
}

fn stage(database: &Database) -> Stage {
    let server = Server::start(database);
    let acme = server.organization("acme");
    let admin = administrator(&server, acme.id, CredentialKind::Admin);
    let okta = server.connection(acme.id, "okta", Profile::Okta);
    let entra = server.connection(acme.id, "entra", Profile::Entra);
    for path in ["/billing/production", "/billing/staging"] {
        call(&admin, "POST", "/scopes", &json!({ "path": path, "production": path.ends_with("production") }))
            .expect(201);
    }
    let wanted =
        NewToken { organization: acme.id, kind: CredentialKind::Pep, connection: None, valid_micros: 86_400_000_000 };
    let token = server.administration().issue_token(&wanted).unwrap().to_string();
    let pep = Client { base: server.url.clone(), token };
    let stage = Stage { organization: acme.id, server, admin, okta, entra, pep };
    for connection in ["okta", "entra"] {
        stage.offer(connection, "deployer", "/billing/production");
        stage.offer(connection, "viewer", "/");
    }
    stage.assigns_roles("okta", true);
    stage
}

impl Stage {
    fn id(&self, connection: &str) -> String {
        let id = self.server.administration().connection_named(self.organization, &connection.parse().unwrap());
        id.unwrap().id.to_string()
    }

    fn assigns_roles(&self, connection: &str, on: bool) {
        let path = format!("/connections/{}", self.id(connection));
        let answer = call(&self.admin, "PATCH", &path, &json!({ "assigns_roles": on })).expect(200).json();
        assert_eq!(answer["assigns_roles"], on);
    }

    fn offer(&self, connection: &str, role: &str, scope: &str) -> String {
        let path = format!("/connections/{}/offers", self.id(connection));
        let made = call(&self.admin, "POST", &path, &json!({ "role": role, "scope": scope })).expect(201).json();
        assert_eq!(made["value"], format!("{role}@{scope}"));
        made["id"].as_str().unwrap().to_owned()
    }

    fn may(&self, who: &str) -> bool {
        self.decision(who)["decision"].as_bool().unwrap()
    }

    fn decision(&self, who: &str) -> Value {
        let question = json!({ "subject": { "type": "user", "id": who }, "action": { "name": "deploy:run" },
            "resource": { "type": "environment", "id": "/billing/production" } });
        let json = [("Content-Type", "application/json")];
        self.pep.send("POST", "/access/v1/evaluation", &json, Some(&question.to_string())).expect(200).json()
    }

    /// What is assigned by connections: role, scope and source.
    fn assigned(&self) -> Vec<(String, String)> {
        let all = self.admin.get("/assignments").expect(200).json();
        let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
        let pushed = all["items"].as_array().unwrap().iter().filter(|one| one["source"] == "connection");
        pushed.map(|one| (text(one, "role"), text(one, "scope"))).collect()
    }

    fn effective(&self, id: &str) -> Vec<String> {
        let user = self.okta.get(&format!("/Users/{id}?attributes={ACCESS}:effectiveRoles")).expect(200).json();
        let roles = user[ACCESS]["effectiveRoles"].as_array().unwrap();
        roles.iter().map(|role| role["value"].as_str().unwrap().to_owned()).collect()
    }
}

fn with_roles(name: &str, roles: Value) -> Value {
    let mut body = user(name);
    body["roles"] = roles;
    body
}

on_both_databases_and_several_servers! {
    fn a_value_that_was_offered_is_assigned_and_any_other_gives_nothing(database: &Database) {
        let stage = stage(database);
        let roles = json!([{ "value": DEPLOYER, "primary": true, "type": "role" }, { "value": "admin@/" }, { "value": "deployer@/billing/staging" }]);
        let ada = stage.okta.post("/Users", &with_roles("ada", roles.clone())).expect(201).json();
        assert_eq!(ada["roles"].as_array().unwrap().len(), 3, "all are stored: {ada}");
        assert_eq!(stage.assigned(), [("deployer".to_owned(), "/billing/production".to_owned())]);
        let decision = stage.decision("ada");
        assert_eq!((&decision["decision"], &decision["context"]["code"]), (&json!(true), &json!("assigned")), "{decision}");
        let path = format!("/Users/{}", ada["id"].as_str().unwrap());
        // The value goes, comes back in another letter case, which is another value, and comes back as it was.
        for (value, may) in [("viewer@/", false), ("Deployer@/billing/production", false), (DEPLOYER, true)] {
            stage.okta.patch(&path, &json!([{ "op": "replace", "path": "roles", "value": [{ "value": value }] }])).expect(200);
            assert_eq!(stage.may("ada"), may, "{value}");
        }
        stage.okta.patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }])).expect(200);
        assert_eq!(stage.decision("ada")["context"]["code"], "not-active");
        stage.okta.patch(&path, &json!([{ "op": "replace", "path": "active", "value": true }])).expect(200);
        assert!(stage.may("ada"), "what was assigned waited");
        stage.okta.delete(&path).expect(204);
        assert_eq!(stage.assigned(), Vec::new());
    }

    fn what_is_read_and_sent_back_assigns_nothing_new(database: &Database) {
        let stage = stage(database);
        let ada = stage.okta.post("/Users", &with_roles("ada", json!([{ "value": DEPLOYER }]))).expect(201).id();
        // A role by hand, which must not come back as one of the connection's.
        let mapping = json!({ "principal": { "type": "user", "id": ada }, "role": "developer", "scope": "/billing" });
        call(&stage.admin, "POST", "/assignments", &mapping).expect(201);
        let whole = stage.okta.get(&format!("/Users/{ada}?attributes=userName,active,roles,{ACCESS}")).expect(200).json();
        assert_eq!(whole["roles"], json!([{ "value": DEPLOYER }]), "{whole}");
        assert_eq!(stage.effective(&ada), [DEPLOYER, "developer@/billing"]);
        assert!(whole["schemas"].as_array().unwrap().contains(&json!(ACCESS)), "{whole}");
        let before = stage.admin.get("/assignments").expect(200).json();
        let revision = stage.decision("ada")["context"]["revision"].clone();
        let path = format!("/Users/{ada}");
        for body in [whole, stage.okta.get(&path).expect(200).json()] {
            let answer = stage.okta.put(&path, &body).expect(200).json();
            assert_eq!(answer["roles"], json!([{ "value": DEPLOYER }]));
            assert_eq!(stage.admin.get("/assignments").expect(200).json(), before);
        }
        assert_eq!(stage.decision("ada")["context"]["revision"], revision);
        assert!(stage.okta.get(&path).expect(200).json().get(ACCESS).is_none(), "only when asked for");
        let listed = stage.okta.filter("/Users", "userName eq \"ada\"").expect(200).json();
        assert!(listed["Resources"][0].get(ACCESS).is_none());
        let listed = stage.okta.get(&format!("/Users?attributes={ACCESS}")).expect(200).json();
        assert_eq!(listed["Resources"][0][ACCESS]["effectiveRoles"][1]["value"], "developer@/billing");
    }

    fn entras_roles_become_assignments_in_all_their_forms(database: &Database) {
        let stage = stage(database);
        stage.assigns_roles("entra", true);
        let packed = json!({ "id": "06b0", "value": DEPLOYER, "displayName": "Deployer" }).to_string();
        let element = |value: &str| json!({ "primary": false, "type": "WindowsAzureActiveDirectoryRole", "display": value, "value": value });
        let single = "roles[primary eq \"True\"].value";
        let nobody = stage.entra.post("/Users", &with_roles("bob", json!([{ "primary": "True", "type": "WindowsAzureActiveDirectoryRole", "value": "Admin" }]))).expect(201).id();
        let path = format!("/Users/{nobody}");
        let steps: [(Value, bool); 8] = [
            (json!({ "op": "Replace", "path": single, "value": DEPLOYER }), true),
            (json!({ "op": "Replace", "path": single, "value": "User" }), false),
            (json!({ "op": "Add", "path": "roles", "value": [{ "value": packed }] }), true),
            (json!({ "op": "replace", "path": "roles", "value": [element("User"), element("viewer@/")] }), false),
            (json!({ "op": "replace", "path": "roles", "value": [element("User"), element(DEPLOYER)] }), true),
            (json!({ "op": "Remove", "path": format!("roles[value eq \"{DEPLOYER}\"]") }), false),
            (json!({ "op": "Add", "path": single, "value": DEPLOYER }), true),
            (json!({ "op": "Remove", "path": "roles" }), false),
        ];
        for (operation, may) in steps {
            stage.entra.patch(&path, &json!([operation])).expect(200);
            assert_eq!(stage.may("bob"), may, "{operation}");
        }
        stage.entra.post("/Users", &with_roles("cyd", json!([{ "value": packed }]))).expect(201);
        assert!(stage.may("cyd"));
    }

    fn what_a_connection_assigned_ends_with_the_offer_and_with_the_switch(database: &Database) {
        let stage = stage(database);
        stage.entra.post("/Users", &with_roles("bob", json!([{ "value": DEPLOYER }]))).expect(201);
        assert!(!stage.may("bob"), "the connection assigns no roles");
        stage.assigns_roles("entra", true);
        assert!(stage.may("bob"), "what had been sent already counts");
        stage.assigns_roles("entra", false);
        assert!(!stage.may("bob"));
        stage.assigns_roles("entra", true);
        let id = stage.id("entra");
        let offers = stage.admin.get(&format!("/connections/{id}/offers")).expect(200).json();
        let offered = offers["items"].as_array().unwrap().iter().find(|offer| offer["value"] == DEPLOYER).unwrap();
        let path = format!("/connections/{id}/offers/{}", offered["id"].as_str().unwrap());
        // The other connection's offer is not this one's.
        let elsewhere = path.replace(&id, &stage.id("okta"));
        call(&stage.admin, "DELETE", &elsewhere, &json!(null)).expect(404);
        assert!(stage.may("bob"));
        call(&stage.admin, "DELETE", &path, &json!(null)).expect(204);
        assert!(!stage.may("bob"));
        assert_eq!(stage.assigned(), Vec::new());
        stage.offer("entra", "deployer", "/billing/production");
        assert!(stage.may("bob"), "offered again");
    }

    fn what_a_connection_assigns_is_taken_by_it_alone(database: &Database) {
        let stage = stage(database);
        let ada = stage.okta.post("/Users", &with_roles("ada", json!([{ "value": DEPLOYER }]))).expect(201).id();
        stage.assigns_roles("entra", true);
        stage.entra.put(&format!("/Users/{ada}"), &with_roles("ada", json!([]))).expect_error(403, "");
        assert!(stage.may("ada"));
        let all = stage.admin.get("/assignments").expect(200).json();
        let id = all["items"][0]["id"].as_str().unwrap();
        problem(&stage.admin.send("DELETE", &format!("/assignments/{id}"), &[], None), 409, "the connection `okta` assigns it");
        // The same by hand is another assignment, and stays when the value goes.
        let mapping = json!({ "principal": { "type": "user", "id": ada }, "role": "deployer", "scope": "/billing/production" });
        assert_ne!(call(&stage.admin, "POST", "/assignments", &mapping).expect(201).json()["id"], id);
        stage.okta.patch(&format!("/Users/{ada}"), &json!([{ "op": "remove", "path": "roles" }])).expect(200);
        assert!(stage.may("ada"));
        assert_eq!(stage.assigned(), Vec::new());
        // What is offered is not removed underneath.
        problem(&stage.admin.send("DELETE", "/scopes?path=/billing/production", &[], None), 409, "is offered to the connection");
    }

    fn a_guardrail_forbids_what_was_pushed_and_an_explanation_names_the_connection(database: &Database) {
        let stage = stage(database);
        stage.okta.post("/Users", &with_roles("ada", json!([{ "value": DEPLOYER }]))).expect(201);
        let why = stage.admin.get("/explanations?subject=ada&permission=deploy:run&scope=/billing/production");
        let told = why.expect(200).text;
        assert!(told.contains("by the connection `okta`"), "{told}");
        let rule = "@id(\"closed\")\n@reason(\"closed\")\n@control(\"X\")\nforbid (principal, action == Action::\"deploy:run\", resource is Environment);";
        call(&stage.admin, "POST", "/guardrails", &json!({ "text": rule, "confirm": true })).expect(200);
        assert_eq!(stage.decision("ada")["context"]["code"], "forbidden");
    }

    fn the_last_administrator_whom_a_connection_made_goes_when_it_says_so_with_an_alarm(database: &Database) {
        let stage = stage(database);
        stage.offer("okta", "admin", "/");
        let ada = stage.okta.post("/Users", &with_roles("ada", json!([{ "value": "admin@/" }]))).expect(201).id();
        let id = stage.id("okta");
        problem(&call(&stage.admin, "PATCH", &format!("/connections/{id}"), &json!({ "assigns_roles": false })), 409, "admin");
        stage.okta.patch(&format!("/Users/{ada}"), &json!([{ "op": "remove", "path": "roles" }])).expect(200);
        assert_eq!(stage.assigned(), Vec::new());
        let alarms = crate::events::of(&stage.server, stage.organization, &stage.organization.to_string());
        assert!(alarms.iter().any(|event| event.action == "organization.without-administrator"));
        let of_ada = crate::events::of(&stage.server, stage.organization, &ada);
        assert!(of_ada.iter().any(|event| event.action == "user.changed"));
    }

    fn only_connections_that_assign_roles_see_what_is_offered(database: &Database) {
        let stage = stage(database);
        for path in ["/Roles", "/Entitlements", "/Roles/x", &format!("/Schemas/{ROLE}"), "/ResourceTypes/Role"] {
            stage.entra.get(path).expect_error(404, "");
        }
        assert!(stage.entra.get("/ServiceProviderConfig").expect(200).json().get("RolesAndEntitlements").is_none());
        assert_eq!(stage.entra.get("/ResourceTypes").expect(200).json()["totalResults"], 2);
        assert!(!stage.entra.get("/Schemas").expect(200).text.contains(ACCESS));

        let config = stage.okta.get("/ServiceProviderConfig").expect(200).json();
        assert_eq!(config["RolesAndEntitlements"]["roles"], json!({ "supported": true, "multipleRolesSupported": true, "primarySupported": true, "typeSupported": true }));
        assert_eq!(config["RolesAndEntitlements"]["entitlements"]["supported"], true);
        let types = stage.okta.get("/ResourceTypes").expect(200).json();
        let names: Vec<&str> = types["Resources"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["User", "Group", "Role", "Entitlement"]);
        assert!(types["Resources"][0]["schemaExtensions"].as_array().unwrap().iter().any(|one| one["schema"] == ACCESS));
        for schema in [ROLE, ENTITLEMENT, ACCESS, USER] {
            assert_eq!(stage.okta.get(&format!("/Schemas/{schema}")).expect(200).json()["id"], schema);
        }
        let roles = stage.okta.get("/Roles").expect(200).json();
        assert_eq!((&roles["totalResults"], &roles["itemsPerPage"], &roles["startIndex"]), (&json!(2), &json!(2), &json!(1)));
        let deployer = roles["Resources"].as_array().unwrap().iter().find(|one| one["value"] == DEPLOYER).unwrap();
        assert_eq!(deployer["schemas"], json!([ROLE]));
        assert_eq!((&deployer["supported"], &deployer["limitedAssignmentsPermitted"]), (&json!(true), &json!(false)));
        assert_eq!((&deployer["display"], &deployer["type"]), (&json!("deployer at /billing/production"), &json!("environment")));
        assert_eq!((&deployer["contains"], &deployer["containedBy"]), (&json!([]), &json!([])), "viewer holds everywhere, deployer more");
        let path = format!("/Roles/{}", deployer["id"].as_str().unwrap());
        assert_eq!(stage.okta.get(&path).expect(200).json(), *deployer);
        assert_eq!(deployer["meta"]["location"], format!("{}/scim/v2{path}", stage.server.url));
        let found = stage.okta.filter("/Roles", &format!("value eq \"{DEPLOYER}\"")).expect(200).json();
        assert_eq!(found["Resources"], json!([deployer]));
        stage.okta.filter("/Roles", "nothing eq \"x\"").expect_error(400, "invalidFilter");
        let page = stage.okta.get("/Roles?sortBy=value&count=1&startIndex=2&attributes=value").expect(200).json();
        assert_eq!((&page["totalResults"], &page["Resources"][0]["value"]), (&json!(2), &json!("viewer@/")));
        let first = stage.okta.get("/Roles?cursor=&count=1").expect(200).json();
        let next = stage.okta.get(&format!("/Roles?cursor={}&count=1", first["nextCursor"].as_str().unwrap())).expect(200).json();
        assert_ne!(next["Resources"][0]["id"], first["Resources"][0]["id"]);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            stage.okta.send(method, &path, &[], Some("{}")).expect_error(405, "");
        }
        let entitlements = stage.okta.get("/Entitlements?sortBy=value").expect(200).json();
        let values: Vec<&str> = entitlements["Resources"].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect();
        assert_eq!(values, ["build:view@/", "build:view@/billing/production", "deploy:run@/billing/production"]);
        let one = &entitlements["Resources"][0];
        assert_eq!(stage.okta.get(&format!("/Entitlements/{}", one["id"].as_str().unwrap())).expect(200).json(), *one);
        assert_eq!((&one["schemas"], &one["supported"]), (&json!([ENTITLEMENT]), &json!(false)), "they come with roles");
    }

    fn an_offer_is_seen_through_before_it_is_made(database: &Database) {
        let stage = stage(database);
        stage.okta.post("/Users", &with_roles("ada", json!([{ "value": "release-manager@/billing" }]))).expect(201);
        let mut offer = json!({ "offer": { "connection": stage.id("okta"), "role": "release-manager", "scope": "/billing" } });
        let preview = call(&stage.admin, "POST", "/previews", &offer).expect(200).json();
        assert!(preview["gains"].as_array().unwrap().iter().any(|right| right["name"] == "ada" && right["permission"] == "deploy:run"), "{preview}");
        assert!(!stage.may("ada"));
        offer["fingerprint"] = preview["fingerprint"].clone();
        call(&stage.admin, "POST", "/changes", &offer).expect(204);
        assert!(stage.may("ada"));
    }
}
