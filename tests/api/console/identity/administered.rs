//! Signing in by an identity provider, as administrators set it up and take it back.

use super::*;

on_both_databases! {
    fn an_administrator_lets_an_identity_be_forgotten_and_ends_sessions(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        let id = fixture.provisioned("ana", "subject-1");
        let ana = Browser::new(&fixture.server);
        assert_eq!(fixture.sign_in(&ana, "subject-1").location(), "/o/acme");
        let admin = recovery_administrator(&fixture.server, fixture.acme.id);
        let page = format!("/o/acme/people/{id}/sessions");
        admin.page(&page).says("subject-1 at http").says("Sign out everywhere");
        admin.submit(&page, &format!("{page}/end"), &[]).expect(303);
        admin.page(&page).says("One browser is signed out").says("Signed in nowhere");
        assert_eq!(ana.get("/o/acme/profile").location(), "/sign-in");
        assert_eq!(fixture.sign_in(&ana, "subject-1").location(), "/o/acme");
        let other = Browser::new(&fixture.server);
        let change = json!([{ "op": "replace", "path": "externalId", "value": "subject-2" }]);
        fixture.acme.client.patch(&format!("/Users/{id}"), &change).expect(200);
        fixture.sign_in(&other, "subject-2").expect(403);
        admin.submit(&page, &format!("{page}/forget"), &[]).expect(303);
        assert_eq!(ana.get("/o/acme/profile").location(), "/sign-in");
        assert_eq!(fixture.sign_in(&other, "subject-2").location(), "/o/acme");
        other.page("/o/acme/profile").says("ana");
        // A person who was deleted and is there again is found anew.
        fixture.acme.client.delete(&format!("/Users/{id}")).expect(204);
        fixture.sign_in(&other, "subject-2").expect(403).says("You are not known here yet");
        fixture.provisioned("ana2", "subject-2");
        assert_eq!(fixture.sign_in(&other, "subject-2").location(), "/o/acme");
        other.page("/o/acme/profile").says("ana2");
    }

    fn claims_that_are_required_must_be_there(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[("required_claims", json!({ "hd": "example.com" })), ("joined_by", json!("user-name"))]);
        fixture.acme.client.create_user("Ana@example.com");
        let browser = Browser::new(&fixture.server);
        let tried = |domain: Value| {
            let attempt = fixture.begin(&browser, "");
            let named = with(&fixture.claims(&attempt, "s1"), "preferred_username", json!("ana@EXAMPLE.com"));
            fixture.back(&browser, &attempt, &with(&named, "hd", domain))
        };
        for domain in [json!(null), json!("evil.example"), json!(["example.com"]), json!("example.com ")] {
            tried(domain).expect(403).says("You may not sign in with this account").assert_well_made();
        }
        assert_eq!(tried(json!("example.com")).location(), "/o/acme");
    }

    fn where_it_is_the_only_way_links_open_nothing_but_for_the_recovery_administrator(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        let id = fixture.provisioned("ana", "subject-1");
        let (services, caller) = (services(&fixture.server), caller(fixture.acme.id));
        let ana = person(&fixture.server, fixture.acme.id, "house", "admin");
        ana.page("/o/acme");
        let link = services.user_link(&caller, id.parse().unwrap()).unwrap();
        // Nobody closes a door behind which they have not been.
        let form = [("issuer", fixture.provider.issuer()), ("client-id", "muster client"), ("joined-by", "external-id"), ("only", "yes")];
        ana.submit("/o/acme/settings/sign-in", "/o/acme/settings/sign-in", &form).expect(422).says("Sign in by the identity provider yourself");
        fixture.set(&[("only", json!(true))]);
        ana.get("/o/acme").expect(404);
        let link = link.strip_prefix(&fixture.server.url).unwrap();
        Browser::new(&fixture.server).get(link).expect(403).says("identity provider alone").assert_well_made();
        recovery_administrator(&fixture.server, fixture.acme.id).page("/o/acme");
        let browser = Browser::new(&fixture.server);
        assert_eq!(fixture.sign_in(&browser, "subject-1").location(), "/o/acme");
    }

    fn what_is_grave_needs_a_new_proof_of_identity(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        let id = fixture.provisioned("ana", "subject-1");
        fixture.server.administration().assign(fixture.acme.id, &muster::service::access::NewAssignment {
            principal: muster::service::access::WantedPrincipal::User(id),
            role: "admin".parse().unwrap(), scope: "/".parse().unwrap(), from: None, until: None,
            source: muster::model::AssignmentSource::Administrator, approver: None, reason: None,
        }).unwrap();
        let browser = Browser::new(&fixture.server);
        let attempt = fixture.begin(&browser, "");
        assert_eq!(attempt.query["max_age"], "43200");
        let old = with(&fixture.claims(&attempt, "subject-1"), "auth_time", json!(fixture.now() - 3_600));
        assert_eq!(fixture.back(&browser, &attempt, &old).location(), "/o/acme");
        let mint = |browser: &Browser| browser.page("/o/acme/settings").form("/settings/tokens").send(browser);
        let shown = mint(&browser).expect(403).says("Sign in again");
        assert!(shown.html.contains("/sign-in/to/acme?again=yes"));
        // Whoever is asked anew and says an old time, or none, has proven nothing.
        for time in [json!(fixture.now() - 600), Value::Null] {
            let attempt = fixture.begin(&browser, "?again=yes");
            assert_eq!((attempt.query["max_age"].as_str(), attempt.query["prompt"].as_str()), ("0", "login"));
            let mut claims = fixture.claims(&attempt, "subject-1");
            if time.is_null() { claims.as_object_mut().unwrap().remove("auth_time"); } else { claims["auth_time"] = time; }
            fixture.back(&browser, &attempt, &claims).expect(403).says("Prove again who you are").assert_well_made();
        }
        let before = browser.cookie(SESSION).unwrap();
        let attempt = fixture.begin(&browser, "?again=yes");
        assert_eq!(fixture.back(&browser, &attempt, &fixture.claims(&attempt, "subject-1")).location(), "/o/acme");
        mint(&browser).expect(200);
        let former = Browser::new(&fixture.server);
        former.set_cookie(SESSION, &before);
        assert_eq!(former.get("/o/acme").location(), "/sign-in", "a browser has one session");
    }

    fn a_secret_is_never_shown_and_goes_to_no_other_issuer(database: &Database) {
        let fixture = Fixture::new(database);
        let other = Provider::start();
        let settings = "/o/acme/settings/sign-in";
        let browser = recovery_administrator(&fixture.server, fixture.acme.id);
        browser.page(settings).says("People sign in by links");
        let form = |issuer: &'static str| vec![("issuer", issuer), ("client-id", "muster client"), ("joined-by", "external-id")];
        let mine: &'static str = fixture.provider.issuer().to_owned().leak();
        let theirs: &'static str = other.issuer().to_owned().leak();
        let mut first = form(mine);
        first.push(("client-secret", "s3:cret"));
        assert_eq!(browser.submit(settings, settings, &first).location(), settings);
        let shown = browser.page(settings).says("One is kept");
        assert!(!shown.html.contains("s3:cret"));
        assert!(shown.html.contains("/sign-in/to/acme/callback"));
        assert!(!crate::support::rows::all_rows(database).contains("s3:cret"));
        browser.submit(settings, settings, &form(mine)).expect(303);
        assert_eq!(fixture.admin.get("/identity-provider").expect(200).json()["has_secret"], true);
        // To another address it is not sent along.
        browser.submit(settings, settings, &form(theirs)).expect(422).says("Give the secret again").assert_well_made();
        let mut wanted = json!({ "issuer": mine, "client_id": "another" });
        fixture.admin.put("/identity-provider", &wanted).expect(400);
        wanted["client_secret"] = Value::Null;
        assert_eq!(fixture.admin.put("/identity-provider", &wanted).expect(200).json()["has_secret"], false);
        // What is no identity provider is not kept.
        for issuer in ["https://127.0.0.1", "ftp://x", "http://127.0.0.1:1", "", "https://idp.example?x=y"] {
            let shown = browser.submit(settings, settings, &form(issuer));
            assert_eq!(shown.status, 422, "{issuer}");
        }
        let auditor = administrator(&fixture.server, fixture.acme.id, CredentialKind::Auditor);
        auditor.put("/identity-provider", &fixture.wanted()).expect(403);
        browser.submit(settings, &format!("{settings}/remove"), &[]).expect(303);
        fixture.admin.get("/identity-provider").expect(404);
        Browser::new(&fixture.server).get("/sign-in/to/acme").expect(404).says("Nobody signs in this way here");
    }

    fn of_two_who_set_it_up_the_second_sees_what_the_first_saved(database: &Database) {
        let fixture = Fixture::new(database);
        let settings = "/o/acme/settings/sign-in";
        let browser = recovery_administrator(&fixture.server, fixture.acme.id);
        let issuer = fixture.provider.issuer().to_owned();
        let of = |client: &'static str| [("issuer", issuer.as_str()), ("client-id", client), ("joined-by", "external-id")];
        let (first, second) = (browser.page(settings), browser.page(settings));
        first.send(&browser, settings, &of("one")).expect(303);
        let refused = second.send(&browser, settings, &of("two")).expect(409);
        refused.assert_well_made();
        let refused = refused.says("Look at both versions").says("By now it says").says("Client id one");
        assert!(refused.html.contains("value=\"two\""), "what was typed stays");
        assert_eq!(fixture.admin.get("/identity-provider").expect(200).json()["client_id"], "one", "nothing was saved");
        refused.send(&browser, settings, &of("two")).expect(303);
        assert_eq!(fixture.admin.get("/identity-provider").expect(200).json()["client_id"], "two");
        let token = browser.page(settings).token();
        let mut blind = vec![("token", token.as_str())];
        blind.extend(of("three"));
        browser.post(settings, &blind).expect(400).says("does not say which settings");
    }
}
