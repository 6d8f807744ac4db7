//! Accounts that somebody prepared for somebody else: of no use once the owner comes.

use serde_json::{Value, json};

use super::browser::Shown;
use super::identity::Fixture;
use super::{Browser, person, recovery_administrator};
use crate::support::user;

/// Comes back from the identity provider as somebody with these claims.
fn comes(fixture: &Fixture, browser: &Browser, subject: &str, said: &[(&str, Value)]) -> Shown {
    let attempt = fixture.begin(browser, "");
    let mut claims = fixture.claims(&attempt, subject);
    for (name, value) in said {
        claims[*name] = value.clone();
    }
    fixture.back(browser, &attempt, &claims)
}

on_both_databases! {
    fn whoever_was_signed_in_as_somebody_is_signed_out_when_that_person_comes(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[("joined_by", json!("user-name"))]);
        let mallory = person(&fixture.server, fixture.acme.id, "ana", "");
        mallory.page("/o/acme/profile").says("ana");
        let ana = Browser::new(&fixture.server);
        let named = [("preferred_username", json!("ana"))];
        assert_eq!(comes(&fixture, &ana, "subject-1", &named).location(), "/o/acme");
        assert_eq!(mallory.get("/o/acme/profile").location(), "/sign-in", "what was prepared is over");
        ana.page("/o/acme/profile").says("ana");
        // Another identity of the same issuer is not joined besides.
        let second = Browser::new(&fixture.server);
        comes(&fixture, &second, "subject-2", &named).expect(403).says("This user has another identity");
        // Signing in again ends nothing.
        let elsewhere = Browser::new(&fixture.server);
        assert_eq!(comes(&fixture, &elsewhere, "subject-1", &named).location(), "/o/acme");
        ana.page("/o/acme/profile").says("ana");
    }

    fn an_address_that_was_written_beside_another_name_joins_nobody(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[("joined_by", json!("email"))]);
        let boss = recovery_administrator(&fixture.server, fixture.acme.id);
        // Somebody writes the address of a person to come beside a user of their own.
        let add = boss.page("/o/acme/people/new").form("").with("userName", "mallory").with("email", "ana@example.com");
        let mallory = add.send(&boss).location().to_owned();
        let mut ana = user("ana");
        ana["emails"] = json!([{ "value": "ANA@example.com", "type": "work", "primary": true }]);
        fixture.acme.client.post("/Users", &ana).expect(201);
        let browser = Browser::new(&fixture.server);
        let verified = [("email", json!("ana@example.com")), ("email_verified", json!(true))];
        comes(&fixture, &browser, "subject-1", &verified).expect(403);
        // An identity provider that does not know whose address it is says nothing.
        boss.page(&format!("{mallory}/remove")).form("").send(&boss).expect(303);
        for unsaid in [json!(false), json!("true"), Value::Null] {
            let said = [("email", json!("ana@example.com")), ("email_verified", unsaid)];
            comes(&fixture, &browser, "subject-1", &said).expect(403);
        }
        assert_eq!(comes(&fixture, &browser, "subject-1", &verified).location(), "/o/acme");
        browser.page("/o/acme/profile").says("ana");
        // Whose address it is by now, the first one stays who they are, and nobody else becomes them.
        let other = Browser::new(&fixture.server);
        comes(&fixture, &other, "subject-2", &verified).expect(403);
    }
}
