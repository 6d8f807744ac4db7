//! What receivers are told: signed, in order, again until they answer, and never to where nobody meant it to go.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use muster::model::{CredentialKind, Destinations};
use serde_json::{Value, json};

use crate::administration::{administered, administrator, problem};
use crate::support::{Client, Database, Listener, Organization, Received, Server, user};

const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";
const SCIM: &str = "urn:ietf:params:scim:event:prov:";
const UNAVAILABLE: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

struct Fixture {
    server: Server,
    organization: Organization,
    admin: Client,
}

impl Fixture {
    fn new(database: &Database) -> Self {
        let (server, organization, admin) = administered(database);
        Self { server, organization, admin }
    }

    fn receiver(&self, body: &Value) -> Value {
        self.admin.post("/receivers", body).expect(201).json()
    }

    fn push(&self, listener: &Listener, events: &Value) -> Value {
        self.receiver(&json!({ "name": "ci", "method": "push", "url": listener.url, "events": events,
            "authorization": "Bearer hush" }))
    }

    fn person(&self, name: &str) -> String {
        self.organization.client.post("/Users", &user(name)).expect(201).id()
    }

    fn deactivate(&self, id: &str) {
        let operations = json!([{ "op": "replace", "path": "active", "value": false }]);
        self.organization.client.patch(&format!("/Users/{id}"), &operations).expect(200);
    }

    /// The claims of a token, verified against what is published.
    #[track_caller]
    fn verified(&self, received: &Received, audience: &str) -> Value {
        let header = decode_header(&received.body).unwrap();
        assert_eq!(header.typ.as_deref(), Some("secevent+jwt"));
        let client = Client { base: self.server.url.clone(), token: String::new() };
        let keys: JwkSet = serde_json::from_str(&client.get("/.well-known/jwks.json").expect(200).text).unwrap();
        let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_required_spec_claims(&["iss", "aud"]);
        validation.set_audience(&[audience]);
        validation.set_issuer(&[&self.server.url]);
        let claims: Value = decode(&received.body, &key, &validation).unwrap().claims;
        for forbidden in ["sub", "exp"] {
            assert!(claims.get(forbidden).is_none(), "{claims}");
        }
        assert_eq!(claims["events"].as_object().unwrap().len(), 1, "one event a token");
        claims
    }
}

fn event(claims: &Value) -> &str {
    claims["events"].as_object().unwrap().keys().next().unwrap()
}

on_both_databases! {
    fn a_leaver_is_told_in_tokens_that_verify_under_the_published_keys(database: &Database) {
        let (fixture, listener) = (Fixture::new(database), Listener::start());
        fixture.push(&listener, &json!(["session-revoked", "account-disabled", "scim-deactivated"]));
        let id = fixture.person("ann@example.com");
        fixture.deactivate(&id);
        let told: Vec<Received> = (0..3).map(|_| listener.next()).collect();
        for received in &told {
            assert_eq!(received.header("Content-Type"), "application/secevent+jwt");
            assert_eq!(received.header("Authorization"), "Bearer hush");
        }
        let claims: Vec<Value> = told.iter().map(|received| fixture.verified(received, &listener.url)).collect();
        let expected = [format!("{CAEP}session-revoked"), format!("{RISC}account-disabled"), format!("{SCIM}deactivate")];
        assert_eq!(claims.iter().map(event).collect::<Vec<_>>(), expected);
        assert_eq!(claims[0]["sub_id"], json!({ "format": "email", "email": "ann@example.com" }));
        assert_eq!(claims[2]["sub_id"]["uri"], format!("/Users/{id}"));
        let said = &claims[0]["events"][&expected[0]];
        assert!(!said["reason_admin"]["en"].as_str().unwrap().is_empty() && said["event_timestamp"].is_i64(), "{said}");
        assert!(claims.iter().all(|claim| claim["txn"] == claims[0]["txn"]), "one cause");
        assert!(claims[0]["jti"] != claims[1]["jti"]);
        let acknowledged = || fixture.server.administration().signals_of(fixture.organization.id, id.parse().unwrap());
        while !acknowledged().unwrap().iter().all(|signal| signal.outcome.as_deref() == Some("acknowledged")) {
            std::thread::yield_now();
        }
        for signal in acknowledged().unwrap() {
            assert!(signal.first_attempt_at <= signal.finished_at && signal.attempts == 1, "{signal:?}");
            assert!(signal.content.is_empty(), "what was told is kept no longer than needed");
        }
    }

    fn a_certificate_names_who_has_acknowledged_that_somebody_is_gone_and_who_has_not(database: &Database) {
        let (fixture, listener, silent) = (Fixture::new(database), Listener::start(), Listener::start());
        fixture.push(&listener, &json!(["session-revoked", "scim-patched"]));
        silent.answer(UNAVAILABLE);
        fixture.receiver(&json!({ "name": "deaf", "method": "push", "url": silent.url, "events": ["account-disabled"] }));
        let id = fixture.person("ann@example.com");
        fixture.deactivate(&id);
        let told = || {
            let text = fixture.admin.get(&format!("/users/{id}/leaver-certificate")).expect(200).text;
            let unconfirmed = muster::evidence::bundle::verify(&text, None).unwrap().unconfirmed;
            let told = serde_json::from_str::<Value>(&text).unwrap()["statement"]["content"]["told"].clone();
            (told.as_array().unwrap().clone(), unconfirmed)
        };
        silent.next();
        let (mut rows, mut unconfirmed) = told();
        while rows[0]["acknowledged"].is_null() || rows[1]["first_attempt"].is_null() {
            (rows, unconfirmed) = told();
        }
        assert_eq!((&rows[0]["receiver"], &rows[0]["event_type"]), (&json!("ci"), &json!(format!("{CAEP}session-revoked"))));
        assert_eq!((rows.len(), &rows[1]["receiver"], &rows[1]["acknowledged"]), (2, &json!("deaf"), &Value::Null));
        let missing = format!("receiver `deaf` has not acknowledged `{RISC}account-disabled`");
        assert_eq!(unconfirmed, [missing]);
        let first = fixture.verified(&listener.next(), &listener.url);
        assert_eq!(first["jti"], rows[0]["signal"]);
        silent.answer(crate::support::ACCEPTED);
        while !unconfirmed.is_empty() {
            unconfirmed = told().1;
        }
    }

    fn what_a_receiver_does_not_take_is_sent_again_in_order_and_under_the_same_name(database: &Database) {
        let (fixture, listener) = (Fixture::new(database), Listener::start());
        fixture.push(&listener, &json!(["session-revoked", "account-disabled"]));
        listener.answer(UNAVAILABLE);
        fixture.deactivate(&fixture.person("ann@example.com"));
        let first = fixture.verified(&listener.next(), &listener.url);
        listener.answer(crate::support::ACCEPTED);
        // Nothing else about her comes before it is taken.
        assert_eq!(fixture.verified(&listener.next(), &listener.url), first);
        let mut claims = fixture.verified(&listener.next(), &listener.url);
        while claims["jti"] == first["jti"] {
            assert_eq!(claims, first);
            claims = fixture.verified(&listener.next(), &listener.url);
        }
        assert_eq!(event(&first), format!("{CAEP}session-revoked"));
        assert_eq!(event(&claims), format!("{RISC}account-disabled"));
    }

    fn receivers_that_answer_nonsense_do_not_keep_others_waiting(database: &Database) {
        let (fixture, good) = (Fixture::new(database), Listener::start());
        let endless = format!("HTTP/1.1 202 Accepted\r\nContent-Length: 999999999\r\n\r\n{}", "x".repeat(100_000));
        let answers =
            ["HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "garbage\r\n\r\n", &endless];
        let bad: Vec<Listener> = answers.iter().map(|answer| { let bad = Listener::start(); bad.answer(answer); bad }).collect();
        for (number, bad) in bad.iter().enumerate() {
            fixture.receiver(&json!({ "name": format!("bad {number}"), "method": "push", "url": bad.url }));
        }
        fixture.push(&good, &json!(["session-revoked"]));
        fixture.deactivate(&fixture.person("ann@example.com"));
        fixture.verified(&good.next(), &good.url);
        for bad in &bad {
            bad.next();
        }
    }

    fn a_webhook_is_signed_with_the_key_it_was_given(database: &Database) {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        let (fixture, listener) = (Fixture::new(database), Listener::start());
        let made = fixture.receiver(&json!({ "name": "hook", "method": "webhook", "url": listener.url,
            "events": ["account-disabled"] }));
        fixture.deactivate(&fixture.person("ann@example.com"));
        let received = listener.next();
        let key = STANDARD.decode(made["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap()).unwrap();
        let signed = format!("{}.{}.{}", received.header("webhook-id"), received.header("webhook-timestamp"), received.body);
        let signature = STANDARD.decode(received.header("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
        aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &signature).unwrap();
        let body: Value = serde_json::from_str(&received.body).unwrap();
        assert_eq!(body["type"], "account-disabled");
    }

    fn what_waits_outlives_a_server_that_ends(database: &Database) {
        let (fixture, listener) = (Fixture::new(database), Listener::start());
        let made = fixture.push(&listener, &json!(["session-revoked"]));
        let path = format!("/receivers/{}", made["id"].as_str().unwrap());
        fixture.admin.send("PATCH", &path, &[], Some(r#"{"status":"paused"}"#)).expect(200);
        let told = fixture.verified(&listener.next(), &listener.url);
        assert!(event(&told).ends_with("stream-updated"), "that it is paused");
        fixture.deactivate(&fixture.person("ann@example.com"));
        let (id, Fixture { server, .. }) = (fixture.organization.id, fixture);
        drop(server);
        let server = Server::start(database);
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        assert!(listener.rest().is_empty(), "it is paused");
        let admin = administrator(&server, id, CredentialKind::Admin);
        admin.send("PATCH", &path, &[], Some(r#"{"status":"enabled"}"#)).expect(200);
        assert!(listener.next().body.starts_with("ey"));
    }

    fn an_address_is_not_changed_without_giving_the_secret_again(database: &Database) {
        let (fixture, listener, other) = (Fixture::new(database), Listener::start(), Listener::start());
        let made = fixture.push(&listener, &json!(["session-revoked"]));
        let path = format!("/receivers/{}", made["id"].as_str().unwrap());
        let change = |body: &Value| fixture.admin.send("PATCH", &path, &[], Some(&body.to_string()));
        problem(&change(&json!({ "url": other.url })), 400, "authorization again");
        let changed = change(&json!({ "url": other.url, "authorization": "Bearer new" })).expect(200);
        assert_eq!(changed.json()["url"], other.url);
        assert!(!changed.text.contains("hush") && !changed.text.contains("Bearer"), "secrets are not shown");
        fixture.deactivate(&fixture.person("ann@example.com"));
        assert_eq!(other.next().header("Authorization"), "Bearer new");
        assert!(listener.rest().is_empty());
    }

    fn no_receiver_is_made_that_could_not_be_told(database: &Database) {
        let fixture = Fixture::new(database);
        let listener = Listener::start();
        for (body, about) in [
            (json!({ "name": "a", "method": "push" }), "address"),
            (json!({ "name": "a", "method": "poll", "url": listener.url }), "fetches"),
            (json!({ "name": "a", "method": "smoke", "url": listener.url }), "method"),
            (json!({ "name": "a", "method": "push", "url": "http://10.0.0.1/" }), "public"),
            (json!({ "name": "a", "method": "push", "url": "ftp://example.com/" }), "URL"),
            (json!({ "name": "a", "method": "push", "url": listener.url, "events": ["x"] }), "event"),
            (json!({ "name": "a", "method": "push", "url": listener.url, "authorization": "a\nb" }), "line breaks"),
            (json!({ "name": "a", "method": "push", "url": listener.url, "more": 1 }), "more"),
        ] {
            problem(&fixture.admin.post("/receivers", &body), 400, about);
        }
        fixture.receiver(&json!({ "name": "a", "method": "push", "url": listener.url }));
        problem(&fixture.admin.post("/receivers", &json!({ "name": "A", "method": "push", "url": listener.url })), 409, "exists");
    }

    fn a_receiver_of_another_organization_is_told_nothing(database: &Database) {
        let (fixture, listener) = (Fixture::new(database), Listener::start());
        let other = fixture.server.organization("other");
        let admin = administrator(&fixture.server, other.id, CredentialKind::Admin);
        let made = admin.post("/receivers", &json!({ "name": "theirs", "method": "push", "url": listener.url })).expect(201);
        problem(&fixture.admin.get(&format!("/receivers/{}", made.id())), 404, "receiver");
        fixture.deactivate(&fixture.person("ann@example.com"));
        admin.send("POST", &format!("/receivers/{}/test", made.id()), &[], None).expect(204);
        let told = fixture.verified(&listener.next(), &listener.url);
        assert_eq!(event(&told), "https://schemas.openid.net/secevent/ssf/event-type/verification");
        assert_eq!(told["sub_id"], json!({ "format": "opaque", "id": made.id() }));
        assert!(listener.rest().is_empty());
    }

    fn a_stream_is_made_verified_fetched_and_deleted_as_the_specification_says(database: &Database) {
        let fixture = Fixture::new(database);
        let public = Client { base: fixture.server.url.clone(), token: String::new() };
        let configuration = public.get("/.well-known/ssf-configuration").expect(200).json();
        assert_eq!(configuration["spec_version"], "1_0");
        assert_eq!(configuration["issuer"], fixture.server.url);
        assert!(configuration["authorization_schemes"].as_array().unwrap().contains(&json!({ "spec_urn": "urn:ietf:rfc:6749" })));
        let ssf = Client { base: format!("{}/ssf", fixture.server.url),
            token: administrator(&fixture.server, fixture.organization.id, CredentialKind::Receiver).token };
        let made = ssf.post("/stream", &json!({
            "events_requested": [format!("{CAEP}session-revoked"), "urn:unheard-of"],
            "delivery": { "method": "urn:ietf:rfc:8936" },
            "description": "tests",
        })).expect(201).json();
        let id = made["stream_id"].as_str().unwrap().to_owned();
        assert_eq!(made["events_delivered"], json!([format!("{CAEP}session-revoked")]));
        assert_eq!(ssf.get(&format!("/stream?stream_id={id}")).expect(200).json(), made);
        assert_eq!(ssf.get("/stream").expect(200).json(), json!([made]));
        assert_eq!(ssf.get(&format!("/status?stream_id={id}")).expect(200).json()["status"], "enabled");
        let fetch = |body: &Value| ssf.post(&format!("/poll/{id}"), body).expect(200).json();
        let at_once = json!({ "returnImmediately": true });
        assert_eq!(fetch(&at_once), json!({ "sets": {}, "moreAvailable": false }));

        ssf.post("/verification", &json!({ "stream_id": id, "state": "shibboleth" })).expect(204);
        let sets = fetch(&at_once)["sets"].as_object().unwrap().clone();
        let (jti, token) = sets.iter().next().unwrap();
        let received = Received { headers: Vec::new(), body: token.as_str().unwrap().to_owned() };
        let claims = fixture.verified(&received, made["aud"].as_str().unwrap());
        assert_eq!(claims["jti"], json!(jti));
        assert_eq!(claims["sub_id"], json!({ "format": "opaque", "id": id }));
        let event = &claims["events"]["https://schemas.openid.net/secevent/ssf/event-type/verification"];
        assert_eq!(event["state"], "shibboleth");
        assert_eq!(fetch(&at_once)["sets"].as_object().unwrap().len(), 1, "it is handed out until it is acknowledged");
        assert_eq!(fetch(&json!({ "returnImmediately": true, "ack": [jti] }))["sets"], json!({}));

        ssf.post("/status", &json!({ "stream_id": id, "status": "paused", "reason": "lunch" })).expect(200);
        fixture.deactivate(&fixture.person("ann@example.com"));
        assert_eq!(fetch(&at_once)["sets"], json!({}), "what happens is kept");
        ssf.post("/status", &json!({ "stream_id": id, "status": "enabled" })).expect(200);
        assert_eq!(fetch(&at_once)["sets"].as_object().unwrap().len(), 1);
        let refused = fetch(&at_once)["sets"].as_object().unwrap().keys().next().unwrap().clone();
        let body = json!({ "maxEvents": 0, "setErrs": { (refused.as_str()): { "err": "invalid_request", "description": "no" } } });
        assert_eq!(fetch(&body)["sets"], json!({}));
        assert_eq!(fetch(&at_once)["sets"], json!({}));

        ssf.delete(&format!("/stream?stream_id={id}")).expect(204);
        ssf.get(&format!("/stream?stream_id={id}")).expect(404);
        ssf.post(&format!("/poll/{id}"), &at_once).expect(404);
    }

    fn a_stream_is_seen_by_the_credential_that_made_it_and_by_no_other(database: &Database) {
        let fixture = Fixture::new(database);
        let with = |kind| Client { base: format!("{}/ssf", fixture.server.url),
            token: administrator(&fixture.server, fixture.organization.id, kind).token };
        let (owner, stranger) = (with(CredentialKind::Receiver), with(CredentialKind::Receiver));
        let id = owner.post("/stream", &json!({})).expect(201).json()["stream_id"].as_str().unwrap().to_owned();
        assert_eq!(stranger.get("/stream").expect(200).json(), json!([]));
        stranger.get(&format!("/stream?stream_id={id}")).expect(404);
        stranger.get(&format!("/status?stream_id={id}")).expect(404);
        stranger.delete(&format!("/stream?stream_id={id}")).expect(404);
        stranger.post("/status", &json!({ "stream_id": id, "status": "disabled" })).expect(404);
        stranger.post("/verification", &json!({ "stream_id": id })).expect(404);
        stranger.post(&format!("/poll/{id}"), &json!({ "returnImmediately": true })).expect(404);
        for kind in [CredentialKind::Admin, CredentialKind::Auditor, CredentialKind::Pep] {
            let refused = with(kind).get("/stream").expect(401);
            assert!(refused.header("WWW-Authenticate").starts_with("Bearer"));
        }
        for (path, body) in [
            ("/stream", json!({ "delivery": "push" })),
            ("/stream", json!({ "delivery": { "method": "urn:ietf:rfc:8935" } })),
            ("/stream", json!({ "delivery": { "method": "urn:ietf:rfc:8935", "endpoint_url": "http://10.0.0.1/" } })),
            ("/stream", json!({ "events_requested": ["urn:unheard-of"] })),
            ("/stream", json!({ "events_requested": 7 })),
            ("/status", json!({ "stream_id": id, "status": "asleep" })),
            ("/status", json!({ "status": "enabled" })),
        ] {
            owner.post(path, &body).expect(400);
        }
        owner.post(&format!("/poll/{id}"), &json!({ "ack": 7 })).expect(400);
        owner.send("PUT", "/verification", &[], Some("{}")).expect(405);
        owner.get("/nothing").expect(404);
    }
}
