//! A row that is not there never means "all": whatever an organization's tables lose, nobody may or sees more than before.

use std::collections::BTreeSet;

use muster::db::Tx;
use muster::model::{AssignmentSource, CredentialKind, OrganizationId, Precondition, Profile};
use muster::service::access::{NewAssignment, NewScope, NewService, WantedPrincipal};
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::console::{Browser, person};
use crate::support::rows::tables;
use crate::support::{Backend, Client, Server, group, user};

/// What forbids, and so opens something when it is gone: rules, a bar, and that a credential is over.
const FORBID: [&str; 3] = ["guardrail", "quarantine", "ended_credential"];
/// Without these nobody is allowed anything.
const NEEDED: [&str; 4] = ["assignment", "credential", "scim_user", "user_status"];
const SESSION: &str = "__Host-muster-session";
const PERMISSIONS: [&str; 6] =
    ["build:view", "deploy:run", "deploy:approve", "build:ssh", "plane:fly", "organization:manage-access"];

/// An organization with something in nearly every table that decides, and who asks it.
struct Stage {
    id: OrganizationId,
    slug: String,
    pep: Client,
    admin: Client,
    connections: [Client; 2],
    browsers: [Browser; 2],
}

fn assign(server: &Server, organization: OrganizationId, principal: WantedPrincipal, role: &str, scope: &str) {
    let (role, scope) = (role.parse().unwrap(), scope.parse().unwrap());
    let (from, until, source) = (None, None, AssignmentSource::Administrator);
    let wanted = NewAssignment { principal, role, scope, from, until, source, approver: None, reason: None };
    server.administration().assign(organization, &wanted).unwrap();
}

impl Stage {
    fn set(server: &Server, slug: &str) -> Self {
        let made = server.organization(slug);
        let (id, administration) = (made.id, server.administration());
        let second = server.connection(id, "second", Profile::Default);
        let admin = administrator(server, id, CredentialKind::Admin);
        let call = |method: &str, path: &str, body: &Value| {
            let headers = [("Content-Type", "application/json")];
            let answer = admin.send(method, path, &headers, Some(&body.to_string()));
            assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text);
        };
        let production = NewScope { path: "/billing/production".parse().unwrap(), production: true, description: None };
        administration.create_scope(id, &production).unwrap();
        call("PUT", "/permissions/plane:fly", &json!({ "description": "flies" }));
        call("PUT", "/roles/pilot", &json!({ "permissions": ["plane:fly", "build:ssh"] }));
        let own = administration.connection_named(id, &"first".parse().unwrap()).unwrap().id;
        administration.let_assign_roles(id, own, true, &Precondition::None).unwrap();
        administration.offer_role(id, own, &"viewer".parse().unwrap(), &"/".parse().unwrap()).unwrap();
        let create = |name: &str, more: &[(&str, Value)]| {
            let mut wanted = user(name);
            for (member, value) in more {
                wanted[*member] = value.clone();
            }
            made.client.post("/Users", &wanted).expect(201).id()
        };
        let ada = create("ada", &[("userType", json!("Employee"))]);
        create("bob", &[("roles", json!([{ "value": "viewer@/" }])), ("userType", json!("Contractor"))]);
        let eve = create("eve", &[("userType", json!("Employee"))]);
        create("gil", &[("active", json!(false))]);
        let inner = made.client.post("/Groups", &group("inner", &[&ada, &eve])).expect(201).id();
        made.client.post("/Groups", &group("outer", &[&inner])).expect(201);
        second.post("/Groups", &group("theirs", &[&ada])).expect(201);
        assign(server, id, WantedPrincipal::Group("outer".to_owned()), "release-manager", "/billing");
        assign(server, id, WantedPrincipal::User("gil".to_owned()), "deployer", "/");
        assign(server, id, WantedPrincipal::User("bob".to_owned()), "pilot", "/billing");
        let expires_at = server.clock.now().plus_micros(86_400_000_000);
        let wanted =
            NewService { name: "pipeline".parse().unwrap(), owner: "bob".to_owned(), successor: None, expires_at };
        administration.create_service(id, &wanted).unwrap();
        assign(server, id, WantedPrincipal::Service("pipeline".to_owned()), "deployer", "/");
        let limit = json!({ "ready": "attribute-limit", "name": "employees", "reason": "r", "control": "c",
            "attribute": "userType", "values": ["Employee"], "permissions": ["deploy:run"], "scope": "/billing" });
        call("POST", "/guardrails", &json!({ "ready": limit, "confirm": true }));
        call("PUT", &format!("/users/{eve}/suspension"), &json!({}));
        let browsers = [person(server, id, "hugo", "admin"), person(server, id, "vera", "")];
        let pep = Client { base: server.url.clone(), token: administrator(server, id, CredentialKind::Pep).token };
        Self { id, slug: slug.to_owned(), pep, admin, connections: [made.client, second], browsers }
    }

    /// Everything that anybody is allowed and shown, asked of another server.
    fn opened(&self, server: &Server) -> BTreeSet<String> {
        let at = |client: &Client, surface: &str| Client {
            base: format!("{}{surface}", server.url),
            token: client.token.clone(),
        };
        let (pep, mut opened) = (at(&self.pep, ""), BTreeSet::new());
        let people = ["ada", "bob", "eve", "gil", "hugo", "vera"].map(|name| ("user", name));
        for (kind, who) in people.into_iter().chain([("service", "pipeline")]) {
            for permission in PERMISSIONS {
                for (resource, path) in
                    [("organization", "/"), ("project", "/billing"), ("environment", "/billing/production")]
                {
                    let question = json!({ "subject": { "type": kind, "id": who }, "action": { "name": permission },
                        "resource": { "type": resource, "id": path } });
                    let answer = pep.post("/access/v1/evaluation", &question);
                    if answer.status == 200 && answer.json()["decision"] == true {
                        opened.insert(format!("{who} {permission} {path}"));
                    }
                }
            }
        }
        for (number, client) in self.connections.iter().enumerate() {
            for (path, name) in [("/Users", "userName"), ("/Groups", "displayName"), ("/Roles", "value")] {
                let answer = at(client, "/scim/v2").get(path);
                if answer.status == 200 {
                    let found = answer.json()["Resources"].as_array().cloned().unwrap_or_default();
                    opened.extend(found.iter().map(|one| format!("connection {number} sees {path} {}", one[name])));
                }
            }
        }
        for path in ["/users", "/groups", "/assignments", "/credentials"] {
            let answer = at(&self.admin, "/api/v1").get(path);
            opened.extend((answer.status == 200).then(|| format!("administrator reads {path}")));
        }
        for (browser, who) in self.browsers.iter().zip(["hugo", "vera"]) {
            let beside = Browser::new(server);
            beside.set_cookie(SESSION, &browser.cookie(SESSION).unwrap());
            for page in ["people", "mappings", "log", "profile"] {
                let shown = beside.get(&format!("/o/{}/{page}", self.slug));
                opened.extend((shown.status == 200).then(|| format!("{who} is shown {page}")));
            }
        }
        opened
    }
}

/// Takes every row of an organization out of a table, behind the server's back.
fn empty(server: &Server, backend: Backend, (table, key): (&str, &str), organization: OrganizationId) {
    use diesel::connection::SimpleConnection as _;
    let bytes = organization.to_string().replace('-', "");
    let statement = match backend {
        Backend::Sqlite => format!("DELETE FROM {table} WHERE {key} = x'{bytes}'"),
        Backend::Postgres => format!("DELETE FROM {table} WHERE {key} = '\\x{bytes}'"),
    };
    let ran: Result<(), muster::db::DatabaseError> = server.database.with_own_connection(|tx| match tx {
        Tx::Sqlite(connection) => connection.batch_execute(&statement).map_err(muster::db::DatabaseError::from),
        Tx::Postgres(pooled) => pooled.connection.batch_execute(&statement).map_err(muster::db::DatabaseError::from),
    });
    ran.unwrap();
}

on_both_databases! {
    fn whatever_table_loses_its_rows_nobody_may_or_sees_more(database: &Database) {
        let setting = Server::start(database);
        let of_organizations = tables(database).into_iter().filter_map(|(table, columns)| {
            let key = if table == "organization" { "id" } else { "organization" };
            columns.iter().any(|column| column == key).then_some((table, key))
        });
        let emptied: Vec<(String, &str)> = of_organizations.filter(|(table, _)| !FORBID.contains(&table.as_str())).collect();
        assert!(emptied.len() > 20 && NEEDED.iter().all(|needed| emptied.iter().any(|(table, _)| table == needed)), "{emptied:?}");
        let whole = Stage::set(&setting, "whole");
        let stages: Vec<Stage> = (0..emptied.len()).map(|number| Stage::set(&setting, &format!("org{number}"))).collect();
        for (table, stage) in emptied.iter().zip(&stages) {
            empty(&setting, database.backend(), (&table.0, table.1), stage.id);
        }
        let server = Server::start(database);
        let before = whole.opened(&server);
        for line in ["ada deploy:run /billing/production", "bob plane:fly /billing", "bob build:view /", "pipeline deploy:run /billing",
            "hugo organization:manage-access /", "connection 0 sees /Groups \"inner\"", "connection 1 sees /Groups \"theirs\"",
            "administrator reads /credentials", "hugo is shown people", "vera is shown profile"] {
            assert!(before.contains(line), "{line}: {before:#?}");
        }
        assert!(!before.iter().any(|line| line.starts_with("eve") || line.starts_with("gil") || line == "vera is shown people"), "{before:#?}");
        let (mut less, mut same) = (Vec::new(), Vec::new());
        for ((table, _), stage) in emptied.iter().zip(&stages) {
            let opened = stage.opened(&server);
            let more: Vec<&String> = opened.difference(&before).collect();
            assert!(more.is_empty(), "without `{table}`: {more:?}");
            if NEEDED.contains(&table.as_str()) {
                assert!(!opened.iter().any(|line| PERMISSIONS.iter().any(|permission| line.contains(permission))), "without `{table}`: {opened:?}");
            }
            if opened == before { same.push(table) } else { less.push(table) }
        }
        println!("something closes without {less:?}, nothing without {same:?}");
    }
}
