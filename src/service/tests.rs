//! Every use case, with the first, second, … call on the database failing: it takes place whole or not at all, the log
//! agrees with the state, trying again does what trying once would have done, and nothing panics.

use std::cell::Cell;

use serde_json::{Value, json};

use super::access::{NewAssignment, NewScope, NewService, WantedPrincipal};
use super::administration::{Administration, NewToken};
use super::provisioning::{ListRequest, groups, users};
use super::*;
use crate::db::Database;
use crate::db::tests::faults::{Fault, calls, inject};
use crate::db::tests::fresh::{Fresh, broken, on_both_databases, picture};
use crate::live::{LiveSettings, LiveThreads};
use crate::model::{Actor, AssignmentSource, OrganizationId, Precondition, Profile};
use crate::scim::list::Paging;
use crate::scim::projection::Projection;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

struct Fixture {
    database: Database,
    services: Services,
    organization: OrganizationId,
    caller: Caller,
    token: String,
    /// So that every try has names of its own.
    next: Cell<usize>,
    _threads: LiveThreads,
}

fn start(database: &Database) -> (Services, LiveThreads) {
    let clock = Clock::system();
    let settings = LiveSettings { serves: false, root_key: None };
    let (live, threads) = Live::start(database.clone(), clock.clone(), settings).unwrap();
    let (types, public_url) = (ResourceTypes::builtin().unwrap(), "https://muster.example.com".to_owned());
    (Services { live, types, public_url, clock }, threads)
}

impl Fixture {
    fn new(fresh: &Fresh) -> Self {
        let database = fresh.database.clone();
        let (services, threads) = start(&database);
        let administration = Administration::new(services.live.clone(), services.clock.clone(), Actor::CommandLine);
        let organization = administration.create_organization(&"acme".parse().unwrap(), &"Acme".parse().unwrap());
        let organization = organization.unwrap().id;
        administration.create_connection(organization, &"okta".parse().unwrap(), Profile::Default).unwrap();
        let token = administration.issue_token(&wanted(organization)).unwrap().to_string();
        let caller = services.admit(&token, ids_request(&services)).unwrap();
        Self { database, services, organization, caller, token, next: Cell::new(0), _threads: threads }
    }

    fn administration(&self) -> Administration {
        Administration::new(self.services.live.clone(), self.services.clock.clone(), Actor::CommandLine)
    }

    fn caller(&self) -> Caller {
        Caller { request: ids_request(&self.services), ..self.caller.clone() }
    }

    fn name(&self) -> String {
        self.next.set(self.next.get() + 1);
        format!("name-{}", self.next.get())
    }

    fn user(&self) -> String {
        id(&users::create(&self.services, &self.caller(), user(&self.name()), &everything()).unwrap().body)
    }

    fn group(&self, members: &[&String]) -> String {
        let body = group(&self.name(), members);
        id(&groups::create(&self.services, &self.caller(), body, &everything()).unwrap().body)
    }

    /// Tries `work`, made anew by `prepare` for each try, with each of its calls on the database failing.
    fn try_all<W: Fn() -> Result<(), Outcome>>(&self, what: &str, prepare: impl Fn() -> W) {
        let work = prepare();
        inject(&self.database, None);
        let plain = work();
        let number = calls(&self.database);
        assert!(plain.is_ok() && number > 0, "{what}: {plain:?} after {number} calls");
        let again = work();
        for n in 0..number {
            for fault in [Fault::Once(n), Fault::FromThenOn(n), Fault::LostCommit] {
                if fault == Fault::LostCommit && n > 0 {
                    continue;
                }
                let work = prepare();
                let before = picture(&self.database);
                inject(&self.database, Some(fault));
                let outcome = work();
                inject(&self.database, None);
                let told = format!("{what}, {fault:?}: {outcome:?}");
                assert!(matches!(outcome, Ok(()) | Err(Outcome::Unavailable)), "{told}");
                assert_eq!(broken(&self.database), Vec::<String>::new(), "{told}");
                let written = picture(&self.database) != before;
                // A second try does what the first would have done, or what a second does that follows a first.
                let second = work();
                if written || (outcome.is_ok() && again.is_ok()) {
                    assert_eq!(second, again, "{told}");
                } else {
                    assert_eq!(second, Ok(()), "{told}");
                }
                assert_eq!(broken(&self.database), Vec::<String>::new(), "{told}");
            }
        }
    }
}

/// What a use case answered, as far as clients tell it apart.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Unavailable,
    Refused(String),
}

fn told<T>(result: Result<T, ServiceError>) -> Result<(), Outcome> {
    match result {
        Ok(_) => Ok(()),
        Err(ServiceError::Unavailable(_)) => Err(Outcome::Unavailable),
        Err(ServiceError::Scim(error)) => Err(Outcome::Refused(error.status().to_string())),
        Err(other) => Err(Outcome::Refused(other.to_string())),
    }
}

fn administered<T>(result: Result<T, administration::AdministrationError>) -> Result<(), Outcome> {
    use administration::AdministrationError as Error;
    match result {
        Ok(_) => Ok(()),
        Err(Error::Taken(_)) => Err(Outcome::Refused("taken".to_owned())),
        Err(Error::NotFound(_)) => Err(Outcome::Refused("not found".to_owned())),
        Err(error) if error.to_string().contains("injected") => Err(Outcome::Unavailable),
        Err(other) => Err(Outcome::Refused(other.to_string())),
    }
}

fn ids_request(services: &Services) -> RequestId {
    crate::ids::request(services.clock.now())
}

fn wanted(organization: OrganizationId) -> NewToken {
    NewToken { organization, kind: CredentialKind::Scim, connection: None, valid_micros: 86_400_000_000 }
}

fn user(name: &str) -> Value {
    json!({ "schemas": [USER], "userName": name, "emails": [{ "value": format!("{name}@example.com") }] })
}

fn group(name: &str, members: &[&String]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [GROUP], "displayName": name, "members": members })
}

fn patch(operations: Value) -> Value {
    json!({ "schemas": [PATCH], "Operations": operations })
}

fn id(body: &str) -> String {
    serde_json::from_str::<Value>(body).unwrap()["id"].as_str().unwrap().to_owned()
}

fn everything() -> Projection {
    Projection::parse(None, None, &ResourceTypes::builtin().unwrap().user).unwrap()
}

fn all() -> ListRequest {
    ListRequest { filter: None, sort: None, paging: Paging::new(None, None), projection: everything() }
}

on_both_databases! {
    fn writes_of_users_are_whole_whichever_call_fails(fresh: &Fresh) {
        let fixture = Fixture::new(fresh);
        let (services, plain, any) = (&fixture.services, everything(), Precondition::None);
        fixture.try_all("POST /Users", || {
            let name = fixture.name();
            let plain = plain.clone();
            let fixture = &fixture;
            move || told(users::create(services, &fixture.caller(), user(&name), &plain))
        });
        fixture.try_all("PUT /Users", || {
            let (id, name) = (fixture.user(), fixture.name());
            let (plain, any, fixture) = (plain.clone(), any.clone(), &fixture);
            move || told(users::replace(services, &fixture.caller(), &id, user(&name), &any, &plain))
        });
        fixture.try_all("PATCH /Users, deactivate", || {
            let id = fixture.user();
            let (plain, any, fixture) = (plain.clone(), any.clone(), &fixture);
            let off = json!([{ "op": "replace", "path": "active", "value": false }]);
            move || told(users::patch(services, &fixture.caller(), &id, patch(off.clone()), &any, &plain))
        });
        fixture.try_all("DELETE /Users", || {
            let id = fixture.user();
            fixture.group(&[&id]);
            let (any, fixture) = (any.clone(), &fixture);
            move || told(users::delete(services, &fixture.caller(), &id, &any))
        });
    }

    fn writes_of_groups_are_whole_whichever_call_fails(fresh: &Fresh) {
        let fixture = Fixture::new(fresh);
        let (services, plain, any) = (&fixture.services, everything(), Precondition::None);
        fixture.try_all("POST /Groups", || {
            let (name, member) = (fixture.name(), fixture.user());
            let (plain, fixture) = (plain.clone(), &fixture);
            move || told(groups::create(services, &fixture.caller(), group(&name, &[&member]), &plain))
        });
        fixture.try_all("PUT /Groups", || {
            let (first, second) = (fixture.user(), fixture.user());
            let (id, name) = (fixture.group(&[&first]), fixture.name());
            let (plain, any, fixture) = (plain.clone(), any.clone(), &fixture);
            move || told(groups::replace(services, &fixture.caller(), &id, group(&name, &[&second]), &any, &plain))
        });
        fixture.try_all("PATCH /Groups, a group joins a group", || {
            let member = fixture.user();
            let (inner, outer) = (fixture.group(&[&member]), fixture.group(&[]));
            let (plain, any, fixture) = (plain.clone(), any.clone(), &fixture);
            let add = json!([{ "op": "add", "path": "members", "value": [{ "value": inner }, { "value": member }] }]);
            move || told(groups::patch(services, &fixture.caller(), &outer, patch(add.clone()), &any, &plain))
        });
        fixture.try_all("DELETE /Groups", || {
            let member = fixture.user();
            let inner = fixture.group(&[&member]);
            fixture.group(&[&inner]);
            let (any, fixture) = (any.clone(), &fixture);
            move || told(groups::delete(services, &fixture.caller(), &inner, &any))
        });
    }

    fn reads_and_admission_say_that_they_cannot_tell(fresh: &Fresh) {
        let fixture = Fixture::new(fresh);
        let (services, plain) = (&fixture.services, everything());
        let member = fixture.user();
        let builders = fixture.group(&[&member]);
        let caller = fixture.caller();
        let filtered = |filter: &str| ListRequest { filter: Some(filter.to_owned()), ..all() };
        fixture.try_all("GET /Users/{id}", || || told(users::read(services, &caller, &member, &plain)));
        fixture.try_all("GET /Groups/{id}", || || told(groups::read(services, &caller, &builders, &plain)));
        fixture.try_all("GET /Users", || || told(users::list(services, &caller, &all())));
        fixture.try_all("GET /Groups", || || told(groups::list(services, &caller, &all())));
        for filter in ["userName eq \"name-1\"", "emails.value eq \"name-1@example.com\"", "title pr", "id pr"] {
            fixture.try_all(filter, || || told(users::list(services, &caller, &filtered(filter))));
        }
        fixture.try_all("admission", || {
            // Each try by a server that knows nobody yet.
            let (services, token) = (start(&fixture.database).0, fixture.token.clone());
            move || told(services.admit(&token, ids_request(&services)))
        });
    }

    fn administration_is_whole_whichever_call_fails(fresh: &Fresh) {
        let fixture = Fixture::new(fresh);
        let (organization, administration) = (fixture.organization, fixture.administration());
        fixture.try_all("an organization is created", || {
            let (slug, name) = (fixture.name().parse().unwrap(), "Somebody".parse().unwrap());
            let administration = &administration;
            move || administered(administration.create_organization(&slug, &name))
        });
        fixture.try_all("a token is issued", || {
            let administration = &administration;
            move || administered(administration.issue_token(&wanted(organization)))
        });
        fixture.try_all("a token is revoked", || {
            let token = crate::live::Token::parse(&administration.issue_token(&wanted(organization)).unwrap()).unwrap();
            let administration = &administration;
            move || administered(administration.revoke_token(organization, token.credential))
        });
        fixture.try_all("a connection is created", || {
            // Of an organization of its own, so that tokens of the first need not name theirs.
            let slug = fixture.name().parse().unwrap();
            let other = administration.create_organization(&slug, &"Somebody".parse().unwrap()).unwrap().id;
            let administration = &administration;
            let name = "okta".parse().unwrap();
            move || administered(administration.create_connection(other, &name, Profile::Default))
        });
        fixture.try_all("a connection is paused", || {
            let administration = &administration;
            let name = "okta".parse().unwrap();
            administration.pause_connection(organization, &name, false).unwrap();
            move || administered(administration.pause_connection(organization, &name, true))
        });
    }

    fn administration_of_access_is_whole_whichever_call_fails(fresh: &Fresh) {
        let fixture = Fixture::new(fresh);
        let (organization, administration) = (fixture.organization, fixture.administration());
        let owner = fixture.user();
        let mapping = |name: &str| NewAssignment {
            principal: WantedPrincipal::Group(name.to_owned()),
            role: "deployer".parse().unwrap(),
            scope: "/".parse().unwrap(),
            from: None,
            until: None,
            source: AssignmentSource::Administrator,
            approver: None,
            reason: None,
        };
        let administration = &administration;
        fixture.try_all("a scope is made", || {
            let path = format!("/{}/production", fixture.name()).parse().unwrap();
            let wanted = NewScope { path, production: true, description: None };
            move || administered(administration.create_scope(organization, &wanted))
        });
        fixture.try_all("a role is changed", || {
            let name = fixture.name().parse().unwrap();
            administration.create_role(organization, &name, &["build:view".parse().unwrap()].into()).unwrap();
            let allowed = ["build:ssh".parse().unwrap()].into();
            move || administered(administration.change_role(organization, &name, &allowed))
        });
        fixture.try_all("a group is mapped", || {
            let group = fixture.group(&[&owner]);
            let wanted = mapping(&group);
            move || administered(administration.assign(organization, &wanted))
        });
        fixture.try_all("a mapping is removed", || {
            let group = fixture.group(&[&owner]);
            let made = administration.assign(organization, &mapping(&group)).unwrap();
            move || administered(administration.end_assignment(organization, made.id, None))
        });
        fixture.try_all("a service is stopped", || {
            let name = fixture.name();
            let expires_at = fixture.services.clock.now().plus_micros(86_400_000_000);
            let wanted = NewService { name: name.parse().unwrap(), owner: owner.clone(), successor: None, expires_at };
            let id = administration.create_service(organization, &wanted).unwrap().id.to_string();
            move || administered(administration.stop_service(organization, &id))
        });
    }
}
