//! Whoever has left is not let in by an identity provider that still knows them, however the attempt began.

use muster::model::Precondition;
use muster::service::people;

use super::*;

/// How somebody leaves.
#[derive(Debug, Clone, Copy)]
enum Way {
    Deactivated,
    Replaced,
    Suspended,
    Deleted,
}

const WAYS: [Way; 4] = [Way::Deactivated, Way::Replaced, Way::Suspended, Way::Deleted];

impl Way {
    fn leave(self, fixture: &Fixture, id: &str, name: &str) {
        let client = &fixture.acme.client;
        let path = format!("/Users/{id}");
        match self {
            Self::Deactivated => {
                let change = json!([{ "op": "replace", "path": "active", "value": false }]);
                client.patch(&path, &change).expect(200);
            }
            Self::Replaced => {
                let mut body = user(name);
                (body["externalId"], body["active"]) = (json!(format!("subject of {name}")), json!(false));
                client.put(&path, &body).expect(200);
            }
            Self::Suspended => {
                let (services, caller) = (services(&fixture.server), caller(fixture.acme.id));
                people::suspend(&services, &caller, id.parse().unwrap(), None, &Precondition::None).unwrap();
            }
            Self::Deleted => drop(client.delete(&path).expect(204)),
        }
    }

    /// What they are told.
    fn said(self) -> &'static str {
        match self {
            Self::Deleted => "You are not known here yet",
            _ => "Your access has ended",
        }
    }
}

on_both_databases! {
    fn whoever_has_left_is_not_let_in_whenever_the_attempt_began(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        // Known by their identity since, or found by what was provisioned.
        for (way, is_known) in WAYS.into_iter().flat_map(|way| [(way, true), (way, false)]) {
            let name = format!("{way:?}-{is_known}").to_lowercase();
            let subject = format!("subject of {name}");
            let id = fixture.provisioned(&name, &subject);
            let signed_in = Browser::new(&fixture.server);
            if is_known {
                assert_eq!(fixture.sign_in(&signed_in, &subject).location(), "/o/acme");
            }
            let (begun, late) = (Browser::new(&fixture.server), Browser::new(&fixture.server));
            let before = fixture.begin(&begun, "");
            let anew = is_known.then(|| fixture.begin(&signed_in, "?again=yes"));
            way.leave(&fixture, &id, &name);
            let refused = |browser: &Browser, attempt: &Attempt| {
                let shown = fixture.back(browser, attempt, &fixture.claims(attempt, &subject)).expect(403);
                shown.assert_well_made();
                shown.says(way.said());
                assert_eq!(browser.get("/o/acme/profile").location(), "/sign-in", "{way:?} {is_known}");
            };
            refused(&begun, &before);
            if let Some(attempt) = anew {
                refused(&signed_in, &attempt);
            }
            refused(&late, &fixture.begin(&late, ""));
            assert_eq!(late.cookie(SESSION), None);
        }
    }

    fn whoever_comes_back_begins_anew(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        let id = fixture.provisioned("ana", "subject-1");
        let (browser, used) = (Browser::new(&fixture.server), Browser::new(&fixture.server));
        assert_eq!(fixture.sign_in(&browser, "subject-1").location(), "/o/acme");
        let attempt = fixture.begin(&used, "");
        assert_eq!(fixture.back(&used, &attempt, &fixture.claims(&attempt, "subject-1")).location(), "/o/acme");
        let active = |active: bool| json!([{ "op": "replace", "path": "active", "value": active }]);
        for is_active in [false, true] {
            fixture.acme.client.patch(&format!("/Users/{id}"), &active(is_active)).expect(200);
            for gone in [&browser, &used] {
                assert_eq!(gone.get("/o/acme/profile").location(), "/sign-in");
            }
        }
        assert_eq!(fixture.sign_in(&browser, "subject-1").location(), "/o/acme");
    }

    fn an_attempt_that_was_begun_is_over_when_its_way_in_was_closed_meanwhile(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        fixture.provisioned("ana", "subject-1");
        let tried = |between: &dyn Fn(), after: &dyn Fn()| {
            let browser = Browser::new(&fixture.server);
            let attempt = fixture.begin(&browser, "");
            let cookie = browser.cookie(ATTEMPT).unwrap();
            between();
            let shown = fixture.back(&browser, &attempt, &fixture.claims(&attempt, "subject-1"));
            assert!(matches!(shown.status, 403 | 404), "{}", shown.text());
            shown.assert_well_made();
            after();
            // Opened again, it is not what it was.
            browser.set_cookie(ATTEMPT, &cookie);
            fixture.clock.advance(1_000);
            let shown = fixture.back(&browser, &attempt, &fixture.claims(&attempt, "subject-1")).expect(403);
            shown.says("This sign-in is over");
            assert_eq!(browser.cookie(SESSION), None);
        };
        // Removed, and set up as it was.
        tried(&|| drop(fixture.admin.delete("/identity-provider").expect(204)), &|| { fixture.clock.advance(1_000); fixture.set(&[]) });
        // Another in its place, and the former again.
        let other = Provider::start();
        let replaced = || drop(fixture.admin.put("/identity-provider", &other.settings()).expect(200));
        tried(&replaced, &|| { fixture.clock.advance(1_000); fixture.set(&[]) });
        let browser = Browser::new(&fixture.server);
        assert_eq!(fixture.sign_in(&browser, "subject-1").location(), "/o/acme");
    }

    fn nobody_of_a_suspended_organization_is_let_in(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        fixture.provisioned("ana", "subject-1");
        let (browser, known) = (Browser::new(&fixture.server), Browser::new(&fixture.server));
        assert_eq!(fixture.sign_in(&known, "subject-1").location(), "/o/acme");
        let attempt = fixture.begin(&browser, "");
        let suspended = |is: bool| fixture.server.administration().suspend_organization(fixture.acme.id, is).unwrap();
        suspended(true);
        fixture.back(&browser, &attempt, &fixture.claims(&attempt, "subject-1")).expect(404).assert_well_made();
        assert_eq!(browser.cookie(SESSION), None);
        known.get("/o/acme/profile").expect(404);
        suspended(false);
        assert_eq!(fixture.sign_in(&browser, "subject-1").location(), "/o/acme");
    }
}
