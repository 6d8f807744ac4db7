//! Signing in by an identity provider: whom it lets in, and every way it must not.

mod administered;
mod connecting;
mod leaving;
mod reach;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster::clock::Clock;
use muster::model::{CredentialKind, Destinations, Moment};
use serde_json::{Value, json};
use url::Url;

use super::browser::unescaped;
use super::{Browser, caller, person, recovery_administrator, services};
use crate::administration::administrator;
use crate::support::{Client, Database, FarSide, Organization, Server, Signer, spoilt, user};

const SESSION: &str = "__Host-muster-session";
const ATTEMPT: &str = "__Host-muster-attempt";
const MINUTE: i64 = 60 * 1_000_000;
const ACCESS_TOKEN: &str = "an-access-token";

/// What the identity provider answers next.
#[derive(Default)]
struct Says {
    token: String,
    userinfo: Value,
    description: BTreeMap<String, Value>,
    keys: Value,
}

/// An identity provider of a test's own.
pub struct Provider {
    far: FarSide,
    says: Arc<Mutex<Says>>,
    signer: Signer,
}

impl Provider {
    pub fn start() -> Self {
        let signer = Signer::new("idp-1");
        let says = Arc::new(Mutex::new(Says { keys: signer.keys(), ..Says::default() }));
        let told = Arc::clone(&says);
        let far = FarSide::start(move |seen| {
            let says = told.lock().unwrap();
            let issuer = format!("http://{}", seen.headers["host"]);
            match seen.path.as_str() {
                "/.well-known/openid-configuration" => {
                    let mut described = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
                        "authorization_endpoint": format!("{issuer}/authorize?tenant=acme"),
                        "token_endpoint": format!("{issuer}/token"), "userinfo_endpoint": format!("{issuer}/userinfo") });
                    for (name, value) in &says.description {
                        described[name] = value.clone();
                    }
                    (200, described.to_string())
                }
                "/keys" => (200, says.keys.to_string()),
                "/token" => {
                    let body = json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": says.token });
                    (200, body.to_string())
                }
                "/userinfo" if says.userinfo.is_object() => (200, says.userinfo.to_string()),
                _ => (404, "{}".to_owned()),
            }
        });
        Self { far, says, signer }
    }

    fn issuer(&self) -> &str {
        &self.far.url
    }

    /// As an organization is told of it.
    pub fn settings(&self) -> Value {
        json!({ "issuer": self.issuer(), "client_id": "muster client", "client_secret": "s3:cret" })
    }

    /// What it says of somebody.
    pub fn claims(&self, attempt: &Attempt, subject: &str, now: Moment) -> Value {
        let now = now.as_micros() / 1_000_000;
        json!({ "iss": self.issuer(), "aud": "muster client", "sub": subject, "nonce": attempt.query["nonce"], "iat": now,
            "exp": now + 300, "auth_time": now })
    }

    /// Sends a browser back with what it hands out for these claims.
    pub fn back(&self, browser: &Browser, attempt: &Attempt, claims: &Value) -> super::browser::Shown {
        self.hands_out(self.signer.sign(claims));
        browser.get(&format!("{}?code=c0de&state={}", attempt.callback, attempt.query["state"]))
    }

    fn describes(&self, name: &str, value: Value) {
        self.says.lock().unwrap().description.insert(name.to_owned(), value);
    }

    fn hands_out(&self, token: String) {
        self.says.lock().unwrap().token = token;
    }
}

pub struct Fixture {
    pub server: Server,
    pub acme: Organization,
    admin: Client,
    provider: Provider,
    clock: Clock,
}

/// An attempt as the browser took it to the identity provider.
pub struct Attempt {
    pub query: BTreeMap<String, String>,
    callback: String,
}

impl Attempt {
    /// Begins to sign in to an organization.
    pub fn begin(server: &Server, browser: &Browser, place: &str) -> Self {
        Self::at(server, browser, &format!("/sign-in/to/{place}"))
    }

    /// Begins to join an identity to whoever is signed in, as the own profile leads there.
    pub fn joining(server: &Server, browser: &Browser, place: &str) -> Self {
        Self::at(server, browser, &intent(browser, place))
    }

    fn at(server: &Server, browser: &Browser, path: &str) -> Self {
        let shown = browser.get(path);
        let url = Url::parse(shown.location()).unwrap();
        assert_eq!(url.path(), "/authorize");
        let query = url.query_pairs().into_owned().collect::<BTreeMap<_, _>>();
        let callback = query["redirect_uri"].strip_prefix(&server.url).unwrap().to_owned();
        Self { query, callback }
    }
}

/// Where the form on the own profile leads on.
fn intent(browser: &Browser, place: &str) -> String {
    let asked = browser.page(&format!("/o/{place}/profile")).form("/profile/identity").send(browser).expect(200);
    asked.assert_well_made();
    let start = format!("href=\"/sign-in/to/{place}?");
    let (_, rest) = asked.html.split_once(&start).unwrap_or_else(|| panic!("it leads nowhere: {}", asked.html));
    format!("/sign-in/to/{place}?{}", unescaped(rest.split('"').next().unwrap()))
}

impl Fixture {
    pub fn new(database: &Database) -> Self {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let acme = server.organization("acme");
        let admin = administrator(&server, acme.id, CredentialKind::Admin);
        Self { server, acme, admin, provider: Provider::start(), clock }
    }

    fn wanted(&self) -> Value {
        self.provider.settings()
    }

    pub fn set(&self, changes: &[(&str, Value)]) {
        let mut wanted = self.wanted();
        for (name, value) in changes {
            wanted[*name] = value.clone();
        }
        self.admin.put("/identity-provider", &wanted).expect(200);
    }

    pub fn provisioned(&self, name: &str, external_id: &str) -> String {
        let mut wanted = user(name);
        wanted["externalId"] = json!(external_id);
        self.acme.client.post("/Users", &wanted).expect(201).id()
    }

    fn now(&self) -> i64 {
        self.clock.now().as_micros() / 1_000_000
    }

    pub fn begin(&self, browser: &Browser, query: &str) -> Attempt {
        Attempt::begin(&self.server, browser, &format!("acme{query}"))
    }

    pub fn claims(&self, attempt: &Attempt, subject: &str) -> Value {
        self.provider.claims(attempt, subject, self.clock.now())
    }

    /// Comes back with what the identity provider hands out for these claims.
    pub fn back(&self, browser: &Browser, attempt: &Attempt, claims: &Value) -> super::browser::Shown {
        self.provider.back(browser, attempt, claims)
    }

    pub fn sign_in(&self, browser: &Browser, subject: &str) -> super::browser::Shown {
        let attempt = self.begin(browser, "");
        self.back(browser, &attempt, &self.claims(&attempt, subject))
    }
}

fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    claims[name] = value;
    claims
}

on_both_databases! {
    fn somebody_provisioned_signs_in_and_is_known_by_issuer_and_subject_from_then_on(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        let id = fixture.provisioned("ana", "subject-1");
        fixture.provisioned("bea", "subject-2");
        let browser = Browser::new(&fixture.server);
        browser.page("/sign-in").says("Sign in with your identity provider");
        let attempt = fixture.begin(&browser, "");
        let asked = &attempt.query;
        assert_eq!((asked["response_type"].as_str(), asked["scope"].as_str()), ("code", "openid"));
        assert_eq!((asked["tenant"].as_str(), asked["client_id"].as_str()), ("acme", "muster client"));
        assert_eq!(attempt.callback, "/sign-in/to/acme/callback");
        assert!(asked["state"].len() == 43 && asked["nonce"].len() == 43 && asked["state"] != asked["nonce"]);
        assert_eq!(browser.cookie(SESSION), None);
        let before = browser.cookie(ATTEMPT).unwrap();
        assert!(!before.contains(&asked["nonce"]) && !before.contains(&asked["state"]));
        let shown = fixture.back(&browser, &attempt, &fixture.claims(&attempt, "subject-1"));
        assert_eq!(shown.location(), "/o/acme");
        assert_eq!(browser.cookie(ATTEMPT), None);
        browser.page("/o/acme/profile").says("ana");
        // The code is redeemed with the verifier whose hash was sent before, by whoever has the secret.
        let token = std::iter::repeat_with(|| fixture.provider.far.next()).find(|seen| seen.path == "/token").unwrap();
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(token.body.as_bytes()).into_owned().collect();
        assert_eq!(URL_SAFE_NO_PAD.encode(digest(&SHA256, form["code_verifier"].as_bytes())), asked["code_challenge"]);
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!((form["code"].as_str(), form["grant_type"].as_str()), ("c0de", "authorization_code"));
        assert_eq!(form["redirect_uri"], asked["redirect_uri"]);
        let basic = base64::engine::general_purpose::STANDARD.encode("muster+client:s3%3Acret");
        assert_eq!(token.headers["authorization"], format!("Basic {basic}"));
        assert!(form.iter().all(|(name, value)| name != "client_secret" && !value.contains("s3:cret")), "{form:?}");
        // From now on issuer and subject alone say who it is, whatever becomes of the externalId.
        let swap = |id: &str, to: &str| {
            let change = json!([{ "op": "replace", "path": "externalId", "value": to }]);
            fixture.acme.client.patch(&format!("/Users/{id}"), &change).expect(200);
        };
        swap(&id, "subject-9");
        let again = Browser::new(&fixture.server);
        assert_eq!(fixture.sign_in(&again, "subject-1").location(), "/o/acme");
        again.page("/o/acme/profile").says("ana");
        again.page("/sessions").says("identity provider");
        // Whoever is deactivated is signed out, and is not let in again.
        let active = |active: bool| json!([{ "op": "replace", "path": "active", "value": active }]);
        fixture.acme.client.patch(&format!("/Users/{id}"), &active(false)).expect(200);
        assert_eq!(browser.get("/o/acme/profile").location(), "/sign-in");
        fixture.sign_in(&again, "subject-1").expect(403).says("Your access has ended").assert_well_made();
        fixture.acme.client.patch(&format!("/Users/{id}"), &active(true)).expect(200);
        assert_eq!(browser.get("/o/acme/profile").location(), "/sign-in", "what is over stays over");
        assert_eq!(fixture.sign_in(&again, "subject-1").location(), "/o/acme");
    }

    fn nothing_forged_signs_anybody_in(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        fixture.provisioned("ana", "subject-1");
        let sensor = FarSide::start(|_| (200, "{}".to_owned()));
        let browser = Browser::new(&fixture.server);
        let attempt = fixture.begin(&browser, "");
        let cookie = browser.cookie(ATTEMPT).unwrap();
        let claims = fixture.claims(&attempt, "subject-1");
        let mut forged = fixture.provider.signer.forgeries(&claims, &sensor.url);
        let hash = |token: &str| URL_SAFE_NO_PAD.encode(&digest(&SHA256, token.as_bytes()).as_ref()[..16]);
        let mut wrong = spoilt(&claims, fixture.now());
        for nonce in [json!(null), json!(""), json!("x".repeat(43)), json!([attempt.query["nonce"]]), json!(attempt.query["state"])] {
            wrong.push(with(&claims, "nonce", nonce));
        }
        for subject in ["", " ", "null", "0", "system", "anonymous", " subject-1"] {
            wrong.push(with(&claims, "sub", json!(subject)));
        }
        wrong.extend([with(&claims, "sub", json!(["subject-1"])), with(&claims, "azp", json!("other")),
            with(&claims, "azp", json!(["muster client"])), with(&claims, "at_hash", json!(hash("another"))),
            with(&claims, "at_hash", json!("")), with(&claims, "auth_time", json!("now")),
            with(&claims, "auth_time", json!(fixture.now() + 3_600)), with(&claims, "iat", json!(null))]);
        forged.extend(wrong.iter().map(|claims| fixture.provider.signer.sign(claims)));
        assert!(forged.len() >= 100, "{}", forged.len());
        for token in forged {
            browser.set_cookie(ATTEMPT, &cookie);
            fixture.provider.hands_out(token.clone());
            let shown = browser.get(&format!("{}?code=c0de&state={}", attempt.callback, attempt.query["state"]));
            assert_eq!(shown.status, 403, "{token}");
            assert_eq!(browser.cookie(SESSION), None, "{token}");
        }
        assert!(sensor.is_quiet(), "nothing in a token says where its key is");
        // The same attempt is good for what is right.
        browser.set_cookie(ATTEMPT, &cookie);
        let good = with(&with(&claims, "azp", json!("muster client")), "at_hash", json!(hash(ACCESS_TOKEN)));
        assert_eq!(fixture.back(&browser, &attempt, &good).location(), "/o/acme");
    }

    fn an_attempt_is_its_browsers_once_and_for_ten_minutes(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        fixture.provisioned("ana", "subject-1");
        let browser = Browser::new(&fixture.server);
        let attempt = fixture.begin(&browser, "");
        let claims = fixture.claims(&attempt, "subject-1");
        let cookie = browser.cookie(ATTEMPT).unwrap();
        // Somebody else is sent the address: their browser has made no such attempt, or another.
        let other = Browser::new(&fixture.server);
        fixture.back(&other, &attempt, &claims).expect(403).says("This sign-in is over").assert_well_made();
        fixture.begin(&other, "");
        fixture.back(&other, &attempt, &claims).expect(403).says("cannot be trusted").assert_well_made();
        for state in ["", "x", &attempt.query["nonce"], &format!("{}A", attempt.query["state"])] {
            browser.set_cookie(ATTEMPT, &cookie);
            browser.get(&format!("{}?code=c0de&state={state}", attempt.callback)).expect(403);
        }
        let shorter: String = cookie.chars().skip(1).collect();
        for forged in [shorter.as_str(), "", "x", &"A".repeat(cookie.len())] {
            browser.set_cookie(ATTEMPT, forged);
            fixture.back(&browser, &attempt, &claims).expect(403).says("This sign-in is over");
        }
        browser.set_cookie(ATTEMPT, &cookie);
        let twice = format!("{}?code=c0de&code=x&state={}", attempt.callback, attempt.query["state"]);
        browser.get(&twice).expect(400);
        browser.set_cookie(ATTEMPT, &cookie);
        browser.get(&format!("{}?state={}", attempt.callback, attempt.query["state"])).expect(403);
        browser.set_cookie(ATTEMPT, &cookie);
        let denied = format!("{}?error=access_denied&state={}", attempt.callback, attempt.query["state"]);
        browser.get(&denied).expect(403).says("did not let you in").assert_well_made();
        // Once.
        browser.set_cookie(ATTEMPT, &cookie);
        assert_eq!(fixture.back(&browser, &attempt, &claims).location(), "/o/acme");
        let first = browser.cookie(SESSION).unwrap();
        other.set_cookie(ATTEMPT, &cookie);
        fixture.back(&other, &attempt, &claims).expect(403).says("This sign-in is over");
        assert_eq!((other.cookie(SESSION), browser.cookie(SESSION)), (None, Some(first)));
        // Ten minutes.
        let late = fixture.begin(&other, "");
        let claims = fixture.claims(&late, "subject-1");
        fixture.clock.advance(10 * MINUTE);
        fixture.back(&other, &late, &claims).expect(403).says("This sign-in is over");
        // Under the settings it began with.
        let changed = fixture.begin(&other, "");
        fixture.set(&[("required_claims", json!({ "hd": "example.com" }))]);
        let claims = with(&fixture.claims(&changed, "subject-1"), "hd", json!("example.com"));
        fixture.back(&other, &changed, &claims).expect(403).says("This sign-in is over");
        let removed = fixture.begin(&other, "");
        fixture.admin.delete("/identity-provider").expect(204);
        let claims = fixture.claims(&removed, "subject-1");
        fixture.back(&other, &removed, &claims).expect(404);
        assert_eq!(browser.get("/o/acme").location(), "/sign-in", "what it had opened ends with it");
    }

    fn of_two_returns_at_once_one_signs_in(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[]);
        fixture.provisioned("ana", "subject-1");
        let browser = Browser::new(&fixture.server);
        let attempt = fixture.begin(&browser, "");
        fixture.provider.hands_out(fixture.provider.signer.sign(&fixture.claims(&attempt, "subject-1")));
        let cookie = browser.cookie(ATTEMPT).unwrap();
        let path = format!("{}?code=c0de&state={}", attempt.callback, attempt.query["state"]);
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let one = || {
                let browser = Browser::new(&fixture.server);
                browser.set_cookie(ATTEMPT, &cookie);
                let path = path.clone();
                move || browser.get(&path).status
            };
            let tries: Vec<_> = (0..4).map(|_| one()).collect();
            let threads: Vec<_> = tries.into_iter().map(|one| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 403).count(), 3, "{statuses:?}");
    }

    fn what_one_issuer_says_is_never_taken_for_what_another_says(database: &Database) {
        let fixture = Fixture::new(database);
        let evil = Provider::start();
        fixture.provider.describes("authorization_response_iss_parameter_supported", json!(true));
        fixture.set(&[]);
        fixture.provisioned("ana", "subject-1");
        let bravo = fixture.server.organization("bravo");
        let theirs = administrator(&fixture.server, bravo.id, CredentialKind::Admin);
        let wanted = json!({ "issuer": evil.issuer(), "client_id": "muster client", "client_secret": "x" });
        theirs.put("/identity-provider", &wanted).expect(200);
        // One that speaks for another is no identity provider at all.
        evil.describes("issuer", json!(fixture.provider.issuer()));
        let refused = theirs.put("/identity-provider", &wanted).expect(400);
        assert!(refused.text.contains("another issuer"), "{}", refused.text);
        let browser = Browser::new(&fixture.server);
        let attempt = fixture.begin(&browser, "");
        let cookie = browser.cookie(ATTEMPT).unwrap();
        let claims = fixture.claims(&attempt, "subject-1");
        fixture.provider.hands_out(fixture.provider.signer.sign(&claims));
        let back = |callback: &str, issuer: &str| {
            browser.set_cookie(ATTEMPT, &cookie);
            browser.get(&format!("{callback}?code=c0de&state={}{issuer}", attempt.query["state"]))
        };
        let named = |issuer: &str| format!("&iss={}", url::form_urlencoded::byte_serialize(issuer.as_bytes()).collect::<String>());
        // The address of the other organization, the name of the other issuer, no name where one is promised.
        back("/sign-in/to/bravo/callback", &named(evil.issuer())).expect(403);
        back(&attempt.callback, &named(evil.issuer())).expect(403).says("cannot be trusted");
        back(&attempt.callback, &named(&format!("{}/", fixture.provider.issuer()))).expect(403);
        back(&attempt.callback, "").expect(403).says("cannot be trusted");
        assert_eq!(browser.cookie(SESSION), None);
        assert_eq!(back(&attempt.callback, &named(fixture.provider.issuer())).location(), "/o/acme");
        // Of a session that one organization's identity provider opened, no other organization is part.
        browser.get("/o/bravo").expect(404);
    }

    fn nobody_is_found_by_what_anybody_can_say(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[("joined_by", json!("email"))]);
        let mut ana = user("ana");
        ana["emails"] = json!([{ "value": "ana@example.com", "type": "work" }]);
        fixture.acme.client.post("/Users", &ana).expect(201);
        let browser = Browser::new(&fixture.server);
        let tried = |claims: &[(&str, Value)]| {
            let attempt = fixture.begin(&browser, "");
            let mut all = fixture.claims(&attempt, "subject-1");
            for (name, value) in claims {
                all[*name] = value.clone();
            }
            fixture.back(&browser, &attempt, &all)
        };
        let address = ("email", json!("ana@example.com"));
        for verified in [json!(false), json!("true"), json!(1), json!(null), json!({})] {
            tried(&[address.clone(), ("email_verified", verified)]).expect(403).says("You are not known here yet");
        }
        tried(std::slice::from_ref(&address)).expect(403);
        for other in [json!("ana@example.com "), json!(["ana@example.com"]), json!("bea@example.com"), json!("")] {
            let shown = tried(&[("email", other.clone()), ("email_verified", json!(true))]);
            assert_eq!(shown.status, 403, "{other}");
        }
        // What is said elsewhere counts of the same subject alone.
        let told = |subject: &str| json!({ "sub": subject, "email": "ana@example.com", "email_verified": true });
        fixture.provider.says.lock().unwrap().userinfo = told("subject-2");
        tried(&[]).expect(403).says("cannot be trusted");
        // An address of two is nobody's.
        let mut twin = user("twin");
        twin["emails"] = json!([{ "value": "ANA@example.com" }]);
        let twin = fixture.acme.client.post("/Users", &twin).expect(201).id();
        fixture.provider.says.lock().unwrap().userinfo = told("subject-1");
        tried(&[]).expect(403).says("no one user").assert_well_made();
        fixture.acme.client.delete(&format!("/Users/{twin}")).expect(204);
        assert_eq!(tried(&[]).location(), "/o/acme");
        // Somebody else is given the address at the identity provider: that is not who it was.
        fixture.provider.says.lock().unwrap().userinfo = told("subject-3");
        let attempt = fixture.begin(&browser, "");
        let claims = fixture.claims(&attempt, "subject-3");
        fixture.back(&browser, &attempt, &claims).expect(403).says("This user has another identity").assert_well_made();
    }

    fn a_claim_that_stands_for_nobody_finds_nobody_though_a_connection_sent_the_name(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.set(&[("joined_by", json!("user-name"))]);
        let nobodies = ["null", "0", "system", "anonymous", "none", "undefined"];
        for name in nobodies.into_iter().chain(["admin", "ana"]) {
            fixture.acme.client.post("/Users", &user(name)).expect(201);
        }
        let browser = Browser::new(&fixture.server);
        let tried = |claim: Value, subject: &str| {
            let attempt = fixture.begin(&browser, "");
            let claims = with(&fixture.claims(&attempt, subject), "preferred_username", claim);
            fixture.back(&browser, &attempt, &claims)
        };
        for (number, name) in nobodies.into_iter().chain(["", " ", "NULL", "ｎｕｌｌ", "sys\u{200b}tem", " ana"]).enumerate() {
            tried(json!(name), &format!("subject-{number}")).expect(403).says("You are not known here yet");
        }
        for claim in [json!(null), json!(0), json!(["ana"]), json!({ "userName": "ana" }), json!(true)] {
            tried(claim, "subject-x").expect(403);
        }
        // There is nobody of the product's own to be taken over: who is called `admin` is whom the connection sent, and may
        // do nothing for being called so.
        assert_eq!(tried(json!("admin"), "subject-admin").location(), "/o/acme");
        browser.get("/o/acme/people").expect(403);
    }
}
