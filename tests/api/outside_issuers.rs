//! Tokens of outside issuers provision for the connection they were registered for, and forged ones for nobody.

use std::sync::{Arc, Mutex};

use muster::live::jwt::{Presented, PublicKeys};
use muster::model::{CredentialKind, Moment};
use serde_json::{Value, json};

use crate::administration::{administered, administrator, problem};
use crate::support::{
    Answer, Client, Database, FarSide, Organization, Server, Signer, allocations, spoilt, statements, user,
};

const TENANT: &str = "5f1d0c6e-5a3b-4f6c-9d7e-2b8a1c4e6f70";

struct Fixture {
    server: Server,
    organization: Organization,
    admin: Client,
    signer: Signer,
    publisher: FarSide,
    keys: Arc<Mutex<Value>>,
}

impl Fixture {
    fn new(database: &Database) -> Self {
        let (server, organization, admin) = administered(database);
        let signer = Signer::new("idp-1");
        let keys = Arc::new(Mutex::new(signer.keys()));
        let published = Arc::clone(&keys);
        let publisher = FarSide::start(move |_| (200, published.lock().unwrap().to_string()));
        Self { server, organization, admin, signer, publisher, keys }
    }

    fn wanted(&self) -> Value {
        let connection = self.admin.get("/connections").expect(200).json()["items"][0]["id"].clone();
        json!({ "connection": connection, "issuer": format!("https://sts.example/{TENANT}/"), "audience": "https://muster.example",
            "claims": { "tid": TENANT }, "keys_url": format!("{}/keys", self.publisher.url) })
    }

    fn claims(&self) -> Value {
        let now = self.now();
        json!({ "iss": format!("https://sts.example/{TENANT}/"), "aud": "https://muster.example", "tid": TENANT,
            "sub": "a-service", "iat": now, "nbf": now, "exp": now + 3_600 })
    }

    fn now(&self) -> i64 {
        self.server.clock.now().as_micros() / 1_000_000
    }

    fn status(&self, token: &str) -> u16 {
        Client { base: format!("{}/scim/v2", self.server.url), token: token.to_owned() }.get("/Users").status
    }
}

on_both_databases! {
    fn a_token_of_a_registered_issuer_provisions_for_its_connection_until_that_is_revoked(database: &Database) {
        let fixture = Fixture::new(database);
        let token = fixture.signer.sign(&fixture.claims());
        assert_eq!(fixture.status(&token), 401, "nobody has registered it");
        assert!(fixture.publisher.is_quiet());
        let registered = fixture.admin.post("/issuers", &fixture.wanted()).expect(201).json();
        let client = Client { base: format!("{}/scim/v2", fixture.server.url), token };
        let id = client.post("/Users", &user("ann")).expect(201).id();
        assert_eq!(fixture.organization.client.get(&format!("/Users/{id}")).expect(200).json()["userName"], "ann");
        let seen = fixture.publisher.next();
        assert_eq!(seen.path, "/keys");
        assert!(!seen.headers.contains_key("authorization"));
        client.delete(&format!("/Users/{id}")).expect(204);
        assert!(fixture.publisher.is_quiet(), "keys are kept");
        // It is for provisioning and for nothing else.
        let elsewhere = Client { base: fixture.server.url.clone(), token: client.token.clone() };
        for path in ["/api/v1/users", "/ssf/stream"] {
            elsewhere.get(path).expect(401);
        }
        elsewhere.post("/access/v1/evaluation", &json!({})).expect(401);
        let listed = fixture.admin.get("/issuers").expect(200).json()["items"].clone();
        assert_eq!(listed[0], registered);
        fixture.admin.delete(&format!("/credentials/{}", registered["credential"].as_str().unwrap())).expect(204);
        client.get("/Users").expect(401);
        fixture.admin.post("/issuers", &fixture.wanted()).expect(201);
        client.get("/Users").expect(200);
    }

    fn no_forged_token_is_believed_anywhere_and_none_makes_the_server_ask_anybody(database: &Database) {
        statements::watch();
        let fixture = Fixture::new(database);
        fixture.admin.post("/issuers", &fixture.wanted()).expect(201);
        let sensor = FarSide::start(|_| (200, "{}".to_owned()));
        let claims = fixture.claims();
        assert_eq!(fixture.status(&fixture.signer.sign(&claims)), 200);
        fixture.publisher.next();
        let mut forged = fixture.signer.forgeries(&claims, &sensor.url);
        let mut wrong = spoilt(&claims, fixture.now());
        let with = |name: &str, value: Value| { let mut claims = claims.clone(); claims[name] = value; claims };
        wrong.extend([with("tid", json!("another")), with("tid", json!([TENANT])), with("tid", Value::Null),
            with("iss", json!(fixture.server.url)), with("iss", json!(sensor.url))]);
        forged.extend(wrong.iter().map(|claims| fixture.signer.sign(claims)));
        assert!(forged.len() >= 80, "{}", forged.len());
        let question = json!({ "subject": { "type": "user", "id": "ann" }, "action": { "name": "deploy:run" },
            "resource": { "type": "organization", "id": "/" } });
        statements::mentioning(&[]);
        for token in &forged {
            let client = Client { base: fixture.server.url.clone(), token: token.clone() };
            let surfaces: [&dyn Fn() -> Answer; 4] = [&|| client.get("/scim/v2/Users"), &|| client.get("/api/v1/users"),
                &|| client.get("/ssf/stream"), &|| client.post("/access/v1/evaluation", &question)];
            for ask in surfaces {
                assert_eq!(ask().status, 401, "{token}");
                // Whose issuer it may be is looked up once; nothing is read of whom it would be believed to be.
                let read = statements::mentioning(&["FROM proof", "FROM credential", "FROM scim_user"]);
                assert!(read.len() <= 1 && read.iter().all(|text| text.contains("WHERE issuer")), "{token}: {read:?}");
            }
        }
        assert!(sensor.is_quiet(), "nothing in a token says where its key is");
        assert!(fixture.publisher.is_quiet(), "a publisher is not asked for every key somebody makes up");
        let users = fixture.organization.client.get("/Users").expect(200).json();
        assert_eq!(users["totalResults"], 0);
    }

    fn a_token_that_is_too_long_is_refused_before_it_is_read(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.admin.post("/issuers", &fixture.wanted()).expect(201);
        let claims = fixture.claims();
        assert_eq!(fixture.status(&fixture.signer.sign(&claims)), 200);
        fixture.publisher.next();
        let mut header = fixture.signer.header();
        let mut tokens = vec![".".repeat(16_385), "a.".repeat(20_000), format!("{}.", fixture.signer.sign(&claims)).repeat(20)];
        for kilobytes in [16, 40, 64] {
            header["kid"] = json!("k".repeat(kilobytes * 1_024));
            tokens.push(fixture.signer.sign_as(&header, &claims));
            let mut padded = claims.clone();
            padded["padding"] = json!("p".repeat(kilobytes * 1_024));
            tokens.push(fixture.signer.sign(&padded));
        }
        for token in &tokens {
            // What is longer than any head may be is answered before anybody looks for a token in it.
            let status = fixture.status(token);
            assert!(status == 401 || (token.len() > 65_536 && matches!(status, 400 | 431)), "{status} {}", token.len());
        }
        assert!(fixture.publisher.is_quiet());
    }

    fn a_key_of_another_organizations_issuer_is_not_taken(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.admin.post("/issuers", &fixture.wanted()).expect(201);
        let other = fixture.server.organization("other");
        let stranger = administrator(&fixture.server, other.id, CredentialKind::Admin);
        let theirs = Signer::new("their-key");
        let keys = theirs.keys().to_string();
        let publisher = FarSide::start(move |_| (200, keys.clone()));
        let connection = stranger.get("/connections").expect(200).json()["items"][0]["id"].clone();
        let wanted = json!({ "connection": connection, "issuer": "https://theirs.example/", "audience": "https://muster.example",
            "claims": {}, "keys_url": publisher.url });
        stranger.post("/issuers", &wanted).expect(201);
        let mut claims = fixture.claims();
        claims["iss"] = json!("https://theirs.example/");
        assert_eq!(fixture.status(&theirs.sign(&claims)), 200, "it is good for whom it was registered");
        assert_eq!(fixture.status(&theirs.sign(&fixture.claims())), 401, "and for nobody else, whatever `kid` it names");
    }

    fn tokens_that_could_mean_two_connections_are_registered_for_one(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.admin.post("/issuers", &fixture.wanted()).expect(201);
        let other = fixture.server.organization("other");
        let stranger = administrator(&fixture.server, other.id, CredentialKind::Admin);
        let connection = stranger.get("/connections").expect(200).json()["items"][0]["id"].clone();
        let mut theirs = fixture.wanted();
        problem(&stranger.post("/issuers", &theirs), 404, "");
        theirs["connection"] = connection;
        problem(&stranger.post("/issuers", &theirs), 409, "claims that tell them apart");
        assert_eq!(stranger.get("/issuers").expect(200).json()["items"], json!([]), "another organization's are not shown");
        // Nobody keeps others' tokens from being believed by asking for less than they do, or for something else.
        for claims in [json!({}), json!({ "azp": "x" })] {
            theirs["claims"] = claims;
            problem(&stranger.post("/issuers", &theirs), 409, "claims that tell them apart");
        }
        theirs["claims"] = json!({ "tid": "another" });
        stranger.post("/issuers", &theirs).expect(201);
        assert_eq!(fixture.status(&fixture.signer.sign(&fixture.claims())), 200);
        for (name, value, about) in [
            ("issuer", json!("not a url"), "issuer"),
            ("issuer", json!("ftp://sts.example/"), "issuer"),
            ("audience", json!(""), "characters"),
            ("claims", json!({ "tid": "" }), "characters"),
            ("claims", json!({ "tid": 7 }), ""),
            ("keys_url", json!("http://10.0.0.1/keys"), "public"),
            ("connection", json!("nothing"), "connection"),
        ] {
            let mut wrong = fixture.wanted();
            wrong[name] = value;
            problem(&fixture.admin.post("/issuers", &wrong), 400, about);
        }
    }

    fn an_issuer_whose_keys_cannot_be_had_is_neither_believed_nor_refused(database: &Database) {
        let fixture = Fixture::new(database);
        let token = fixture.signer.sign(&fixture.claims());
        *fixture.keys.lock().unwrap() = json!("garbage");
        fixture.admin.post("/issuers", &fixture.wanted()).expect(201);
        assert_eq!(fixture.status(&token), 503);
        fixture.publisher.next();
        assert_eq!(fixture.status(&token), 503);
        assert!(fixture.publisher.is_quiet(), "it is not asked again at once");
    }
}

#[test]
fn a_forged_token_costs_no_more_than_its_length_to_judge_however_it_is_forged() {
    let (signer, now) = (Signer::new("idp-1"), Moment::from_micros(1_800_000_000_000_000));
    let seconds = 1_800_000_000;
    let claims = json!({ "iss": "https://sts.example/", "aud": "https://muster.example", "sub": "s", "iat": seconds,
        "nbf": seconds, "exp": seconds + 3_600 });
    let mut forged = signer.forgeries(&claims, "http://127.0.0.1:1/");
    forged.extend(spoilt(&claims, seconds).iter().map(|claims| signer.sign(claims)));
    let long = "A".repeat(4_000);
    forged.extend([".".repeat(1 << 20), "a.".repeat(1 << 19), format!("{long}.{long}.x")]);
    let keys = PublicKeys::parse(&signer.keys().to_string()).unwrap();
    // Every check of each, those too that no server comes to because one before it fails.
    let judge = |token: &str| {
        let checks = |it: Presented<'_>| it.is_for("x") | it.check_times(now).is_ok() | it.is_signed_with(&keys);
        std::hint::black_box(Presented::parse(std::hint::black_box(token)).is_ok_and(checks));
    };
    for token in &forged {
        judge(token);
        let asked = allocations::during(|| judge(token));
        println!("{asked:?} for {} bytes: {token:.80}", token.len());
        assert!(asked.times < 200, "{asked:?}: {token:.200}");
        assert!(asked.bytes < 50 * token.len(), "{asked:?} for {} bytes: {token:.200}", token.len());
    }
}
