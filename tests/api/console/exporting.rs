//! Files of what is here: asked for, made, waited for, taken by whoever asked and by nobody else.

use muster::clock::Clock;
use muster::model::{Moment, OrganizationId};
use muster::service::exports;
use serde_json::json;

use super::{Browser, caller, person, recovery_administrator, services};
use crate::support::{Server, group, user};

const HOUR: i64 = 3_600 * 1_000_000;

/// Asks for a file and has it made; answers what is in it.
#[track_caller]
pub fn exported(server: &Server, _of: OrganizationId, browser: &Browser, kind: &str, more: &[(&str, &str)]) -> String {
    let fields: Vec<(&str, &str)> = [("kind", kind)].into_iter().chain(more.iter().copied()).collect();
    let asked = browser.submit("/o/acme/exports", "/o/acme/exports", &fields);
    let path = asked.location().to_owned();
    // The server's own job may be at it: whoever is later finds nothing to do, and looks until it is there.
    while browser.page(&path).headers.contains_key("refresh") {
        exports::work(&services(server), || true).unwrap();
    }
    let page = browser.page(&path).says("Ready");
    let file = page.send(browser, &format!("{path}/file"), &[]).expect(200);
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert!(file.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    file.html
}

on_both_databases! {
    fn every_table_holds_what_is_here(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        acme.client.post("/Users", &user("=ben")).expect(201);
        acme.client.post("/Groups", &group("crew", &[&ada])).expect(201);
        acme.client.post("/Groups", &group("nobody", &[])).expect(201);
        let text = "[[scope]]\npath = \"/billing/production\"\nproduction = true\n\n\
                    [[assignment]]\ngroup = \"crew\"\nrole = \"deployer\"\nscope = \"/billing\"\n";
        muster::service::access::apply(&services(&server), &caller(acme.id), text).unwrap();
        let browser = recovery_administrator(&server, acme.id);
        let table = |kind: &str| exported(&server, acme.id, &browser, kind, &[]);
        let people = table("people");
        let of = |name: &str| people.lines().find(|line| line.contains(name)).unwrap().to_owned();
        assert_eq!(people.lines().count(), 3, "{people}");
        assert!(of(",ada,").contains("deployer at /billing through a group,deploy:run at /billing/production"), "{people}");
        assert!(of(",'=ben,").contains("'=ben"), "nothing in a file is a formula: {people}");
        let groups = table("groups");
        assert!(groups.lines().any(|line| line.contains(",crew,first,") && line.ends_with(",ada,user")), "{groups}");
        assert!(groups.lines().any(|line| line.contains(",nobody,first,,,")), "{groups}");
        assert!(table("assignments").contains(",group,crew,deployer,/billing,"));
        let gates = table("gates");
        assert!(gates.contains("deploy:run,/billing/production,") && gates.contains(",ada\r\n"), "{gates}");
        let log = table("log");
        for action in ["user.created", "assignment.created", "export.asked"] {
            assert!(log.contains(action), "{action}: {log}");
        }
        let later = exported(&server, acme.id, &browser, "log", &[("from", "2999-01-01")]);
        assert_eq!(later.lines().count(), 1, "{later}");
        browser.page("/o/acme/exports").says("Gates and who can pass them").says("Ready");
        browser.submit("/o/acme/exports", "/o/acme/exports", &[("kind", "log"), ("from", "yesterday")]).expect(422)
            .says("is no date").assert_well_made();
        browser.submit("/o/acme/exports", "/o/acme/exports", &[("kind", "secrets")]).expect(400);
    }

    fn gates_are_exported_as_they_were_on_a_date(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        let ada = acme.client.post("/Users", &user("ada")).expect(201).id();
        acme.client.post("/Groups", &group("crew", &[&ada])).expect(201);
        let text = "[[scope]]\npath = \"/billing/production\"\nproduction = true\n\n\
                    [[assignment]]\ngroup = \"crew\"\nrole = \"deployer\"\nscope = \"/billing\"\n";
        muster::service::access::apply(&services(&server), &caller(acme.id), text).unwrap();
        clock.advance(20 * HOUR);
        let active = json!([{ "op": "replace", "path": "active", "value": false }]);
        acme.client.patch(&format!("/Users/{ada}"), &active).expect(200);
        clock.advance(HOUR);
        let browser = recovery_administrator(&server, acme.id);
        // 1,800,000,000 is 2027-01-15 08:00 UTC.
        let then = exported(&server, acme.id, &browser, "gates", &[("until", "2027-01-15")]);
        assert!(then.contains(",ada\r\n"), "{then}");
        let now = exported(&server, acme.id, &browser, "gates", &[]);
        assert!(!now.contains(",ada\r\n"), "{now}");
    }

    fn a_form_sent_twice_asks_for_one_file_however_soon_it_is_made(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let form = browser.page("/o/acme/exports").form("/exports");
        let path = form.send(&browser).location().to_owned();
        while browser.page(&path).headers.contains_key("refresh") {
            exports::work(&services(&server), || true).unwrap();
        }
        assert_eq!(form.send(&browser).location(), path, "the same form, though the file is there");
        let again = browser.page("/o/acme/exports").form("/exports").send(&browser);
        assert_ne!(again.location(), path, "somebody who sees the file asks for a newer one");
    }

    fn a_file_is_for_whoever_asked_for_a_day_and_after_a_fresh_sign_in(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        let globex = server.organization("globex");
        let browser = recovery_administrator(&server, acme.id);
        let path = browser.submit("/o/acme/exports", "/o/acme/exports", &[("kind", "people")]).location().to_owned();
        // Nobody else sees it, in this organization or another.
        let other = person(&server, acme.id, "cara", "auditor");
        other.get(&path).expect(404);
        assert!(!other.page("/o/acme/exports").html.contains(&path));
        let token = other.page("/o/acme/exports").token();
        other.post(&format!("{path}/file"), &[("token", &token)]).expect(404);
        let foreign = recovery_administrator(&server, globex.id);
        foreign.get(&path.replace("acme", "globex")).expect(404);
        while browser.page(&path).headers.contains_key("refresh") {
            exports::work(&services(&server), || true).unwrap();
        }
        let page = browser.page(&path).says("Ready");
        clock.advance(HOUR);
        page.send(&browser, &format!("{path}/file"), &[]).expect(403).says("Sign in again");
        browser.submit("/o/acme/exports", "/o/acme/exports", &[("kind", "people")]).expect(403).says("Sign in again");
        // A day later it is gone.
        clock.advance(24 * HOUR);
        exports::work(&services(&server), || true).unwrap();
        recovery_administrator(&server, acme.id).get(&path).expect(404);
        assert!(!crate::support::rows::all_rows(database).contains("known since (UTC)"), "nothing of a file is left");
    }

    fn a_file_whose_maker_has_ended_is_made_by_another(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        acme.client.post("/Users", &user("ada")).expect(201);
        let services = services(&server);
        let browser = recovery_administrator(&server, acme.id);
        let path = browser.submit("/o/acme/exports", "/o/acme/exports", &[("kind", "people")]).location().to_owned();
        // One that is told to end leaves it as it is, if it was first.
        let asked = std::cell::Cell::new(0);
        let ends = || { asked.set(asked.get() + 1); asked.get() < 2 };
        exports::work(&services, ends).unwrap();
        clock.advance(HOUR / 30);
        while browser.page(&path).headers.contains_key("refresh") {
            exports::work(&services, || true).unwrap();
        }
        browser.page(&path).says("Ready").says("1 rows");
    }
}
