//! Sessions that lead into one organization are that organization's to see and to end, and nobody else's.

use super::*;
use crate::support::rows::number;

/// Somebody of two organizations, known to both by one identity: signed in to each in a browser of its own.
struct Both {
    fixture: Fixture,
    bravo: Organization,
    here: Browser,
    there: Browser,
    id: String,
}

impl Both {
    fn new(database: &Database) -> Self {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        let bravo = fixture.server.organization("bravo");
        let theirs = administrator(&fixture.server, bravo.id, CredentialKind::Admin);
        theirs.put("/identity-provider", &fixture.wanted()).expect(200);
        let id = fixture.provisioned("ana", "subject-1");
        let mut ana = user("ana");
        ana["externalId"] = json!("subject-1");
        bravo.client.post("/Users", &ana).expect(201);
        let (here, there) = (Browser::new(&fixture.server), Browser::new(&fixture.server));
        let mut both = Self { fixture, bravo, here, there, id };
        both.sign_in_here();
        let attempt = Attempt::begin(&both.fixture.server, &both.there, "bravo");
        let claims = both.fixture.claims(&attempt, "subject-1");
        assert_eq!(both.fixture.back(&both.there, &attempt, &claims).location(), "/o/bravo");
        assert_eq!(number(database, "SELECT count(*) FROM account WHERE subject IS NOT NULL"), 1);
        both
    }

    fn sign_in_here(&mut self) {
        assert_eq!(self.fixture.sign_in(&self.here, "subject-1").location(), "/o/acme");
    }

    #[track_caller]
    fn assert_signed_in(&self, here: bool) {
        let shown = self.here.get("/o/acme/profile");
        assert_eq!(shown.status, if here { 200 } else { 303 });
        self.there.page("/o/bravo/profile").says("ana");
    }
}

on_both_databases! {
    fn an_administrator_sees_and_ends_only_sessions_that_lead_here(database: &Database) {
        let mut both = Both::new(database);
        let boss = recovery_administrator(&both.fixture.server, both.fixture.acme.id);
        let page = format!("/o/acme/people/{}/sessions", both.id);
        let listed = boss.page(&page);
        assert_eq!(listed.html.matches("data-label=\"Last used\"").count(), 1, "{}", listed.text());
        // Named by its id, the other one is not there.
        let sessions = both.there.page("/sessions").html;
        let own = both.here.page("/sessions").html;
        let ids = |html: &str| -> Vec<String> {
            html.split("/sessions/").skip(1).map(|rest| rest.split('/').next().unwrap().to_owned()).collect()
        };
        let newest = ids(&sessions).into_iter().chain(ids(&own)).max().unwrap();
        boss.submit(&page, &format!("{page}/{newest}/end"), &[]).expect(303);
        boss.page(&page).says("That session is over already");
        both.assert_signed_in(true);
        boss.submit(&page, &format!("{page}/end"), &[]).expect(303);
        boss.page(&page).says("One browser is signed out").says("Signed in nowhere");
        both.assert_signed_in(false);
        both.sign_in_here();
        boss.submit(&page, &format!("{page}/forget"), &[]).expect(303);
        both.assert_signed_in(false);
    }

    fn what_a_leaver_has_elsewhere_goes_on_and_is_not_in_the_certificate(database: &Database) {
        let mut both = Both::new(database);
        let ended = || number(database, "SELECT count(*) FROM ended_credential WHERE kind = 1");
        let active = |active: bool| json!([{ "op": "replace", "path": "active", "value": active }]);
        let path = format!("/Users/{}", both.id);
        both.fixture.acme.client.patch(&path, &active(false)).expect(200);
        both.assert_signed_in(false);
        assert_eq!(ended(), 1);
        both.fixture.acme.client.patch(&path, &active(true)).expect(200);
        both.assert_signed_in(false);
        both.sign_in_here();
        both.assert_signed_in(true);
        both.fixture.acme.client.delete(&path).expect(204);
        both.assert_signed_in(false);
        assert_eq!(ended(), 2);
        // In the other organization it is as thorough.
        let there = both.bravo.client.found("/Users", "userName eq \"ana\"").remove(0);
        both.bravo.client.delete(&format!("/Users/{there}")).expect(204);
        assert_eq!(both.there.get("/o/bravo/profile").location(), "/sign-in");
        assert_eq!(ended(), 3);
    }

    fn settings_of_an_identity_provider_end_what_it_opened_and_no_more(database: &Database) {
        let both = Both::new(database);
        let house = person(&both.fixture.server, both.fixture.acme.id, "house", "");
        both.fixture.admin.delete("/identity-provider").expect(204);
        both.assert_signed_in(false);
        house.page("/o/acme/profile").says("house");
    }
}
