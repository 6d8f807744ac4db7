//! The company that `muster demo` makes up: there, a year old, and with what a newcomer is to find.

use muster::access::gates::GateState;
use muster::clock::Clock;
use muster::db::events::after;
use muster::model::{Actor, Caller, EventId, Moment, ResourceId};
use muster::scim::schema::ResourceTypes;
use muster::service::Services;
use muster::service::access::MayQuestion;
use muster::service::administration::Shown;
use muster::service::demonstration::{self, Demonstration, DemonstrationError};
use muster::service::people::{self, Search, Standing};

use crate::support::rows::all_rows;
use crate::support::{Database, Program, Server, user};

const BEGINS: Moment = Moment::from_micros(1_760_000_000_000_000);

fn made_up(database: &Database, seed: u32) -> (Server, Services, Demonstration) {
    let server = Server::start_at(database, 0, Clock::manual(BEGINS));
    let services = Services {
        live: server.live.clone(),
        types: ResourceTypes::builtin().unwrap(),
        public_url: server.url.clone(),
        clock: server.clock.clone(),
    };
    let made = demonstration::fill(&services, seed).unwrap();
    (server, services, made)
}

/// What can be told of a company without its ids: who is there and how they stand, and what happened when.
fn told(server: &Server, services: &Services, made: &Demonstration) -> (Vec<String>, Vec<String>) {
    let everybody =
        everybody(services, made).into_iter().map(|person| format!("{} {:?}", person.0, person.1)).collect();
    let start = EventId::from_bytes(&[0; 16]).unwrap();
    let events = server.database.read(|tx| after(tx, made.organization, start, i64::MAX)).unwrap();
    let events = events.iter().map(|event| format!("{} {}", event.at, event.action)).collect();
    (everybody, events)
}

fn everybody(services: &Services, made: &Demonstration) -> Vec<(String, Standing)> {
    let caller = Caller::local(made.organization, Actor::CommandLine, muster::ids::request(services.clock.now()));
    let first = ResourceId::earliest_at(Moment::from_micros(0));
    let found = people::search(services, &caller, first, 1_000, &Search::default()).unwrap().items;
    found.iter().map(|person| (person.text("userName").to_owned(), person.standing())).collect()
}

fn may(server: &Server, made: &Demonstration, who: &str, what: &str, scope: &str) -> (bool, String) {
    let question = MayQuestion {
        subject: who.to_owned(),
        is_service: false,
        permission: what.parse().unwrap(),
        scope: scope.parse().unwrap(),
        at: None,
    };
    let answer = server.administration().may(made.organization, &question, true).unwrap();
    (answer.allowed, answer.reasons.join("\n"))
}

on_both_databases! {
    fn a_company_of_three_hundred_people_is_there_with_a_year_behind_it(database: &Database) {
        let (server, services, made) = made_up(database, 1);
        let administration = server.administration();
        let organization = made.organization;
        assert_eq!(server.clock.now(), BEGINS.plus_micros(demonstration::LENGTH));
        let everybody = everybody(&services, &made);
        assert_eq!(everybody.len(), 300);
        let gone = everybody.iter().filter(|(_, standing)| *standing == Standing::Inactive).count();
        assert_eq!(gone, 23, "who left is still listed");
        let caller = Caller::local(organization, Actor::CommandLine, muster::ids::request(server.clock.now()));
        let first = ResourceId::earliest_at(Moment::from_micros(0));
        let groups = people::groups::search(&services, &caller, first, 1_000, &people::groups::GroupSearch::default()).unwrap().items;
        assert_eq!(groups.len(), 25);
        assert_eq!(groups.iter().filter(|group| group.manager.is_none()).count(), 4);
        let projects = administration.scopes(organization).unwrap();
        let production = projects.iter().filter(|scope| scope.production).count();
        assert_eq!((projects.iter().filter(|scope| scope.path.as_str().matches('/').count() == 1 && scope.path.as_str() != "/").count(), production), (6, 6));
        // The mark stands before everything else, in the log too.
        let mark = administration.demonstration(organization).unwrap().unwrap();
        assert_eq!((mark.seed, mark.since), (1, BEGINS));
        let (_, events) = told(&server, &services, &made);
        assert!(events[..3].iter().any(|event| event.ends_with("organization.demonstration")), "{:?}", &events[..3]);
    }

    fn a_newcomer_finds_what_is_wrong_with_the_company(database: &Database) {
        let (server, _services, made) = made_up(database, 1);
        let (administration, organization) = (server.administration(), made.organization);
        // Somebody who holds two roles that are kept apart.
        let (allowed, why) = may(&server, &made, "ines.carvalho@kestrel.example", "deploy:run", "/platform/production");
        assert!(!allowed && why.contains("release-separation"), "{why}");
        // A gate below its minimum, because somebody left.
        let gates = administration.gates(organization).unwrap();
        let wrong: Vec<String> = gates
            .iter()
            .filter(|gate| gate.state() != GateState::Open)
            .map(|gate| format!("{} {} {} {}", gate.permission, gate.scope, gate.passing, gate.state().as_str()))
            .collect();
        assert_eq!(wrong, ["deploy:approve /warehouse/production 1 too few", "deploy:run /warehouse/production 1 too few"]);
        // An assignment that is over.
        let now = server.clock.now();
        let over = administration.assignments(organization).unwrap();
        let over: Vec<_> = over.iter().filter(|one| one.assignment.validity.until().is_some_and(|until| until < now)).collect();
        assert_eq!(over.len(), 1);
        assert_eq!(over[0].principal_name.as_deref(), Some("rosa.lindqvist@kestrel.example"));
        assert!(!may(&server, &made, "rosa.lindqvist@kestrel.example", "deploy:run", "/customs/production").0);
        // Connections: one that receives, one that is quiet, one that fails and says why.
        let activities = administration.activities(organization).unwrap();
        let connections = administration.connections(organization).unwrap();
        let words: Vec<(&str, &str)> = connections
            .iter()
            .map(|one| (one.name.as_str(), administration.health(one, activities.get(&one.id)).as_str()))
            .collect();
        assert_eq!(words, [("entra-fathom", "quiet"), ("okta", "receiving"), ("onelogin-contractors", "failing")]);
        let failing = connections.iter().find(|one| one.name == "onelogin-contractors").unwrap().id;
        let before = ResourceId::earliest_at(now.plus_micros(86_400_000_000));
        let refused = administration.request_log(organization, failing, Shown::Refused, before, 100).unwrap();
        let mut statuses: Vec<i64> = refused.iter().map(|row| row.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [400, 400, 400, 403, 403, 403, 409, 409, 409]);
        // A service whose owner left.
        let services = administration.services(organization).unwrap();
        let export = services.iter().find(|service| service.name.as_str() == "nightly-export").unwrap();
        assert!(export.stopped_at.is_none());
        assert!(!may(&server, &made, &export.owner.to_string(), "build:view", "/tracking").0);
    }

    fn the_same_seed_tells_the_same_year(database: &Database) {
        let (server, services, made) = made_up(database, 5);
        let one = told(&server, &services, &made);
        let other = Database::fresh(crate::support::Backend::Sqlite);
        let (server, services, made) = made_up(&other, 5);
        let two = told(&server, &services, &made);
        assert_eq!(one.0, two.0);
        assert_eq!(one.1, two.1);
        let other = Database::fresh(crate::support::Backend::Sqlite);
        let (server, services, made) = made_up(&other, 6);
        assert_ne!(one.0, told(&server, &services, &made).0);
    }

    fn a_database_with_people_in_it_is_left_alone(database: &Database) {
        let server = Server::start(database);
        server.organization("acme").client.post("/Users", &user("ada")).expect(201);
        let before = all_rows(database);
        let services = Services {
            live: server.live.clone(),
            types: ResourceTypes::builtin().unwrap(),
            public_url: server.url.clone(),
            clock: server.clock.clone(),
        };
        assert!(matches!(demonstration::fill(&services, 1), Err(DemonstrationError::NotEmpty)));
        assert_eq!(all_rows(database), before);
    }
}

#[test]
fn the_command_serves_the_company_from_a_folder_of_its_own() {
    let program = Program::alone();
    let server = program.start(&["demo", "--listen", "127.0.0.1:0"]);
    assert_eq!(server.line(), "The organization `kestrel` is made up: dana.whitfield@kestrel.example runs it.");
    let folder = server.line().split_whitespace().nth(4).unwrap().to_owned();
    assert!(std::fs::exists(&folder).unwrap(), "{folder}");
    assert!(server.line().contains(server.base()));
    assert_eq!(server.get("/healthz", "").status, 200);
    assert_eq!(program.files(), Vec::<String>::new());
    assert_eq!(server.terminate().code, Some(0));
    assert!(!std::fs::exists(&folder).unwrap(), "it goes with the process");
}
