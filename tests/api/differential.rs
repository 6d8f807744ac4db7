//! Decisions against an oracle that knows no index: it looks at everything there is, each time. Evaluations, batches and
//! searches must say what it says, at any moment of a history of random changes.

mod oracle;

use std::collections::BTreeSet;

use muster::clock::Clock;
use muster::model::{AssignmentId, AssignmentSource, CredentialKind, Moment, OrganizationId, RoleName};
use muster::service::access::{NewAssignment, NewScope, NewService, WantedPrincipal};
use muster::service::administration::{Administration, NewToken};
use serde_json::{Value, json};

use crate::support::{Client, Dice, Server, group, is_long, user};

use oracle::{Oracle, Principal, Subject};

const HOUR: i64 = 3_600_000_000;
const ENVIRONMENTS: [&str; 4] = ["/a/production", "/a/staging", "/b/production", "/c/test"];
/// What custom roles are made of.
const PERMISSIONS: [&str; 7] =
    ["build:view", "build:run", "build:ssh", "secret:read", "deploy:run", "deploy:approve", "deploy:configure"];
const ROLES: [&str; 3] = ["one", "two", "three"];

fn resource(scope: &str) -> Value {
    json!({ "type": oracle::kind(scope), "id": scope })
}

/// The server, and the same things told to the oracle.
struct World {
    administration: Administration,
    organization: OrganizationId,
    scim: Client,
    pep: Client,
    clock: Clock,
    oracle: Oracle,
    mapped: Vec<AssignmentId>,
    next: usize,
}

impl World {
    fn new(server: &Server) -> Self {
        let acme = server.organization("acme");
        let administration = server.administration();
        // The clock of the test goes through weeks.
        let token = |kind, connection: Option<&str>| {
            let connection = connection.map(|name| name.parse().unwrap());
            let wanted = NewToken { organization: acme.id, kind, connection, valid_micros: 1_000 * 24 * HOUR };
            administration.issue_token(&wanted).unwrap().to_string()
        };
        let pep = Client { base: server.url.clone(), token: token(CredentialKind::Pep, None) };
        let scim = Client { token: token(CredentialKind::Scim, Some("first")), ..acme.client };
        let mut oracle = Oracle::default();
        oracle.scopes.insert("/".to_owned());
        for path in ENVIRONMENTS {
            let scope =
                NewScope { path: path.parse().unwrap(), production: path.ends_with("production"), description: None };
            administration.create_scope(acme.id, &scope).unwrap();
            oracle.scopes.extend([path.to_owned(), oracle::parent(path).unwrap().to_owned()]);
        }
        let mut world = Self {
            administration,
            organization: acme.id,
            scim,
            pep,
            clock: server.clock.clone(),
            oracle,
            mapped: Vec::new(),
            next: 0,
        };
        for role in ROLES {
            world.role(role, BTreeSet::from(["build:view".to_owned()]));
        }
        world
    }

    fn role(&mut self, name: &str, allowed: BTreeSet<String>) {
        let role: RoleName = name.parse().unwrap();
        let permissions = allowed.iter().map(|permission| permission.parse().unwrap()).collect();
        if self.oracle.roles.insert(name.to_owned(), allowed).is_some() {
            self.administration.change_role(self.organization, &role, &permissions).unwrap();
        } else {
            self.administration.create_role(self.organization, &role, &permissions).unwrap();
        }
    }

    fn name(&mut self, kind: &str) -> String {
        self.next += 1;
        format!("{kind}-{}", self.next)
    }

    /// Changes something, here and there.
    fn change(&mut self, dice: &mut Dice) {
        let (users, groups) = (self.oracle.users.len(), self.oracle.groups.len());
        match dice.below(14) {
            0 | 1 if users < 12 => {
                let name = self.name("user");
                let id = self.scim.post("/Users", &user(&name)).expect(201).id();
                self.oracle.users.insert(id, true);
            }
            2 if groups < 8 => {
                let name = self.name("group");
                let id = self.scim.post("/Groups", &group(&name, &[])).expect(201).id();
                self.oracle.groups.insert(id, BTreeSet::new());
            }
            3..=5 if groups > 0 => self.membership(dice),
            6 if users > 0 => {
                let who = some(dice, self.oracle.users.keys());
                let active = dice.once_in(2);
                let operation = json!([{ "op": "replace", "path": "active", "value": active }]);
                self.scim.patch(&format!("/Users/{who}"), &operation).expect(200);
                self.oracle.users.insert(who, active);
            }
            7 if users > 3 && dice.once_in(3) => {
                let who = some(dice, self.oracle.users.keys());
                self.scim.delete(&format!("/Users/{who}")).expect(204);
                self.oracle.forget(&who);
                // What a person was given ends with the person.
                self.mapped.retain(|which| self.oracle.assignments.contains_key(&which.to_string()));
            }
            8 if groups > 3 && dice.once_in(3) => {
                let gone = some(dice, self.oracle.groups.keys());
                self.scim.delete(&format!("/Groups/{gone}")).expect(204);
                self.oracle.forget(&gone);
            }
            9 => {
                let allowed = PERMISSIONS.iter().filter(|_| dice.once_in(3)).map(|name| (*name).to_owned());
                let mut allowed: BTreeSet<String> = allowed.collect();
                allowed.insert("build:view".to_owned());
                self.role(dice.pick(&ROLES), allowed);
            }
            10 if !self.mapped.is_empty() => {
                let which = self.mapped.swap_remove(dice.below(self.mapped.len()));
                self.administration.end_assignment(self.organization, which, None).unwrap();
                self.oracle.assignments.remove(&which.to_string());
            }
            11 => self.clock.advance(HOUR / 4),
            12 if self.oracle.services.len() < 4 => self.service(dice),
            _ => self.assign(dice),
        }
    }

    fn membership(&mut self, dice: &mut Dice) {
        let group = some(dice, self.oracle.groups.keys());
        let among: Vec<&String> = self.oracle.users.keys().chain(self.oracle.groups.keys()).collect();
        let member = some(dice, among.into_iter());
        let add = dice.below(3) > 0;
        let operation = if add {
            json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }])
        } else {
            json!([{ "op": "remove", "path": format!("members[value eq \"{member}\"]") }])
        };
        let answer = self.scim.patch(&format!("/Groups/{group}"), &operation);
        // A cycle is refused.
        let closes = add && (member == group || self.oracle.is_within(&group, &member));
        let expected: &[u16] = if closes { &[400] } else { &[200, 204] };
        assert!(expected.contains(&answer.status), "{}", answer.text);
        let members = self.oracle.groups.get_mut(&group).unwrap();
        if add && !closes {
            members.insert(member);
        } else if !add {
            members.remove(&member);
        }
    }

    fn service(&mut self, dice: &mut Dice) {
        let active: Vec<&String> = self.oracle.users.iter().filter(|(_, active)| **active).map(|(id, _)| id).collect();
        if active.is_empty() {
            return;
        }
        let (owner, name) = (some(dice, active.into_iter()), self.name("service"));
        let expires_at = self.clock.now().plus_micros(HOUR * i64::try_from(1 + dice.below(5)).unwrap());
        let wanted = NewService { name: name.parse().unwrap(), owner: owner.clone(), successor: None, expires_at };
        let made = self.administration.create_service(self.organization, &wanted).unwrap();
        self.oracle.services.insert(made.id.to_string(), (owner, expires_at.as_micros()));
    }

    fn assign(&mut self, dice: &mut Dice) {
        let among = [
            self.oracle.users.keys().map(|id| Principal::User(id.clone())).collect::<Vec<_>>(),
            self.oracle.groups.keys().map(|id| Principal::Group(id.clone())).collect(),
            self.oracle.services.keys().map(|id| Principal::Service(id.clone())).collect(),
        ];
        let among = &among[dice.below(3)];
        if among.is_empty() {
            return;
        }
        let principal = among[dice.below(among.len())].clone();
        let now = self.clock.now();
        let from = now.plus_micros(HOUR * i64::try_from(dice.below(2)).unwrap());
        let until = dice.once_in(2).then(|| from.plus_micros(HOUR * i64::try_from(1 + dice.below(3)).unwrap()));
        let scopes: Vec<&str> = self.oracle.scopes.iter().map(String::as_str).collect();
        let (role, scope) = (dice.pick(&ROLES).to_owned(), scopes[dice.below(scopes.len())].to_owned());
        let wanted = NewAssignment {
            principal: match &principal {
                Principal::User(id) => WantedPrincipal::User(id.clone()),
                Principal::Group(id) => WantedPrincipal::Group(id.clone()),
                Principal::Service(id) => WantedPrincipal::Service(id.clone()),
            },
            role: role.parse().unwrap(),
            scope: scope.parse().unwrap(),
            from: (from > now).then_some(from),
            until,
            source: AssignmentSource::Administrator,
            approver: None,
            reason: None,
        };
        // What is refused is refused: a service that has ended, the same a second time.
        let Ok(made) = self.administration.assign(self.organization, &wanted) else { return };
        let id = made.id.to_string();
        if !self.mapped.contains(&made.id) {
            self.mapped.push(made.id);
            let until = until.map_or(i64::MAX, Moment::as_micros);
            self.oracle
                .assignments
                .insert(id, oracle::Assignment { principal, role, scope, from: from.as_micros(), until });
        }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.pep.post(&format!("/access/v1/{path}"), body).expect(200).json()
    }

    /// Everything a search finds, page by page.
    fn search(&self, what: &str, body: &Value, limit: usize) -> Vec<String> {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let mut body = body.clone();
            body["page"] = if token.is_empty() { json!({ "limit": limit }) } else { json!({ "token": token }) };
            let page = self.post(&format!("search/{what}"), &body);
            let results = page["results"].as_array().unwrap();
            assert!(results.len() <= limit, "{page}");
            let name = |result: &Value| result["id"].as_str().or_else(|| result["name"].as_str()).unwrap().to_owned();
            found.extend(results.iter().map(name));
            token = page["page"]["next_token"].as_str().unwrap().to_owned();
            if token.is_empty() {
                return found;
            }
        }
    }

    /// Asks everything in every way.
    fn compare(&self, dice: &mut Dice) -> usize {
        let now = self.clock.now().as_micros();
        let mut subjects = self.oracle.subjects();
        subjects.extend([
            Subject::User("0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a".to_owned()),
            Subject::User("nobody".to_owned()),
        ]);
        let mut scopes: Vec<&str> = self.oracle.scopes.iter().map(String::as_str).collect();
        scopes.push("/unknown");
        let mut questions = Vec::new();
        for subject in &subjects {
            for permission in PERMISSIONS {
                questions.extend(scopes.iter().map(|scope| (subject, permission, *scope)));
            }
        }
        let expected =
            |(subject, permission, scope): &(&Subject, &str, &str)| self.oracle.allows(subject, permission, scope, now);
        let body = |(subject, permission, scope): &(&Subject, &str, &str)| json!({ "subject": subject.entity(), "action": { "name": permission }, "resource": resource(scope) });
        // In any order.
        for at in (1..questions.len()).rev() {
            questions.swap(at, dice.below(at + 1));
        }
        for some in questions.chunks(500) {
            let bodies: Vec<Value> = some.iter().map(body).collect();
            let answers = self.post("evaluations", &json!({ "evaluations": bodies }));
            let found: Vec<bool> = answers["evaluations"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["decision"].as_bool().unwrap())
                .collect();
            for (question, found) in some.iter().zip(&found) {
                assert_eq!(*found, expected(question), "{question:?} in {:#?}", self.oracle);
            }
            assert_eq!(found.len(), some.len());
        }
        for question in questions.iter().take(20) {
            assert_eq!(self.post("evaluation", &body(question))["decision"], expected(question), "{question:?}");
        }
        self.compare_searches(&subjects, &scopes, now, dice);
        questions.iter().filter(|question| expected(question)).count()
    }

    fn compare_searches(&self, subjects: &[Subject], scopes: &[&str], now: i64, dice: &mut Dice) {
        let limit = 1 + dice.below(6);
        for scope in scopes {
            let permission = dice.pick(&PERMISSIONS);
            for kind in ["user", "service"] {
                let body = json!({ "subject": { "type": kind }, "action": { "name": permission }, "resource": resource(scope) });
                let expected: BTreeSet<String> = subjects
                    .iter()
                    .filter(|subject| subject.kind() == kind && self.oracle.allows(subject, permission, scope, now))
                    .map(|subject| subject.id().to_owned())
                    .collect();
                same(&self.search("subject", &body, limit), &expected, &body);
            }
        }
        for subject in subjects {
            let permission = dice.pick(&PERMISSIONS);
            for kind in ["organization", "project", "environment"] {
                let body = json!({ "subject": subject.entity(), "action": { "name": permission }, "resource": { "type": kind } });
                let expected = scopes
                    .iter()
                    .filter(|scope| oracle::kind(scope) == kind && self.oracle.allows(subject, permission, scope, now));
                same(
                    &self.search("resource", &body, limit),
                    &expected.map(|scope| (*scope).to_owned()).collect(),
                    &body,
                );
            }
            let scope = scopes[dice.below(scopes.len())];
            let body = json!({ "subject": subject.entity(), "resource": resource(scope) });
            let expected = PERMISSIONS.iter().filter(|permission| self.oracle.allows(subject, permission, scope, now));
            same(
                &self.search("action", &body, limit),
                &expected.map(|permission| (*permission).to_owned()).collect(),
                &body,
            );
        }
    }
}

/// Nothing twice, nothing missing, nothing more.
fn same(found: &[String], expected: &BTreeSet<String>, body: &Value) {
    let set: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(set.len(), found.len(), "twice: {found:?} for {body}");
    assert_eq!(&set, expected, "{body}");
}

fn some<'k>(dice: &mut Dice, among: impl Iterator<Item = &'k String>) -> String {
    let among: Vec<&String> = among.collect();
    among[dice.below(among.len())].clone()
}

on_both_databases_and_several_servers! {
    fn evaluations_batches_and_searches_say_what_an_oracle_says(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        let mut world = World::new(&server);
        let mut dice = Dice::new();
        let (mut step, mut allowed) = (0, 0);
        // Until enough was allowed to say something.
        while step < if is_long() { 3_000 } else { 120 } || allowed < 50 {
            world.change(&mut dice);
            if step % 12 == 11 {
                allowed += world.compare(&mut dice);
            }
            step += 1;
        }
    }
}
