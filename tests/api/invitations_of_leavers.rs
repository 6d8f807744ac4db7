//! Invitations to somebody who leaves: they end with the access, in the same transaction, whatever address they were sent to;
//! and nobody comes back, or is here twice, by one.

use muster::clock::Clock;
use muster::model::{EmailAddress, OrganizationId};
use muster::service::invitations::{Outcome, Wanted};
use serde_json::{Value, json};

use super::console::{caller, joined, recovery_administrator, services};
use super::leaver_matrix::Form;
use super::leavers::{Stage, WAYS, active, certificate};
use crate::support::{Backend, Database, Server, user};

fn invite(server: &Server, organization: OrganizationId, address: &str) -> String {
    let address: EmailAddress = address.parse().unwrap();
    match services(server).invite(&caller(organization), &address, &Wanted::default()).unwrap() {
        Outcome::Invited(mail) => mail.url.to_string(),
        Outcome::Skipped(reading) => panic!("{address:?}: {reading:?}"),
    }
}

fn with_addresses(addresses: &[&str]) -> Value {
    let all: Vec<Value> = addresses.iter().map(|address| json!({ "value": address })).collect();
    json!([{ "op": "replace", "path": "emails", "value": all }])
}

fn killed(stage: &Stage<'_>) -> Vec<String> {
    let certificate = certificate(stage);
    let kinds = certificate["killed"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap().to_owned());
    kinds.filter(|kind| kind.contains("invitation")).collect()
}

fn walk(server: &Server, other: Option<&Server>) {
    for (number, (way, gone, lose)) in WAYS.iter().enumerate() {
        let slug = format!("org{number}");
        let stage = Stage::set(server, &slug, None);
        let addresses = [format!("ada@{slug}.example.com"), format!("Ada.L@{slug}.example.com")];
        let links: Vec<String> = addresses.iter().map(|address| invite(server, stage.organization, address)).collect();
        let bystander = invite(server, stage.organization, &format!("ben@{slug}.example.com"));
        let shown = addresses[1].to_uppercase();
        stage.client.patch(&format!("/Users/{}", stage.ada), &with_addresses(&[&addresses[0], &shown])).expect(200);
        let on = other.unwrap_or(server);
        let forms: Vec<Form> = links.iter().map(|link| Form::fetch(on, &link.replace(&server.url, &on.url))).collect();
        let bystander = Form::fetch(server, &bystander);
        lose(&stage);
        for form in &forms {
            if *gone {
                assert!(!form.opens(), "{way}");
                form.browser.get(&form.path).expect(410).says("taken out of the organization");
            } else {
                form.browser.get(&form.path).expect(200);
            }
        }
        if *gone {
            assert_eq!(killed(&stage), ["received-invitation"; 2], "{way}");
            // Whoever comes back comes back with nothing of it.
            stage.client.patch(&format!("/Users/{}", stage.ada), &active(true));
            stage.admin.delete(&format!("/users/{}/suspension", stage.ada));
            for form in &forms {
                form.browser.get(&form.path).expect(410);
            }
        }
        assert!(bystander.opens(), "{way}: somebody else");
    }
}

on_both_databases! {
    fn whatever_was_sent_to_somebody_opens_nothing_once_they_have_left(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        walk(&server, None);
    }

    fn an_invitation_ends_by_the_user_name_and_by_the_address_of_the_account(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let organization = acme.id;
        let browser = recovery_administrator(&server, organization);
        let by_name = Form::fetch(&server, &invite(&server, organization, "eve@example.com"));
        let eve = acme.client.create_user("EVE@Example.com");
        acme.client.delete(&format!("/Users/{eve}")).expect(204);
        assert!(!by_name.opens());
        // Bob joined by an address that a connection replaces; his account still signs in by it.
        let first = invite(&server, organization, "bob@old.example.com");
        joined(&server, first.strip_prefix(&server.url).unwrap(), "Bob");
        let bob = acme.client.found("/Users", "userName eq \"bob@old.example.com\"").remove(0);
        let mut body = user("bob@new.example.com");
        body["emails"] = json!([{ "value": "bob@new.example.com" }]);
        body["active"] = json!(true);
        acme.client.put(&format!("/Users/{bob}"), &body).expect(200);
        let again = Form::fetch(&server, &invite(&server, organization, "bob@old.example.com"));
        acme.client.patch(&format!("/Users/{bob}"), &active(false)).expect(200);
        assert!(!again.opens(), "the address of his account");
        browser.page("/o/acme/invitations").says("Person left");
        // Whom an administrator invites after that is invited: that is a decision of its own.
        acme.client.delete(&format!("/Users/{bob}")).expect(204);
        assert!(Form::fetch(&server, &invite(&server, organization, "bob@old.example.com")).opens());
    }

    fn an_address_that_goes_in_the_request_that_cuts_off_counts_too(database: &Database) {
        let server = Server::start(database);
        let stage = Stage::set(&server, "acme", None);
        let path = format!("/Users/{}", stage.ada);
        let links = ["before@example.com", "after@example.com"].map(|address| invite(&server, stage.organization, address));
        let forms = links.map(|link| Form::fetch(&server, &link));
        stage.client.patch(&path, &with_addresses(&["before@example.com"])).expect(200);
        let mut body = user("ada");
        body["emails"] = json!([{ "value": "after@example.com" }]);
        body["active"] = json!(false);
        stage.client.put(&path, &body).expect(200);
        for form in &forms {
            assert!(!form.opens());
        }
    }

    fn nobody_who_is_here_joins_once_more_and_whoever_is_barred_does_not_come_back_by_joining(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        for (name, is_active) in [("kim", true), ("lee", false)] {
            let form = Form::fetch(&server, &invite(&server, acme.id, &format!("{name}@example.com")));
            let mut body = user(name);
            body["emails"] = json!([{ "value": format!("{name}@example.com") }]);
            body["active"] = json!(is_active);
            acme.client.post("/Users", &body).expect(201);
            let answer = form.browser.post(&form.path, &[("token", &form.token), ("given-name", "Somebody")]);
            answer.expect(422).says("has this address by now").assert_well_made();
        }
        assert_eq!(acme.client.get("/Users?count=0").expect(200).json()["totalResults"], 2);
    }
}

#[test]
fn whatever_was_sent_to_somebody_opens_nothing_on_another_server_either() {
    let database = Database::fresh(Backend::Postgres);
    let clock = Clock::manual(Clock::system().now());
    let first = Server::start_at(&database, 0, clock.clone());
    let second = Server::start_at(&database, 0, clock);
    walk(&first, Some(&second));
}
