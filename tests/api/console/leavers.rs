//! Leavers, quarantines, access on a date.

use muster::clock::Clock;
use muster::model::Moment;
use serde_json::json;

use super::exporting::exported;
use super::{person, recovery_administrator};
use crate::support::{Server, user};

const HOUR: i64 = 3_600 * 1_000_000;

on_both_databases! {
    fn leavers_are_listed_with_how_quick_it_was(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        browser.page("/o/acme/leavers").says("Nobody has left yet");
        let id = acme.client.create_user("=cmd|ana");
        let gone = acme.client.create_user("bea");
        let active = json!([{ "op": "replace", "path": "active", "value": false }]);
        acme.client.patch(&format!("/Users/{id}"), &active).expect(200);
        clock.advance(HOUR / 4);
        acme.client.delete(&format!("/Users/{gone}")).expect(204);
        let shown = browser.page("/o/acme/leavers").says("deleted by").says("deactivated by").says("bea");
        assert!(shown.html.find("bea").unwrap() < shown.html.find("=cmd|ana").unwrap(), "the newest first");
        let file = exported(&server, acme.id, &browser, "leavers", &[]);
        let lines: Vec<&str> = file.lines().collect();
        assert_eq!(lines.len(), 3, "{file}");
        assert!(lines[0].starts_with("when (UTC),user,user name"));
        assert!(lines[2].contains("'=cmd|ana"), "nothing in a file is a formula: {}", lines[2]);
        let certificate = browser.submit("/o/acme/leavers", &format!("/o/acme/people/{gone}/certificate"), &[]).expect(200);
        assert!(certificate.html.contains("leaver-certificate"));
        browser.submit("/o/acme/leavers", "/o/acme/leavers/look", &[("leavers", "all")]).expect(303);
        browser.page("/o/acme/leavers").says("2 leavers were looked at");
        // Whoever may not read evidence sees none of it.
        let nobody = person(&server, acme.id, "visitor", "");
        for path in ["/o/acme/leavers", "/o/acme/past", "/o/acme/exports", "/o/acme/systems"] {
            nobody.get(path).expect(403);
        }
    }

    fn whom_a_brake_holds_is_released_or_restored(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let administration = server.administration();
        let connection = administration.connections(acme.id).unwrap()[0].id;
        administration.set_brake(acme.id, connection, muster::model::Brake::new(20, 50, 10).unwrap()).unwrap();
        let operations: Vec<_> = (0..60).map(|number| json!({ "method": "POST", "path": "/Users", "bulkId": number.to_string(),
            "data": user(&format!("person{number}")) })).collect();
        let made = acme.client.bulk(&json!(operations)).expect(200).json();
        let leave: Vec<_> = made["Operations"].as_array().unwrap().iter().map(|done| {
            let id = done["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            json!({ "method": "PATCH", "path": format!("/Users/{id}"), "data": { "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": "replace", "path": "active", "value": false }] } })
        }).collect();
        acme.client.bulk(&json!(leave)).expect(200);
        muster::service::leavers::brake::look(&server.live, &server.clock).unwrap();
        let shown = browser.page("/o/acme/leavers").says("people left over").says("Look and decide");
        browser.page("/o/acme").says("people left at once. They are held until somebody decides. Look and decide");
        let path = shown.html.split("href=\"").map(|rest| rest.split('"').next().unwrap()).find(|href| href.contains("/quarantines/")).unwrap().to_owned();
        browser.page(&path).says("It was meant").says("It was a mistake");
        browser.submit(&path, &format!("{path}/restore"), &[]).expect(303);
        browser.page(&path).says("60 have again what was cut off").says("Restored: they are back");
        assert!(!browser.page("/o/acme").text().contains("left at once"), "it was decided");
        // Somebody else, who had the page open, decides otherwise: too late, and told so.
        let token = browser.page("/o/acme").token();
        browser.post(&format!("{path}/release"), &[("token", &token)]).expect(409).says("restored already").assert_well_made();
    }

    fn the_past_is_told_as_it_was_and_beside_now(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        let administration = server.administration();
        let scope = muster::service::access::NewScope { path: "/billing/production".parse().unwrap(), production: true, description: None };
        administration.create_scope(acme.id, &scope).unwrap();
        let ana = acme.client.create_user("ana");
        let assigned = administration.assign(acme.id, &muster::service::access::NewAssignment {
            principal: muster::service::access::WantedPrincipal::User(ana.clone()), role: "deployer".parse().unwrap(),
            scope: "/billing/production".parse().unwrap(), from: None, until: None,
            source: muster::model::AssignmentSource::Administrator, approver: None, reason: None,
        });
        assigned.unwrap();
        clock.advance(20 * HOUR);
        acme.client.delete(&format!("/Users/{ana}")).expect(204);
        clock.advance(20 * HOUR);
        let browser = recovery_administrator(&server, acme.id);
        browser.page("/o/acme/past").says("Access on a date");
        let ask = |query: &str| browser.get(&format!("/o/acme/past?permission=deploy%3Arun&scope=%2Fbilling%2Fproduction&{query}"));
        // 1,800,000,000 is 2027-01-15 08:00 UTC.
        ask(&format!("person={ana}&on=2027-01-15")).expect(200).says("could pass one gate").says("Lost").assert_well_made();
        ask(&format!("person={ana}&on=2027-01-16")).expect(200).says("could pass no gate").says("No difference");
        ask(&format!("person={ana}&on=2027-01-16T18:00&and=2027-01-15T12:00")).expect(200).says("Gained");
        for (query, problem) in [
            (format!("person={ana}&on=2026-12-31"), "Muster knows nothing"),
            (format!("person={ana}&on=2031-01-01"), "has not come"),
            (format!("person={ana}&on=x"), "is no date"),
        ] {
            ask(&query).expect(422).says(problem).assert_well_made();
        }
        // Of everybody: who could, and how many every gate.
        let everybody = ask("on=2027-01-15").expect(200).says("1 person could deploy:run").says("Lost").says("deleted since");
        everybody.assert_well_made();
        ask("on=2027-01-16").expect(200).says("Nobody could deploy:run").says("Nobody could pass this gate at either");
        ask("on=2027-01-16T18:00&and=2027-01-15T12:00").expect(200).says("Gained");
        let gates = browser.get("/o/acme/past?on=2027-01-15").expect(200).says("Who could pass every gate").says("0 gained, 1 lost");
        gates.assert_well_made();
        let shown = ask(&format!("person={ana}&on=2027-01-15")).html;
        assert!(!shown.split("<main").nth(1).unwrap().split("</main>").next().unwrap().contains("method=\"post\""), "nothing of the past is changed");
    }
}
