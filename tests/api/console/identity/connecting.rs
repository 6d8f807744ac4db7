//! An identity is joined to whoever is signed in: by whoever asked for it on the own profile, in that session, and by nobody
//! who leads their browser somewhere.

use super::*;
use crate::support::rows::number;

fn accounts(database: &Database) -> i64 {
    number(database, "SELECT count(*) FROM account WHERE subject IS NOT NULL")
}

on_both_databases! {
    fn somebody_signed_in_joins_an_identity_to_themselves(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        let browser = person(&fixture.server, fixture.acme.id, "house", "");
        let before = browser.cookie(SESSION).unwrap();
        let attempt = Attempt::joining(&fixture.server, &browser, "acme");
        // Another browser's session is not joined to, whoever it is.
        let mallory = person(&fixture.server, fixture.acme.id, "mallory", "");
        mallory.set_cookie(ATTEMPT, &browser.cookie(ATTEMPT).unwrap());
        fixture.back(&mallory, &attempt, &fixture.claims(&attempt, "s1")).expect(403).says("not known here");
        assert_eq!(fixture.back(&browser, &attempt, &fixture.claims(&attempt, "s1")).location(), "/o/acme");
        let former = Browser::new(&fixture.server);
        former.set_cookie(SESSION, &before);
        assert_eq!(former.get("/o/acme").location(), "/sign-in", "a browser has one session");
        let elsewhere = Browser::new(&fixture.server);
        assert_eq!(fixture.sign_in(&elsewhere, "s1").location(), "/o/acme");
        elsewhere.page("/o/acme/profile").says("house");
        let profile = elsewhere.page("/o/acme/profile");
        assert!(!profile.html.contains("/profile/identity"), "it is joined");
    }

    fn a_browser_that_is_led_to_an_address_joins_nothing(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        let victim = person(&fixture.server, fixture.acme.id, "house", "");
        let mallory = person(&fixture.server, fixture.acme.id, "mallory", "");
        victim.get("/sign-in/to/acme?connect=yes").expect(403);
        let theirs = intent(&mallory, "acme");
        let spoilt = theirs.replacen("connect=", "connect=A", 1);
        let led = ["/sign-in/to/acme?connect=yes", "/sign-in/to/acme?connect=", theirs.as_str(), spoilt.as_str()];
        for path in led.into_iter().chain(["/sign-in/to/acme?connect=a&connect=b"]) {
            let shown = victim.get(path);
            assert!(matches!(shown.status, 400 | 403), "{path}: {}", shown.status);
            shown.assert_well_made();
            assert_eq!(victim.cookie(ATTEMPT), None, "{path}");
            assert_eq!(Browser::new(&fixture.server).get(path).status, shown.status, "{path}");
        }
        victim.get(led[0]).says("Begin this on your profile");
        // Nor by a form of another site, or one without the token.
        let own = fixture.server.url.clone();
        let token = victim.page("/o/acme/profile").token();
        for (origin, site, token) in [("https://evil.example", "cross-site", token.as_str()), (&own, "same-origin", "x")] {
            let headers = [("Origin", origin), ("Sec-Fetch-Site", site)];
            let body = format!("token={token}");
            victim.send("POST", "/o/acme/profile/identity", &headers, Some(&body)).expect(403);
        }
        victim.get("/o/acme/profile/identity").expect(405);
        // Whoever is led to sign in is signed in as whoever that is, and nothing is joined to whom they were.
        let attempt = fixture.begin(&victim, "");
        fixture.back(&victim, &attempt, &fixture.claims(&attempt, "evil")).expect(403).says("not known here");
        assert_eq!(accounts(database), 0);
    }

    fn a_page_of_another_site_makes_nobody_who_is_signed_in_somebody_else(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        let victim = person(&fixture.server, fixture.acme.id, "house", "");
        for site in ["cross-site", "same-site"] {
            let shown = victim.send("GET", "/sign-in/to/acme", &[("Sec-Fetch-Site", site)], None).expect(200);
            shown.assert_well_made();
            shown.says("Continue to your identity provider");
            assert_eq!(victim.cookie(ATTEMPT), None);
            // Whoever is not is led on at once: so a page of links to every service works.
            let stranger = Browser::new(&fixture.server);
            let shown = stranger.send("GET", "/sign-in/to/acme", &[("Sec-Fetch-Site", site)], None);
            assert!(shown.location().starts_with(fixture.provider.issuer()));
        }
        fixture.begin(&victim, "");
    }

    fn the_intent_to_join_is_of_one_session_and_ten_minutes(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        let bravo = fixture.server.organization("bravo");
        let theirs = administrator(&fixture.server, bravo.id, CredentialKind::Admin);
        theirs.put("/identity-provider", &fixture.wanted()).expect(200);
        let browser = person(&fixture.server, fixture.acme.id, "house", "");
        let asked = intent(&browser, "acme");
        // Asked for twice it is two intents, and nothing is written.
        let before = crate::support::rows::all_rows(database);
        assert_ne!(intent(&browser, "acme"), asked);
        assert_eq!(crate::support::rows::all_rows(database), before);
        // Of one organization.
        browser.get(&asked.replace("/to/acme", "/to/bravo")).expect(403);
        // Of one session, from the beginning to the return.
        let again = services(&fixture.server);
        let id = super::super::people::id_of(&fixture.server, fixture.acme.id, "house").parse().unwrap();
        let other = super::super::signed_in_by(&fixture.server, &again.user_link(&caller(fixture.acme.id), id).unwrap());
        other.get(&asked).expect(403).says("Begin this on your profile");
        let attempt = Attempt::at(&fixture.server, &browser, &asked);
        other.set_cookie(ATTEMPT, &browser.cookie(ATTEMPT).unwrap());
        fixture.back(&other, &attempt, &fixture.claims(&attempt, "s1")).expect(403);
        assert_eq!(accounts(database), 0);
        // For ten minutes.
        fixture.clock.advance(10 * MINUTE);
        browser.get(&asked).expect(403);
        // After a fresh sign-in alone.
        fixture.clock.advance(21 * MINUTE);
        browser.page("/o/acme/profile").form("/profile/identity").send(&browser).expect(403).says("Sign in again");
    }

    fn where_there_is_no_identity_provider_nothing_is_joined(database: &Database) {
        let fixture = Fixture::new(database);
        let browser = person(&fixture.server, fixture.acme.id, "house", "");
        let profile = browser.page("/o/acme/profile");
        assert!(!profile.html.contains("/profile/identity"));
        browser.post("/o/acme/profile/identity", &[("token", &profile.token())]).expect(404);
        // The recovery administrator is nobody of the directory.
        fixture.set(&[]);
        let boss = recovery_administrator(&fixture.server, fixture.acme.id);
        let token = boss.page("/o/acme").token();
        boss.post("/o/acme/profile/identity", &[("token", &token)]).expect(404);
    }
}
