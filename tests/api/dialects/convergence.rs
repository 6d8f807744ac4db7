//! A directory changes at random and is pushed as Okta and as Entra push it, with retries, duplicates and in another order:
//! who may what ends up as the directory has it, and pushing it all again changes nothing and logs nothing.

use std::collections::BTreeSet;

use muster::model::{Precondition, Profile};
use serde_json::{Value, json};

use super::{ENTRA, GROUP, OKTA, PATCH, Provider, USER};
use crate::access_live::{mapping, may};
use crate::support::rows::rows_of;
use crate::support::{Database, Dice, Server, is_long};

/// Each group is mapped to a role at a scope: what the role allows, written down a second time.
const MAPPED: [(&str, &str, &[&str]); 5] = [
    ("viewer", "/", &["build:view"]),
    ("developer", "/a", &["build:view", "build:run"]),
    ("deployer", "/a/production", &["build:view", "deploy:run"]),
    ("release-manager", "/a", &["build:view", "deploy:run", "deploy:approve"]),
    ("deployer", "/b", &["build:view", "deploy:run"]),
];
/// Each is offered to the provider, which pushes its value among the `roles` of people.
const OFFERED: [(&str, &str, &[&str]); 2] = [
    ("release-manager", "/b", &["build:view", "deploy:run", "deploy:approve"]),
    ("developer", "/", &["build:view", "build:run"]),
];
const PERMISSIONS: [&str; 5] = ["build:view", "build:run", "deploy:run", "deploy:approve", "build:ssh"];
const SCOPES: [&str; 5] = ["/", "/a", "/a/production", "/b", "/b/production"];
const PEOPLE: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Okta,
    Entra,
}

/// Somebody in the directory.
#[derive(Debug, Clone)]
struct Person {
    id: String,
    name: String,
    active: bool,
    deleted: bool,
    /// Which of what is offered.
    roles: BTreeSet<usize>,
}

/// What is pushed as `roles`: what was offered, and a value that nobody offered.
fn roles(held: &BTreeSet<usize>) -> Value {
    let offered = held.iter().map(|place| format!("{}@{}", OFFERED[*place].0, OFFERED[*place].1));
    offered.chain(["Admin".to_owned()]).map(|value| json!({ "value": value })).collect()
}

/// The directory, and whoever pushes it.
struct Directory {
    dialect: Dialect,
    people: Vec<Person>,
    groups: Vec<(String, BTreeSet<usize>)>,
}

/// A request on its way.
#[derive(Debug, Clone)]
struct Push {
    method: &'static str,
    path: String,
    body: Value,
}

fn patch(path: String, operations: Value) -> Push {
    Push { method: "PATCH", path, body: json!({ "schemas": [PATCH], "Operations": operations }) }
}

impl Directory {
    /// A person whole, as it is in the directory.
    fn put(&self, person: usize) -> Push {
        let Person { id, name, active, roles: held, .. } = &self.people[person];
        let path = format!("/Users/{id}");
        let body = json!({ "schemas": [USER], "id": id, "userName": name, "active": active, "roles": roles(held) });
        Push { method: "PUT", path, body }
    }

    fn activation(&self, person: usize, dice: &mut Dice) -> Push {
        let Person { id, active, .. } = &self.people[person];
        let path = format!("/Users/{id}");
        match self.dialect {
            Dialect::Okta if dice.once_in(2) => {
                patch(path, json!([{ "op": "replace", "value": { "active": active } }]))
            }
            Dialect::Okta => self.put(person),
            Dialect::Entra => {
                let text = if *active { "True" } else { "False" };
                patch(path, json!([{ "op": "Replace", "path": "active", "value": text }]))
            }
        }
    }

    fn roles(&self, person: usize, dice: &mut Dice) -> Push {
        let Person { id, roles: held, .. } = &self.people[person];
        let path = format!("/Users/{id}");
        match self.dialect {
            Dialect::Okta if dice.once_in(2) => {
                patch(path, json!([{ "op": "replace", "value": { "roles": roles(held) } }]))
            }
            Dialect::Okta => self.put(person),
            Dialect::Entra => patch(path, json!([{ "op": "replace", "path": "roles", "value": roles(held) }])),
        }
    }

    fn membership(&self, group: usize, person: usize, dice: &mut Dice) -> Push {
        let (id, members) = &self.groups[group];
        let who = &self.people[person].id;
        let own = match self.dialect {
            Dialect::Okta => json!([{ "value": who, "display": self.people[person].name }]),
            Dialect::Entra => json!([{ "$ref": null, "value": who }]),
        };
        let by_filter = json!({ "op": "remove", "path": format!("members[value eq \"{who}\"]") });
        let operation = match (self.dialect, members.contains(&person)) {
            (Dialect::Okta, true) => json!({ "op": "add", "path": "members", "value": own }),
            (Dialect::Okta, false) => by_filter,
            (Dialect::Entra, true) => json!({ "op": "Add", "path": "members", "value": own }),
            (Dialect::Entra, false) if dice.once_in(2) => by_filter,
            (Dialect::Entra, false) => json!({ "op": "Remove", "path": "members", "value": own }),
        };
        patch(format!("/Groups/{id}"), json!([operation]))
    }

    /// A group whole, as it is in the directory.
    fn whole(&self, group: usize, dice: &mut Dice) -> Vec<Push> {
        let (id, members) = &self.groups[group];
        let path = format!("/Groups/{id}");
        let values: Vec<Value> = members.iter().map(|person| json!({ "value": self.people[*person].id })).collect();
        match self.dialect {
            Dialect::Okta if dice.once_in(2) => {
                vec![patch(path, json!([{ "op": "replace", "path": "members", "value": values }]))]
            }
            Dialect::Okta => {
                let body =
                    json!({ "schemas": [GROUP], "id": id, "displayName": format!("group-{group}"), "members": values });
                vec![Push { method: "PUT", path, body }]
            }
            // Entra sends each of them, one by one.
            Dialect::Entra => (0..PEOPLE)
                .filter(|person| !self.people[*person].deleted)
                .map(|person| self.membership(group, person, dice))
                .collect(),
        }
    }

    /// Some changes that do not depend on each other, as requests.
    fn changes(&mut self, dice: &mut Dice) -> Vec<Push> {
        let (mut people, mut groups) = (BTreeSet::new(), BTreeSet::new());
        let mut pushes = Vec::new();
        for _ in 0..=dice.below(6) {
            let (person, group) = (dice.below(PEOPLE), dice.below(self.groups.len()));
            if self.people[person].deleted {
                continue;
            }
            match dice.below(12) {
                0..=5 if !groups.contains(&group) && people.insert((Some(group), person)) => {
                    let members = &mut self.groups[group].1;
                    if !members.remove(&person) {
                        members.insert(person);
                    }
                    pushes.push(self.membership(group, person, dice));
                }
                6..=8 if people.insert((None, person)) => {
                    self.people[person].active = !self.people[person].active;
                    pushes.push(self.activation(person, dice));
                }
                11 if people.insert((None, person)) => {
                    let (place, held) = (dice.below(OFFERED.len()), &mut self.people[person].roles);
                    if !held.remove(&place) {
                        held.insert(place);
                    }
                    pushes.push(self.roles(person, dice));
                }
                9 | 10 if people.iter().all(|(of, _)| *of != Some(group)) && groups.insert(group) => {
                    pushes.extend(self.whole(group, dice));
                }
                _ => {}
            }
        }
        pushes
    }

    /// Somebody is deleted, after everything before has arrived.
    fn deletion(&mut self, dice: &mut Dice) -> Option<Push> {
        let person = dice.below(PEOPLE);
        let left = self.people.iter().filter(|person| !person.deleted).count();
        if self.people[person].deleted || left < 4 {
            return None;
        }
        self.people[person].deleted = true;
        self.groups.iter_mut().for_each(|(_, members)| members.retain(|member| *member != person));
        let path = format!("/Users/{}", self.people[person].id);
        Some(Push { method: "DELETE", path, body: Value::Null })
    }

    /// Everything again, as a full synchronization does.
    fn everything(&self, dice: &mut Dice) -> Vec<Push> {
        let people = (0..PEOPLE).filter(|person| !self.people[*person].deleted);
        let mut pushes: Vec<Push> =
            people.flat_map(|person| [self.activation(person, dice), self.roles(person, dice)]).collect();
        for group in 0..self.groups.len() {
            pushes.extend(self.whole(group, dice));
        }
        pushes
    }

    fn allows(&self, person: usize, permission: &str, scope: &str) -> bool {
        let there = self.people[person].active && !self.people[person].deleted;
        let within = |outer: &str| outer == "/" || scope == outer || scope.starts_with(&format!("{outer}/"));
        let gives = |(_, at, allowed): &(&str, &str, &[&str])| within(at) && allowed.contains(&permission);
        let pushed = self.people[person].roles.iter().any(|place| gives(&OFFERED[*place]));
        let by_group =
            || self.groups.iter().zip(MAPPED).any(|((_, members), mapped)| members.contains(&person) && gives(&mapped));
        there && (pushed || by_group())
    }
}

/// Sends each request once or several times, in any order.
fn deliver(provider: &Provider, pushes: Vec<Push>, dice: &mut Dice) {
    let mut queue: Vec<Push> = pushes.iter().flat_map(|push| vec![push.clone(); 1 + dice.below(3)]).collect();
    while !queue.is_empty() {
        let Push { method, path, body } = queue.swap_remove(dice.below(queue.len()));
        let body = (!body.is_null()).then(|| body.to_string());
        let answer = provider.client.send(method, &path, provider.headers, body.as_deref());
        let gone = method == "DELETE" && answer.status == 404;
        assert!(
            [200, 204].contains(&answer.status) || gone,
            "{method} {path} {body:?}: {} {}",
            answer.status,
            answer.text
        );
    }
}

fn converges(database: &Database, dialect: Dialect) {
    let server = &Server::start(database);
    let organization = server.organization("acme").id;
    let (profile, headers) = match dialect {
        Dialect::Okta => (Profile::Okta, OKTA),
        Dialect::Entra => (Profile::Entra, ENTRA),
    };
    let provider = Provider { client: server.connection(organization, "provider", profile), headers };
    let administration = server.administration();
    for scope in ["/a/production", "/b/production"] {
        crate::access_live::scope(&administration, organization, scope);
    }
    let connection = administration.connection_named(organization, &"provider".parse().unwrap()).unwrap().id;
    administration.let_assign_roles(organization, connection, true, &Precondition::None).unwrap();
    for (role, scope, _) in OFFERED {
        administration.offer_role(organization, connection, &role.parse().unwrap(), &scope.parse().unwrap()).unwrap();
    }
    let people = (0..PEOPLE).map(|number| {
        let name = format!("person-{number}@example.com");
        let id = provider
            .post(
                "/Users",
                &json!({ "schemas": [USER], "userName": name, "active": true, "roles": roles(&BTreeSet::new()) }),
            )
            .expect(201)
            .id();
        Person { id, name, active: true, deleted: false, roles: BTreeSet::new() }
    });
    let people = people.collect();
    let groups = MAPPED.iter().enumerate().map(|(number, (role, at, _))| {
        let name = format!("group-{number}");
        let id = provider.post("/Groups", &json!({ "schemas": [GROUP], "displayName": name })).expect(201).id();
        administration.assign(organization, &mapping(&name, role, at)).unwrap();
        (id, BTreeSet::new())
    });
    let mut directory = Directory { dialect, people, groups: groups.collect() };
    let mut dice = Dice::new();
    let mut allowed = 0;
    let mut round = 0;
    // Until enough was allowed to say something.
    while round < if is_long() { 500 } else { 25 } || allowed < 20 {
        let pushes = directory.changes(&mut dice);
        deliver(&provider, pushes, &mut dice);
        if round % 8 == 7 {
            deliver(&provider, directory.deletion(&mut dice).into_iter().collect(), &mut dice);
        }
        for (person, told) in directory.people.iter().enumerate() {
            for (permission, scope) in
                PERMISSIONS.iter().flat_map(|permission| SCOPES.map(|scope| (*permission, scope)))
            {
                let expected = directory.allows(person, permission, scope);
                allowed += usize::from(expected);
                let found = may(server, organization, &told.id, permission, scope);
                assert_eq!(found, expected, "round {round}: {told:?} {permission} {scope}");
            }
        }
        round += 1;
    }
    for _ in 0..3 {
        let before = rows_of(database, organization);
        let again = directory.everything(&mut dice);
        deliver(&provider, again, &mut dice);
        assert_eq!(rows_of(database, organization), before, "nothing changes, nothing is logged");
    }
}

on_both_databases! {
    fn what_okta_pushes_ends_as_okta_has_it(database: &Database) {
        converges(database, Dialect::Okta);
    }

    fn what_entra_pushes_ends_as_entra_has_it(database: &Database) {
        converges(database, Dialect::Entra);
    }
}
