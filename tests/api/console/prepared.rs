//! Accounts that somebody prepared for somebody else: of no use once the owner comes.

use muster::model::{CredentialKind, Precondition};
use serde_json::{Value, json};

use super::browser::Shown;
use super::identity::{Attempt, Fixture, Provider};
use super::people::id_of;
use super::shown_links::{ANA, invited, joined, seen};
use super::{Browser, caller, person, recovery_administrator, services};
use crate::administration::administrator;
use crate::support::{Database, Organization, Server, user};

/// Comes back from the identity provider as somebody with these claims.
fn comes(fixture: &Fixture, browser: &Browser, subject: &str, said: &[(&str, Value)]) -> Shown {
    let attempt = fixture.begin(browser, "");
    let mut claims = fixture.claims(&attempt, subject);
    for (name, value) in said {
        claims[*name] = value.clone();
    }
    fixture.back(browser, &attempt, &claims)
}

/// Ana is known to `acme`, where an identity provider finds people by their address; comes there.
fn owner(fixture: &Fixture) -> Browser {
    let browser = Browser::new(&fixture.server);
    let said = [("email", json!(ANA)), ("email_verified", json!(true))];
    assert_eq!(comes(fixture, &browser, "subject-1", &said).location(), "/o/acme");
    browser
}

fn expected(database: &Database) -> Fixture {
    let fixture = Fixture::new(database);
    fixture.set(&[("joined_by", json!("email"))]);
    let mut ana = user("ana");
    ana["emails"] = json!([{ "value": ANA }]);
    fixture.acme.client.post("/Users", &ana).expect(201);
    fixture
}

/// What somebody has prepared leads nowhere of hers; they neither see where she is signed in nor end it.
fn assert_useless(mallory: &Browser, ana: &Browser, hers: [u16; 2]) {
    assert_eq!(seen(ana, ["acme", "bravo"]), hers);
    assert!(mallory.get("/o/acme/profile").status != 200);
    let listed = mallory.get("/sessions");
    if listed.status == 200 {
        assert!(!mallory.page("/o").text().contains("acme"));
        assert_eq!(listed.html.matches("data-label=\"Last used\"").count(), 1, "{}", listed.text());
        mallory.post("/sessions", &[("token", &listed.token())]).expect(303);
    }
    assert_eq!(seen(ana, ["acme", "bravo"]), hers);
}

/// An organization of somebody else, with an identity provider of its own that says what they like.
fn elsewhere(server: &Server) -> (Organization, Provider) {
    let (bravo, provider) = (server.organization("bravo"), Provider::start());
    let mut settings = provider.settings();
    settings["joined_by"] = json!("email");
    administrator(server, bravo.id, CredentialKind::Admin).put("/identity-provider", &settings).expect(200);
    (bravo, provider)
}

on_both_databases! {
    // The five ways to prepare an account for somebody (pre-hijacking, USENIX Security 2022), one by one.
    fn an_account_that_was_made_at_the_address_is_not_merged_with_the_owners(database: &Database) {
        let fixture = expected(database);
        let bravo = fixture.server.organization("bravo");
        let mallory = joined(&fixture.server, &invited(&fixture.server, bravo.id, false));
        assert_useless(&mallory, &owner(&fixture), [200, 404]);
        assert_eq!(seen(&mallory, ["acme", "bravo"]), [404, 200]);
    }

    fn a_session_that_was_opened_before_the_owner_came_leads_nowhere_of_theirs(database: &Database) {
        let server = Server::start(database);
        for is_mailed in [false, true] {
            let slugs = if is_mailed { ["charlie", "delta"] } else { ["acme", "bravo"] };
            let [hers, his] = slugs.map(|slug| server.organization(slug).id);
            let mallory = joined(&server, &invited(&server, his, false));
            let ana = joined(&server, &invited(&server, hers, is_mailed));
            assert_eq!(seen(&ana, slugs), [200, 404], "{is_mailed}");
            assert_eq!(seen(&mallory, slugs), [404, 200], "{is_mailed}");
            // Not even when she comes to where it was prepared.
            let there = id_of(&server, his, ANA);
            muster::service::people::delete(&services(&server), &caller(his), there.parse().unwrap(), &Precondition::None).unwrap();
            let ana = joined(&server, &invited(&server, his, is_mailed));
            assert_eq!(seen(&ana, slugs)[1], 200, "{is_mailed}");
            assert_eq!(mallory.get(&format!("/o/{}/profile", slugs[1])).location(), "/sign-in", "{is_mailed}");
        }
    }

    fn an_identity_that_was_joined_to_what_was_prepared_leads_there_alone(database: &Database) {
        let fixture = expected(database);
        let (bravo, provider) = elsewhere(&fixture.server);
        let mallory = joined(&fixture.server, &invited(&fixture.server, bravo.id, false));
        let attempt = Attempt::joining(&fixture.server, &mallory, "bravo");
        let claims = provider.claims(&attempt, "trojan", fixture.server.clock.now());
        assert_eq!(provider.back(&mallory, &attempt, &claims).location(), "/o/bravo");
        let ana = owner(&fixture);
        assert_useless(&mallory, &ana, [200, 404]);
        let again = Browser::new(&fixture.server);
        let attempt = Attempt::begin(&fixture.server, &again, "bravo");
        let claims = provider.claims(&attempt, "trojan", fixture.server.clock.now());
        assert_eq!(provider.back(&again, &attempt, &claims).location(), "/o/bravo");
        assert_eq!(seen(&again, ["acme", "bravo"]), [404, 200]);
    }

    fn what_was_pending_when_the_owner_came_opens_nothing(database: &Database) {
        let server = Server::start(database);
        let (acme, bravo) = (server.organization("acme"), server.organization("bravo"));
        let pending = invited(&server, bravo.id, false);
        let kept = Browser::new(&server);
        let form = kept.page(&pending).form(&pending);
        let ana = joined(&server, &invited(&server, acme.id, true));
        // Sent when she has an account, it makes another one.
        form.send(&kept).expect(303);
        assert_useless(&kept, &ana, [200, 404]);
        // Where she has joined it is over.
        let charlie = server.organization("charlie");
        let (pending, late) = (invited(&server, charlie.id, false), Browser::new(&server));
        let form = late.page(&pending).form(&pending);
        let boss = recovery_administrator(&server, charlie.id);
        boss.page("/o/charlie/invitations").form("/resend").send(&boss).expect(200);
        form.send(&late).expect(404);
        assert_eq!(late.get("/o/charlie/profile").location(), "/sign-in");
    }

    fn an_identity_provider_that_says_whose_address_it_is_is_believed_by_its_own_organization_alone(database: &Database) {
        let fixture = expected(database);
        let (bravo, provider) = elsewhere(&fixture.server);
        let mut prepared = user("mallory");
        prepared["emails"] = json!([{ "value": ANA }]);
        bravo.client.post("/Users", &prepared).expect(201);
        let mallory = Browser::new(&fixture.server);
        let attempt = Attempt::begin(&fixture.server, &mallory, "bravo");
        let mut claims = provider.claims(&attempt, "subject-1", fixture.server.clock.now());
        (claims["email"], claims["email_verified"]) = (json!(ANA), json!(true));
        assert_eq!(provider.back(&mallory, &attempt, &claims).location(), "/o/bravo");
        assert_useless(&mallory, &owner(&fixture), [200, 404]);
        assert_eq!(seen(&mallory, ["acme", "bravo"]), [404, 200]);
    }

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
