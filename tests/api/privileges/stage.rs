//! Two organizations to walk about in, and everybody who may give nobody there anything.

use muster::model::{CredentialKind, OrganizationId, Precondition, Profile};
use serde_json::{Value, json};

use super::attempt::{Attempt, Sent, Surface};
use crate::administration::administrator;
use crate::console::{Browser, caller, person, services};
use crate::support::{Client, Dice, Server};

/// Somebody who walks.
pub(super) struct Walker {
    pub(super) name: &'static str,
    /// How many of the walks of one round are this one's.
    turns: usize,
    /// What the credential is for.
    pub(super) surface: Surface,
    bearer: Bearer,
}

enum Bearer {
    Token(String),
    /// Signed in to the console.
    Person(Browser),
}

/// What there is to walk about: that of the connection which walks, and that of others.
#[derive(Default)]
pub(super) struct Known {
    own: Vec<String>,
    others: Vec<String>,
}

impl Known {
    /// One that is there; for its connection mostly one that it manages.
    pub(super) fn any<'a>(&'a self, surface: Surface, dice: &mut Dice) -> &'a str {
        let own = if surface == Surface::Scim { !dice.once_in(5) } else { dice.once_in(3) };
        let among = if own && !self.own.is_empty() { &self.own } else { &self.others };
        &among[dice.below(among.len())]
    }

    fn forget(&mut self, path: &str) {
        let is_there = |id: &String| !path.ends_with(id.as_str());
        self.own.retain(is_there);
        // Somebody else's are never gone by what walks do; if one were, the next step would say so.
    }
}

pub(super) struct Stage {
    pub(super) acme: OrganizationId,
    pub(super) slug: String,
    /// Callers who may give nobody anything.
    walkers: Vec<Walker>,
    pub(super) connection: String,
    pub(super) users: Known,
    pub(super) groups: Known,
    pub(super) assignments: Vec<String>,
}

impl Stage {
    /// Two organizations of their own: what walks have broken they cannot walk about any more.
    pub(super) fn new(server: &Server, number: usize) -> Self {
        let slug = format!("acme-{number}");
        let acme = server.organization(&slug);
        let second = server.connection(acme.id, "second", Profile::Default);
        let bravo = server.organization(&format!("bravo-{number}"));
        let admin = administrator(server, acme.id, CredentialKind::Admin);
        let call = |method: &str, path: &str, body: &Value| {
            let body = (!body.is_null()).then(|| body.to_string());
            admin.send(method, path, &[("Content-Type", "application/json")], body.as_deref())
        };
        call("POST", "/scopes", &json!({ "path": "/billing/production", "production": true })).expect(201);
        let mut foreign: Vec<String> = ["ada", "ben"].map(|name| acme.client.create_user(name)).into();
        let own: Vec<String> = ["cyd", "dee"].map(|name| second.create_user(name)).into();
        let eve = call("POST", "/users", &json!({ "userName": "eve" })).expect(201).id();
        let deployers = acme.client.create_group("deployers", &[&foreign[0]]);
        let viewers = second.create_group("viewers", &[&own[0]]);
        let idle = second.create_group("idle", &[]);
        let admins = call("POST", "/groups", &json!({ "display_name": "admins" })).expect(201).id();
        // Nothing is assigned to it, so whoever keeps people may let somebody in.
        let local = call("POST", "/groups", &json!({ "display_name": "local" })).expect(201).id();
        call("PUT", &format!("/groups/{admins}/members/{eve}"), &Value::Null).expect(204);
        foreign.push(eve);
        let assignments =
            [(&deployers, "release-manager", "/billing"), (&viewers, "viewer", "/"), (&admins, "admin", "/")];
        let assignments = assignments.map(|(group, role, scope)| {
            let mapping = json!({ "principal": { "type": "group", "id": group }, "role": role, "scope": scope });
            call("POST", "/assignments", &mapping).expect(201).id()
        });
        // It may assign what the mapping of its own group gives, and no more.
        let administration = server.administration();
        let connection = administration.connection_named(acme.id, &"second".parse().unwrap()).unwrap().id;
        administration.let_assign_roles(acme.id, connection, true, &Precondition::None).unwrap();
        administration.offer_role(acme.id, connection, &"viewer".parse().unwrap(), &"/".parse().unwrap()).unwrap();
        // Whoever got rid of it would open what it closes.
        let text = "@id(\"closed\")\n@reason(\"r\")\n@control(\"c\")\nforbid (principal, action == Action::\"deploy:approve\", resource);";
        call("POST", "/guardrails", &json!({ "text": text, "confirm": true })).expect(200);
        let keeper = keeper(server, acme.id);
        let token = |kind: CredentialKind| Bearer::Token(administrator(server, acme.id, kind).token);
        let elsewhere = administrator(server, bravo.id, CredentialKind::Admin).token;
        let walker = |name, turns, surface, bearer| Walker { name, turns, surface, bearer };
        let walkers = vec![
            walker("the connection of the viewers", 7, Surface::Scim, Bearer::Token(second.token)),
            walker("an auditor", 4, Surface::Administration, token(CredentialKind::Auditor)),
            walker("somebody who keeps people", 4, Surface::Console, Bearer::Person(keeper)),
            walker("an enforcement point", 1, Surface::Decisions, token(CredentialKind::Pep)),
            walker("a receiver", 1, Surface::Signals, token(CredentialKind::Receiver)),
            walker("an administrator elsewhere", 1, Surface::Administration, Bearer::Token(elsewhere)),
            walker("a connection elsewhere", 1, Surface::Scim, Bearer::Token(bravo.client.token)),
            walker("nobody", 1, Surface::Scim, Bearer::Token("none".to_owned())),
        ];
        Self {
            acme: acme.id,
            slug,
            walkers,
            connection: connection.to_string(),
            users: Known { own, others: foreign },
            groups: Known { own: vec![viewers, idle], others: vec![deployers, admins, local] },
            assignments: assignments.into(),
        }
    }

    /// Whose walk it is, in turn.
    pub(super) fn walker(&self, walk: usize) -> &Walker {
        let round: Vec<&Walker> =
            self.walkers.iter().flat_map(|walker| std::iter::repeat_n(walker, walker.turns)).collect();
        round[walk % round.len()]
    }

    /// What the answer says is there from now on, and what is gone.
    pub(super) fn follow(&mut self, of_here: bool, attempt: &Attempt, status: u16, text: &str) {
        let known = match attempt.path.as_str() {
            path if path.starts_with("/scim/v2/Users") => &mut self.users,
            path if path.starts_with("/scim/v2/Groups") => &mut self.groups,
            _ => return,
        };
        match (attempt.method, status) {
            ("POST", 201) if of_here => {
                let made: Value = serde_json::from_str(text).unwrap();
                known.own.push(made["id"].as_str().unwrap().to_owned());
            }
            ("DELETE", 204) => known.forget(&attempt.path),
            _ => {}
        }
    }
}

impl Walker {
    /// Whether it belongs to the organization that is walked about.
    pub(super) fn is_of_here(&self) -> bool {
        !self.name.ends_with("elsewhere")
    }

    /// Makes an attempt; answers the status and what came back.
    pub(super) fn send(&self, server: &Server, attempt: &Attempt) -> (u16, String) {
        match (&self.bearer, &attempt.sent) {
            (Bearer::Token(token), Sent::Json(body)) => {
                let client = Client { base: server.url.clone(), token: token.clone() };
                let scim = attempt.path.starts_with("/scim");
                let kind = if scim { "application/scim+json" } else { "application/json" };
                let body = (!body.is_null()).then(|| body.to_string());
                let answer = client.send(attempt.method, &attempt.path, &[("Content-Type", kind)], body.as_deref());
                (answer.status, answer.text)
            }
            (Bearer::Person(browser), Sent::Form { page, fields }) => {
                let shown = browser.get(page);
                // A page that is not for this person has no form; its form is sent all the same.
                let shown = if shown.status == 200 { shown } else { browser.get("/o") };
                let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let answer = shown.send(browser, &attempt.path, &fields);
                (answer.status, answer.html)
            }
            _ => panic!("{} does not send {}", self.name, attempt.path),
        }
    }
}

/// Somebody who is signed in and may keep people, and not change access.
fn keeper(server: &Server, acme: OrganizationId) -> Browser {
    let permissions = ["organization:read", "organization:manage-people"].map(|name| name.parse().unwrap());
    let (services, caller) = (services(server), caller(acme));
    let administration = services.administration(&caller);
    administration.create_role(acme, &"people".parse().unwrap(), &permissions.into_iter().collect()).unwrap();
    person(server, acme, "keeper", "people")
}
