//! The first page, and what it says of provisioning.

use muster::clock::Clock;
use muster::model::Moment;

use super::{caller, recovery_administrator, services};
use crate::support::{Server, user};

on_both_databases! {
    fn a_connection_that_waits_has_not_failed_and_the_page_says_what_to_do(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        let home = browser.page("/o/acme").says("connection, waiting for its first request 1");
        let home = home.says("Nothing has arrived over first yet. Give its address and a token to the identity provider");
        assert!(!home.text().contains("as they should be"), "{}", home.text());
        browser.page("/o/acme/connections").says("Nothing has arrived yet");
        acme.client.post("/Users", &user("ada")).expect(201);
        browser.page("/o/acme").says("connections as they should be 1 of 1");
        let (services, caller) = (services(&server), caller(acme.id));
        let name = "second".parse().unwrap();
        services.administration(&caller).create_connection(acme.id, &name, muster::model::Profile::Okta).unwrap();
        let home = browser.page("/o/acme").says("connections as they should be, and 1 waiting 1 of 1");
        home.says("Nothing has arrived over second yet");
        browser.page("/o/acme/connections").says("Provisioning works");
    }
}
