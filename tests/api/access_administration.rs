//! Roles, scopes, assignments and services: what is made is there, what does not fit is refused and changes nothing.

use muster::clock::Clock;
use muster::db;
use muster::model::{AssignmentSource, OrganizationId, Principal, Reason};
use muster::service::access::{NewAssignment, NewScope, NewService, ScopeChange, ServiceChange, WantedPrincipal};
use muster::service::administration::{Administration, AdministrationError};

use crate::support::{Database, Program, Server, group, user};

const HOUR: i64 = 3_600_000_000;

fn scope(path: &str) -> NewScope {
    NewScope { path: path.parse().unwrap(), production: path.ends_with("production"), description: None }
}

fn assignment(principal: WantedPrincipal, role: &str, scope: &str) -> NewAssignment {
    NewAssignment {
        principal,
        role: role.parse().unwrap(),
        scope: scope.parse().unwrap(),
        from: None,
        until: None,
        source: AssignmentSource::Administrator,
        approver: None,
        reason: None,
    }
}

fn to_group(name: &str) -> WantedPrincipal {
    WantedPrincipal::Group(name.to_owned())
}

fn to_user(name: &str) -> WantedPrincipal {
    WantedPrincipal::User(name.to_owned())
}

fn revision(server: &Server, organization: OrganizationId) -> i64 {
    let read: Result<_, db::DatabaseError> = server.database.read(|tx| db::organizations::revision(tx, organization));
    read.unwrap().unwrap().as_i64()
}

/// What an error says, and which kind it is.
fn told<T: std::fmt::Debug>(result: Result<T, AdministrationError>) -> (&'static str, String) {
    let error = result.unwrap_err();
    let kind = match &error {
        AdministrationError::NotFound(_) => "not found",
        AdministrationError::Taken(_) => "taken",
        AdministrationError::InUse(_) => "in use",
        AdministrationError::Unfitting(_) => "unfitting",
        _ => "other",
    };
    (kind, error.to_string())
}

on_both_databases_and_several_servers! {
    fn a_scope_is_made_with_what_lies_around_it_and_removed_when_nothing_needs_it(database: &Database) {
        let server = Server::start(database);
        let (acme, administration) = (server.organization("acme"), server.administration());
        acme.client.post("/Groups", &group("builders", &[])).expect(201);
        administration.create_scope(acme.id, &scope("/billing/production")).unwrap();
        let listed = |administration: &Administration| -> Vec<(String, bool)> {
            let scopes = administration.scopes(acme.id).unwrap();
            scopes.into_iter().map(|scope| (scope.path.to_string(), scope.production)).collect()
        };
        let whole = [("/", false), ("/billing", false), ("/billing/production", true)];
        assert_eq!(listed(&administration), whole.map(|(path, production)| (path.to_owned(), production)));
        let before = revision(&server, acme.id);
        administration.create_scope(acme.id, &scope("/billing/production")).unwrap();
        assert_eq!(revision(&server, acme.id), before, "making it again changes nothing");
        let mut other = scope("/billing/production");
        other.production = false;
        assert_eq!(told(administration.create_scope(acme.id, &other)).0, "taken");
        let made = administration.assign(acme.id, &assignment(to_group("builders"), "deployer", "/billing/production"));
        for (path, kind, word) in [
            ("/", "in use", "stays"),
            ("/billing", "in use", "/billing/production"),
            ("/billing/production", "in use", "deployer"),
            ("/nowhere", "not found", "/nowhere"),
        ] {
            let (found, message) = told(administration.remove_scope(acme.id, &path.parse().unwrap()));
            assert_eq!(found, kind, "{path}: {message}");
            assert!(message.contains(word), "{path}: {message}");
        }
        assert_eq!(listed(&administration).len(), 3);
        administration.end_assignment(acme.id, made.unwrap().id, None).unwrap();
        administration.remove_scope(acme.id, &"/billing/production".parse().unwrap()).unwrap();
        let change = ScopeChange { production: Some(true), description: None };
        assert!(administration.change_scope(acme.id, &"/billing".parse().unwrap(), &change).unwrap().production);
        assert_eq!(listed(&administration), [("/".to_owned(), false), ("/billing".to_owned(), true)]);
    }

    fn a_role_of_ones_own_has_versions_and_is_kept_while_assigned(database: &Database) {
        let server = Server::start(database);
        let (acme, administration) = (server.organization("acme"), server.administration());
        acme.client.post("/Groups", &group("builders", &[])).expect(201);
        let allowed = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        let debugger = "debugger".parse().unwrap();
        administration.create_role(acme.id, &debugger, &allowed(&["build:ssh"])).unwrap();
        let changed = administration.change_role(acme.id, &debugger, &allowed(&["build:ssh", "build:view"])).unwrap();
        assert_eq!(changed.number, 2);
        let unknown = administration.change_role(acme.id, &debugger, &allowed(&["plane:fly"]));
        assert!(told(unknown).1.contains("`plane:fly`"));
        let admin = administration.change_role(acme.id, &"admin".parse().unwrap(), &allowed(&["deploy:run"]));
        assert_eq!(told(admin).0, "unfitting");
        let made = administration.assign(acme.id, &assignment(to_group("builders"), "debugger", "/")).unwrap();
        assert_eq!(told(administration.remove_role(acme.id, &debugger)).0, "in use");
        administration.end_assignment(acme.id, made.id, None).unwrap();
        administration.remove_role(acme.id, &debugger).unwrap();
        assert!(administration.roles(acme.id).unwrap().iter().all(|role| role.version.role != debugger));
        let again = administration.create_role(acme.id, &debugger, &allowed(&["build:view"])).unwrap();
        assert_eq!(again.number, 3, "a role that comes again goes on counting");
        let versions = administration.role(acme.id, &debugger).unwrap();
        assert_eq!(versions.iter().map(|role| role.version.number).collect::<Vec<_>>(), [1, 2, 3]);
    }

    fn an_assignment_that_does_not_fit_is_refused_and_changes_nothing(database: &Database) {
        let clock = Clock::manual(Clock::system().now());
        let server = Server::start_at(database, 0, clock.clone());
        let (acme, administration) = (server.organization("acme"), server.administration());
        acme.client.post("/Groups", &group("builders", &[])).expect(201);
        let before = revision(&server, acme.id);
        let fits = || assignment(to_group("builders"), "deployer", "/");
        let now = clock.now();
        let at = |micros: i64| Some(now.plus_micros(micros));
        for (wanted, kind, word) in [
            (assignment(to_group("builders"), "pilot", "/"), "not found", "`pilot`"),
            (assignment(to_group("builders"), "deployer", "/nowhere"), "not found", "`/nowhere`"),
            (assignment(to_group("pilots"), "deployer", "/"), "not found", "`pilots`"),
            (assignment(to_user("amelia"), "deployer", "/"), "not found", "`amelia`"),
            (NewAssignment { until: at(-HOUR), ..fits() }, "unfitting", "before it begins"),
            (NewAssignment { from: at(2 * HOUR), until: at(HOUR), ..fits() }, "unfitting", "before it begins"),
            (NewAssignment { from: at(-HOUR), ..fits() }, "unfitting", "in the past"),
        ] {
            let (found, message) = told(administration.assign(acme.id, &wanted));
            assert_eq!(found, kind, "{message}");
            assert!(message.contains(word), "{message}");
        }
        assert_eq!(revision(&server, acme.id), before);
        assert!(administration.assignments(acme.id).unwrap().is_empty());
    }

    // A group that takes the name of a mapped one has nothing of what that one has.
    fn an_assignment_is_bound_to_the_group_whoever_bears_its_name_later(database: &Database) {
        let server = Server::start(database);
        let (acme, administration) = (server.organization("acme"), server.administration());
        let first = acme.client.post("/Groups", &group("builders", &[])).expect(201).id();
        let mapped = administration.assign(acme.id, &assignment(to_group("Builders"), "deployer", "/")).unwrap();
        assert_eq!(mapped.principal, Principal::Group(first.parse().unwrap()));
        let same = administration.assign(acme.id, &assignment(to_group(&first), "deployer", "/")).unwrap();
        assert_eq!(same, mapped, "the same again is the one that is there");
        acme.client.delete(&format!("/Groups/{first}")).expect(204);
        acme.client.post("/Groups", &group("builders", &[])).expect(201);
        let shown = administration.assignments(acme.id).unwrap().remove(0);
        assert_eq!((shown.assignment, shown.principal_name), (mapped, None));
    }

    fn of_two_groups_of_one_name_neither_is_meant(database: &Database) {
        let server = Server::start(database);
        let (acme, administration) = (server.organization("acme"), server.administration());
        let other = server.connection(acme.id, "second", muster::model::Profile::Default);
        let ids = [&acme.client, &other].map(|client| client.post("/Groups", &group("builders", &[])).expect(201).id());
        let (kind, message) = told(administration.assign(acme.id, &assignment(to_group("builders"), "viewer", "/")));
        assert_eq!(kind, "unfitting");
        assert!(ids.iter().all(|id| message.contains(id)), "{message}");
        administration.assign(acme.id, &assignment(to_group(&ids[1]), "viewer", "/")).unwrap();
    }

    fn a_service_has_an_active_owner_and_an_end(database: &Database) {
        let server = Server::start(database);
        let (acme, administration) = (server.organization("acme"), server.administration());
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        let mut grace = user("grace");
        grace["active"] = false.into();
        acme.client.post("/Users", &grace).expect(201);
        let later = server.clock.now().plus_micros(HOUR);
        let wanted = |owner: &str, expires_at| NewService {
            name: "Pipeline".parse().unwrap(),
            owner: owner.to_owned(),
            successor: None,
            expires_at,
        };
        assert_eq!(told(administration.create_service(acme.id, &wanted("grace", later))).0, "unfitting");
        assert_eq!(told(administration.create_service(acme.id, &wanted("nobody", later))).0, "not found");
        let past = server.clock.now().plus_micros(-1);
        assert_eq!(told(administration.create_service(acme.id, &wanted("ada", past))).0, "unfitting");
        let made = administration.create_service(acme.id, &wanted("ADA", later)).unwrap();
        assert_eq!(made.owner.to_string(), ada);
        assert_eq!(told(administration.create_service(acme.id, &wanted("ada", later))).0, "taken");
        let by_name = WantedPrincipal::Service("pipeline".to_owned());
        let assigned = administration.assign(acme.id, &assignment(by_name, "deployer", "/")).unwrap();
        assert_eq!(assigned.principal, Principal::Service(made.id));
        assert_eq!(told(administration.hand_over_service(acme.id, "pipeline", ServiceChange { owner: Some("grace"), ..ServiceChange::default() })).0, "unfitting");
        let stopped = administration.stop_service(acme.id, "pipeline").unwrap();
        assert!(stopped.stopped_at.is_some());
        administration.create_service(acme.id, &wanted("ada", later)).unwrap();
    }

    fn the_last_administrator_cannot_be_unassigned(database: &Database) {
        let server = Server::start(database);
        let (acme, administration) = (server.organization("acme"), server.administration());
        let ids = ["ada", "grace"].map(|name| acme.client.post("/Users", &user(name)).expect(201).id());
        let inner = acme.client.post("/Groups", &group("inner", &[&ids[1]])).expect(201).id();
        acme.client.post("/Groups", &group("outer", &[&inner])).expect(201);
        let ada = administration.assign(acme.id, &assignment(to_user("ada"), "admin", "/")).unwrap();
        assert_eq!(told(administration.end_assignment(acme.id, ada.id, None)).0, "in use");
        let soon = server.clock.now().plus_micros(HOUR);
        assert_eq!(told(administration.end_assignment(acme.id, ada.id, Some(soon))).0, "in use");
        let outer = administration.assign(acme.id, &assignment(to_group("outer"), "admin", "/")).unwrap();
        administration.end_assignment(acme.id, ada.id, None).unwrap();
        // Through a group in a group, grace is the one now; deactivated she would not count.
        assert_eq!(told(administration.end_assignment(acme.id, outer.id, None)).0, "in use");
        let ada = administration.assign(acme.id, &assignment(to_user("ada"), "admin", "/")).unwrap();
        let off = serde_json::json!([{ "op": "replace", "path": "active", "value": false }]);
        acme.client.patch(&format!("/Users/{}", ids[1]), &off).expect(200);
        assert_eq!(told(administration.end_assignment(acme.id, ada.id, None)).0, "in use");
        // An administrator of a project is none of the organization.
        administration.create_scope(acme.id, &scope("/billing")).unwrap();
        let project = administration.assign(acme.id, &assignment(to_user("ada"), "admin", "/billing")).unwrap();
        administration.end_assignment(acme.id, project.id, None).unwrap();
    }

    // What ends later takes nothing from anybody, and what is over may begin again.
    fn whoever_administers_for_a_time_alone_may_do_so_for_longer_and_not_for_less_long(database: &Database) {
        let clock = Clock::manual(Clock::system().now());
        let server = Server::start_at(database, 0, clock.clone());
        let (acme, administration) = (server.organization("acme"), server.administration());
        acme.client.post("/Users", &user("ada")).expect(201);
        let until = |hours: i64| Some(clock.now().plus_micros(hours * HOUR));
        let wanted = NewAssignment { until: until(2), ..assignment(to_user("ada"), "admin", "/") };
        let only = administration.assign(acme.id, &wanted).unwrap();
        let ends = || administration.assignment(acme.id, only.id).unwrap().unwrap().assignment.validity.until();
        assert_eq!(told(administration.end_assignment(acme.id, only.id, until(1))).0, "in use");
        assert_eq!(told(administration.end_assignment(acme.id, only.id, None)).0, "in use");
        assert_eq!(ends(), wanted.until);
        let longer = until(3);
        administration.end_assignment(acme.id, only.id, longer).unwrap();
        assert_eq!(ends(), longer);
        clock.advance(4 * HOUR);
        let again = until(1);
        administration.end_assignment(acme.id, only.id, again).unwrap();
        assert_eq!(ends(), again);
    }

    fn another_organizations_names_mean_nothing(database: &Database) {
        let server = Server::start(database);
        let (acme, evil, administration) =
            (server.organization("acme"), server.organization("evil"), server.administration());
        let builders = acme.client.post("/Groups", &group("builders", &[])).expect(201).id();
        let mapped = administration.assign(acme.id, &assignment(to_group("builders"), "viewer", "/")).unwrap();
        assert_eq!(told(administration.assign(evil.id, &assignment(to_group(&builders), "viewer", "/"))).0, "not found");
        assert_eq!(told(administration.end_assignment(evil.id, mapped.id, None)).0, "not found");
        assert!(administration.assignments(evil.id).unwrap().is_empty());
    }

    fn the_command_line_maps_a_group_and_shows_it(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let builders = acme.client.post("/Groups", &group("Release Crew", &[])).expect(201).id();
        let program = Program::on(database);
        assert_eq!(program.done(&["scope", "create", "/billing/production", "--production"]), "/billing/production\n");
        let listed = program.done(&["scope", "list"]);
        let lines: Vec<&str> = listed.lines().collect();
        assert_eq!(lines, [
            "SCOPE                KIND          PRODUCTION  DESCRIPTION",
            "/                    organization  no          -",
            "/billing             project       no          -",
            "/billing/production  environment   yes         -",
        ]);
        let id = program.done(&["map", "release crew", "release-manager", "/billing", "--until", "30d"]);
        let shown = program.done(&["mapping", "list", "--scope", "/billing"]);
        let row = shown.lines().nth(1).unwrap();
        for word in [id.trim(), "release-manager", "/billing", "Release Crew", "administrator"] {
            assert!(row.contains(word), "{shown}");
        }
        assert!(program.done(&["role", "list"]).contains("release-manager"));
        assert_eq!(program.done(&["role", "create", "debugger", "build:ssh"]), "debugger version 1\n");
        assert_eq!(program.done(&["role", "create", "--change", "debugger", "build:view"]), "debugger version 2\n");
        for (arguments, code) in [
            (&["map", "nobody", "viewer", "/"][..], 1),
            (&["map", &builders, "viewer", "/nowhere"], 1),
            (&["map", &builders, "viewer", "nowhere"], 2),
            (&["map", &builders, "viewer", "/", "--until", "2020-01-01"], 2),
            (&["mapping", "remove", &builders], 1),
            (&["scope", "remove", "/billing"], 1),
        ] {
            let ended = program.run(arguments);
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{arguments:?}: {ended:?}");
        }
        program.done(&["mapping", "remove", id.trim()]);
        assert_eq!(program.done(&["mapping", "list"]).lines().count(), 1);
    }
}

#[test]
fn a_reason_is_kept_with_the_assignment_and_out_of_the_log() {
    let database = Database::fresh(crate::support::Backend::Sqlite);
    let server = Server::start(&database);
    let (acme, administration) = (server.organization("acme"), server.administration());
    acme.client.post("/Groups", &group("builders", &[])).expect(201);
    let reason: Reason = "covers for Grace Hopper".parse().unwrap();
    let wanted = NewAssignment { reason: Some(reason.clone()), ..assignment(to_group("builders"), "viewer", "/") };
    administration.assign(acme.id, &wanted).unwrap();
    assert_eq!(administration.assignments(acme.id).unwrap()[0].assignment.reason, Some(reason));
    let first = "00000000-0000-0000-0000-000000000000".parse().unwrap();
    let read: Result<_, db::DatabaseError> = server.database.read(|tx| db::events::after(tx, acme.id, first, 100));
    assert!(read.unwrap().iter().all(|event| !event.details.contains("Hopper")));
}
