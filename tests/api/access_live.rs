//! What is pushed and mapped is what is decided, at once, on every server.

use std::collections::BTreeSet;

use muster::access::decide::Rules;
use muster::access::graph::{IdentifierKind, Resource};
use muster::clock::Clock;
use muster::live::Live;
use muster::model::{AssignmentId, AssignmentSource, Moment, OrganizationId, ScopeKind, ScopePath};
use muster::service::access::{MayQuestion, NewAssignment, NewScope, WantedPrincipal};
use muster::service::administration::{Administration, AdministrationError};
use serde_json::{Value, json};

use crate::support::{Client, Database, Dice, Server, group, is_long, user};

const HOUR: i64 = 3_600_000_000;

/// Whether a user may do something at a scope.
fn judged(rules: &Rules<'_>, who: &str, permission: &str, scope: &str, now: Moment) -> bool {
    let path: ScopePath = scope.parse().unwrap();
    let kind = match path.kind() {
        ScopeKind::Organization => "organization",
        ScopeKind::Project => "project",
        ScopeKind::Environment => "environment",
    };
    let Ok(subject) = rules.graph.subject("user", who, &[IdentifierKind::Name]) else { return false };
    rules.graph.may(subject, permission, Resource { resource_type: kind, id: scope }, now).outcome.is_ok()
}

pub fn may(server: &Server, organization: OrganizationId, who: &str, permission: &str, scope: &str) -> bool {
    server.judge(organization, |rules| judged(rules, who, permission, scope, server.clock.now()))
}

pub fn scope(administration: &Administration, organization: OrganizationId, path: &str) {
    let (path, production) = (path.parse().unwrap(), path.ends_with("production"));
    administration.create_scope(organization, &NewScope { path, production, description: None }).unwrap();
}

pub fn mapping(group: &str, role: &str, scope: &str) -> NewAssignment {
    NewAssignment {
        principal: WantedPrincipal::Group(group.to_owned()),
        role: role.parse().unwrap(),
        scope: scope.parse().unwrap(),
        from: None,
        until: None,
        source: AssignmentSource::Administrator,
        approver: None,
        reason: None,
    }
}

fn add(member: &str) -> Value {
    json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }])
}

fn remove(member: &str) -> Value {
    json!([{ "op": "remove", "path": format!("members[value eq \"{member}\"]") }])
}

fn active(active: bool) -> Value {
    json!([{ "op": "replace", "path": "active", "value": active }])
}

on_both_databases_and_several_servers! {
    fn a_pushed_group_that_is_mapped_gives_access_and_its_removal_takes_it_at_once(database: &Database) {
        let server = Server::start(database);
        let (acme, administration) = (server.organization("acme"), server.administration());
        let allowed = || may(&server, acme.id, "Ada", "deploy:run", "/billing/production");
        assert!(!allowed(), "nobody is there");
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        let crew = acme.client.post("/Groups", &group("crew", &[&ada])).expect(201).id();
        assert!(!allowed(), "nothing is mapped");
        scope(&administration, acme.id, "/billing/production");
        let mapped = administration.assign(acme.id, &mapping("crew", "deployer", "/billing")).unwrap();
        assert!(allowed());
        assert!(!may(&server, acme.id, "ada", "deploy:approve", "/billing/production"));
        assert!(!may(&server, acme.id, "ada", "deploy:run", "/"));
        let path = format!("/Groups/{crew}");
        acme.client.patch(&path, &remove(&ada)).expect(200);
        assert!(!allowed(), "out of the group");
        acme.client.patch(&path, &add(&ada)).expect(200);
        assert!(allowed(), "in the group again");
        let person = format!("/Users/{ada}");
        acme.client.patch(&person, &active(false)).expect(200);
        assert!(!allowed(), "deactivated");
        acme.client.patch(&person, &active(true)).expect(200);
        assert!(allowed(), "reactivated");
        administration.end_assignment(acme.id, mapped.id, None).unwrap();
        assert!(!allowed(), "not mapped any more");
        administration.assign(acme.id, &mapping("crew", "deployer", "/")).unwrap();
        assert!(allowed(), "mapped around it");
        acme.client.delete(&path).expect(204);
        assert!(!allowed(), "the group is gone");
    }

    fn whoever_is_deleted_or_renamed_is_not_taken_for_another(database: &Database) {
        let server = Server::start(database);
        let (acme, administration) = (server.organization("acme"), server.administration());
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        acme.client.post("/Groups", &group("crew", &[&ada])).expect(201);
        administration.assign(acme.id, &mapping("crew", "deployer", "/")).unwrap();
        let allowed = |who: &str| may(&server, acme.id, who, "deploy:run", "/");
        assert!(allowed("ada") && allowed(&ada));
        acme.client.put(&format!("/Users/{ada}"), &user("lovelace")).expect(200);
        assert!(allowed("lovelace") && allowed(&ada) && !allowed("ada"));
        acme.client.post("/Users", &user("ada")).expect(201);
        assert!(!allowed("ada"), "another bears the name now");
        acme.client.delete(&format!("/Users/{ada}")).expect(204);
        assert!(!allowed("lovelace") && !allowed(&ada));
        acme.client.post("/Users", &user("lovelace")).expect(201);
        assert!(!allowed("lovelace"), "a newcomer has nothing of a leaver's");
    }

    fn groups_in_groups_count_and_cease_to_count(database: &Database) {
        let server = Server::start(database);
        let (acme, administration) = (server.organization("acme"), server.administration());
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        let inner = acme.client.post("/Groups", &group("inner", &[&ada])).expect(201).id();
        let middle = acme.client.post("/Groups", &group("middle", &[&inner])).expect(201).id();
        let outer = acme.client.post("/Groups", &group("outer", &[])).expect(201).id();
        administration.assign(acme.id, &mapping("outer", "viewer", "/")).unwrap();
        let allowed = || may(&server, acme.id, "ada", "build:view", "/");
        assert!(!allowed());
        acme.client.patch(&format!("/Groups/{outer}"), &add(&middle)).expect(200);
        assert!(allowed());
        acme.client.patch(&format!("/Groups/{middle}"), &remove(&inner)).expect(200);
        assert!(!allowed());
        acme.client.patch(&format!("/Groups/{middle}"), &add(&inner)).expect(200);
        assert!(allowed());
        acme.client.delete(&format!("/Groups/{inner}")).expect(204);
        assert!(!allowed());
    }

    fn an_assignment_begins_and_ends_at_its_time_by_itself(database: &Database) {
        let clock = Clock::manual(Clock::system().now());
        let server = Server::start_at(database, 0, clock.clone());
        let (acme, administration) = (server.organization("acme"), server.administration());
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        acme.client.post("/Groups", &group("crew", &[&ada])).expect(201);
        let (from, until) = (clock.now().plus_micros(HOUR), clock.now().plus_micros(2 * HOUR));
        let wanted = NewAssignment { from: Some(from), until: Some(until), ..mapping("crew", "deployer", "/") };
        administration.assign(acme.id, &wanted).unwrap();
        let allowed = || may(&server, acme.id, "ada", "deploy:run", "/");
        assert!(!allowed());
        clock.advance(HOUR);
        assert!(allowed());
        clock.advance(HOUR);
        assert!(!allowed());
    }

    fn a_new_version_of_a_role_holds_for_everybody_at_once(database: &Database) {
        let server = Server::start(database);
        let (acme, administration) = (server.organization("acme"), server.administration());
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        acme.client.post("/Groups", &group("crew", &[&ada])).expect(201);
        let allow = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<BTreeSet<_>>();
        let debugger = "debugger".parse().unwrap();
        administration.create_role(acme.id, &debugger, &allow(&["build:ssh"])).unwrap();
        administration.assign(acme.id, &mapping("crew", "debugger", "/")).unwrap();
        assert!(may(&server, acme.id, "ada", "build:ssh", "/"));
        administration.change_role(acme.id, &debugger, &allow(&["build:view"])).unwrap();
        assert!(!may(&server, acme.id, "ada", "build:ssh", "/"));
        assert!(may(&server, acme.id, "ada", "build:view", "/"));
    }

    fn no_organization_answers_for_another(database: &Database) {
        let server = Server::start(database);
        let (acme, evil) = (server.organization("acme"), server.organization("evil"));
        let administration = server.administration();
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        acme.client.post("/Groups", &group("crew", &[&ada])).expect(201);
        administration.assign(acme.id, &mapping("crew", "deployer", "/")).unwrap();
        evil.client.post("/Groups", &group("crew", &[])).expect(201);
        administration.assign(evil.id, &mapping("crew", "deployer", "/")).unwrap();
        assert!(may(&server, acme.id, "ada", "deploy:run", "/"));
        for who in ["ada", &ada] {
            assert!(!may(&server, evil.id, who, "deploy:run", "/"));
        }
    }

    // What was changed step by step says what is read anew, what is read of one person alone, and what is read of it later.
    fn a_followed_graph_answers_as_one_that_is_read_anew_and_as_the_past_is_read_later(database: &Database) {
        let clock = Clock::manual(Clock::system().now().plus_micros(-12 * HOUR));
        let server = Server::start_at(database, 0, clock.clone());
        let (acme, administration) = (server.organization("acme"), server.administration());
        scope(&administration, acme.id, "/a/production");
        let mut world = World { acme: acme.id, client: acme.client.clone(), administration: &administration,
            users: Vec::new(), groups: Vec::new(), mapped: Vec::new(), next: 0 };
        let mut dice = Dice::new();
        let (mut then, mut allowed) = (Vec::new(), 0_usize);
        let alone = |who: &str, permission: &str, scope: &str, at| {
            let question = MayQuestion { subject: who.to_owned(), is_service: false,
                permission: permission.parse().unwrap(), scope: scope.parse().unwrap(), at };
            administration.may(acme.id, &question, false).unwrap().allowed
        };
        for step in 0.. {
            // Until something was allowed.
            if step >= if is_long() { 2_000 } else { 150 } && allowed > 0 {
                break;
            }
            let told = world.change(&mut dice);
            // No change comes at the moment that is asked about.
            clock.advance(1_000_000);
            let between = clock.now();
            clock.advance(1_000_000);
            if step % 5 > 0 {
                continue;
            }
            let settings = muster::live::LiveSettings { serves: false, root_key: None };
            let (fresh, _threads) = Live::start(server.database.clone(), server.clock.clone(), settings).unwrap();
            for who in &world.users {
                for permission in ["build:view", "deploy:run", "build:ssh"] {
                    for scope in ["/", "/a", "/a/production"] {
                        let followed = may(&server, acme.id, who, permission, scope);
                        let read = |rules: &Rules<'_>, _| judged(rules, who, permission, scope, server.clock.now());
                        let read = fresh.judge(acme.id, read).unwrap();
                        let asked = format!("step {step}, {told}: {who} {permission} {scope}");
                        assert_eq!(followed, read, "{asked}");
                        allowed += usize::from(followed);
                        if dice.once_in(10) {
                            assert_eq!(followed, alone(who, permission, scope, None), "{asked}, alone");
                            then.push((between, who.clone(), permission, scope, followed));
                        }
                    }
                }
            }
        }
        clock.advance(HOUR);
        for (at, who, permission, scope, answer) in then {
            assert_eq!(alone(&who, permission, scope, Some(at)), answer, "{at}: {who} {permission} {scope}");
        }
    }
}

/// An organization at which dice throw changes.
struct World<'a> {
    acme: OrganizationId,
    client: Client,
    administration: &'a Administration,
    users: Vec<String>,
    groups: Vec<String>,
    mapped: Vec<AssignmentId>,
    next: usize,
}

impl World<'_> {
    fn name(&mut self, kind: &str) -> String {
        self.next += 1;
        format!("{kind}-{}", self.next)
    }

    /// Changes something; answers what. What is refused is refused.
    fn change(&mut self, dice: &mut Dice) -> String {
        let kind = if self.users.len() < 3 {
            0
        } else if self.groups.len() < 3 {
            1
        } else {
            dice.below(12)
        };
        match kind {
            0 => {
                let name = self.name("user");
                self.users.push(self.client.post("/Users", &user(&name)).expect(201).id());
                format!("created {name}")
            }
            1 => {
                let (name, member) = (self.name("group"), one_of(dice, &self.users));
                self.groups.push(self.client.post("/Groups", &group(&name, &[&member])).expect(201).id());
                format!("created {name}")
            }
            2 | 3 => {
                let (to, member) = (one_of(dice, &self.groups), one_of(dice, &self.users));
                self.client.patch(&format!("/Groups/{to}"), &add(&member));
                format!("{member} joined {to}")
            }
            4 => {
                let (to, member) = (one_of(dice, &self.groups), one_of(dice, &self.groups));
                self.client.patch(&format!("/Groups/{to}"), &add(&member));
                format!("group {member} joined {to}")
            }
            5 => {
                let of: Vec<String> = self.users.iter().chain(&self.groups).cloned().collect();
                let (from, member) = (one_of(dice, &self.groups), one_of(dice, &of));
                self.client.patch(&format!("/Groups/{from}"), &remove(&member));
                format!("{member} left {from}")
            }
            6 => {
                let who = one_of(dice, &self.users);
                self.client.patch(&format!("/Users/{who}"), &active(dice.below(2) == 0));
                format!("{who} is active or not")
            }
            7 if dice.below(4) == 0 => {
                let who = one_of(dice, &self.users);
                self.client.delete(&format!("/Users/{who}"));
                format!("{who} deleted")
            }
            8 if dice.below(4) == 0 => {
                let which = dice.below(self.groups.len());
                let gone = self.groups.remove(which);
                self.client.delete(&format!("/Groups/{gone}"));
                format!("{gone} deleted")
            }
            9 if !self.mapped.is_empty() => {
                let which = dice.below(self.mapped.len());
                let gone = self.mapped.remove(which);
                match self.administration.end_assignment(self.acme, gone, None) {
                    Ok(()) => format!("{gone} ended"),
                    Err(AdministrationError::NotFound(_)) => format!("{gone} had ended with whom it was given to"),
                    Err(error) => panic!("{gone}: {error}"),
                }
            }
            10 => {
                let names: [&[&str]; 3] = [&["build:ssh"], &["build:view", "deploy:run"], &["build:run"]];
                let allowed = names[dice.below(names.len())].iter().map(|name| name.parse().unwrap()).collect();
                let role = "own".parse().unwrap();
                if self.administration.create_role(self.acme, &role, &allowed).is_err() {
                    self.administration.change_role(self.acme, &role, &allowed).unwrap();
                }
                "role own changed".to_owned()
            }
            _ => {
                let role = dice.pick(&["viewer", "deployer", "own"]);
                let mut wanted = mapping("", role, dice.pick(&["/", "/a", "/a/production"]));
                wanted.principal = match dice.below(3) {
                    0 => WantedPrincipal::User(one_of(dice, &self.users)),
                    _ => WantedPrincipal::Group(one_of(dice, &self.groups)),
                };
                let made = self.administration.assign(self.acme, &wanted);
                self.mapped
                    .extend(made.iter().map(|made| made.id).filter(|id| !self.mapped.contains(id)).collect::<Vec<_>>());
                format!("assigned {wanted:?}")
            }
        }
    }
}

fn one_of(dice: &mut Dice, among: &[String]) -> String {
    among[dice.below(among.len())].clone()
}

#[test]
fn what_one_server_takes_away_no_other_allows_any_more() {
    let database = Database::fresh(crate::support::Backend::Postgres);
    let (first, second) = (Server::start(&database), Server::start(&database));
    let (acme, administration) = (first.organization("acme"), first.administration());
    let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
    let crew = acme.client.post("/Groups", &group("crew", &[])).expect(201).id();
    let mapped = administration.assign(acme.id, &mapping("crew", "deployer", "/")).unwrap();
    let allowed = |server: &Server| may(server, acme.id, "ada", "deploy:run", "/");
    let arrives = |server: &Server| {
        // Access that is given need not be waited for; it arrives with the next look at the feed.
        while !allowed(server) {
            std::thread::yield_now();
        }
    };
    assert!(!allowed(&first) && !allowed(&second));
    for _ in 0..5 {
        acme.client.patch(&format!("/Groups/{crew}"), &add(&ada)).expect(200);
        arrives(&first);
        arrives(&second);
        acme.client.patch(&format!("/Groups/{crew}"), &remove(&ada)).expect(200);
        assert!(!allowed(&first) && !allowed(&second), "out of the group");
    }
    acme.client.patch(&format!("/Groups/{crew}"), &add(&ada)).expect(200);
    arrives(&second);
    second.administration().end_assignment(acme.id, mapped.id, None).unwrap();
    assert!(!allowed(&first) && !allowed(&second), "not mapped any more");
}
