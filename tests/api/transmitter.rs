//! The transmitter steps of the OpenID conformance plan for the Shared Signals Framework 1.0, each as a test: metadata, control
//! of streams with its refusals, status, subjects, verification, fetching (RFC 8936), pushing (RFC 8935).

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::administration::administered;
use crate::support::{Answer, Client, Database, Listener, Organization, Server, user};

const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";
const POLL: &str = "urn:ietf:rfc:8936";
const PUSH: &str = "urn:ietf:rfc:8935";
const UNKNOWN: &str = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";

struct Fixture {
    server: Server,
    organization: Organization,
    admin: Client,
    /// Bears an access token of both scopes.
    ssf: Client,
    client: Value,
}

impl Fixture {
    fn new(database: &Database) -> Self {
        let (server, organization, admin) = administered(database);
        let client = admin.post("/clients", &json!({ "kind": "receiver" })).expect(201).json();
        let mut fixture = Self {
            ssf: Client { base: format!("{}/ssf", server.url), token: String::new() },
            server,
            organization,
            admin,
            client,
        };
        fixture.ssf.token = fixture.token("ssf.manage ssf.read");
        fixture
    }

    fn public(&self) -> Client {
        Client { base: self.server.url.clone(), token: String::new() }
    }

    fn token(&self, scope: &str) -> String {
        use base64::Engine as _;
        let part = |name: &str| {
            url::form_urlencoded::byte_serialize(self.client[name].as_str().unwrap().as_bytes()).collect::<String>()
        };
        let basic = base64::engine::general_purpose::STANDARD.encode(format!(
            "{}:{}",
            part("client_id"),
            part("client_secret")
        ));
        let body = Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("scope", scope)
            .finish();
        let headers =
            [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", &format!("Basic {basic}"))];
        let answer = self.public().send("POST", "/oauth2/token", &headers, Some(&body)).expect(200).json();
        assert!(answer["expires_in"].as_i64().unwrap() <= 3_600, "CAEP interoperability profile: short-lived");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    fn bearing(&self, token: &str) -> Client {
        Client { base: self.ssf.base.clone(), token: token.to_owned() }
    }

    fn stream(&self, body: &Value) -> Value {
        self.ssf.post("/stream", body).expect(201).json()
    }

    fn polled(&self) -> String {
        let made = self.stream(&json!({ "events_requested": [REVOKED, DISABLED], "delivery": { "method": POLL } }));
        made["stream_id"].as_str().unwrap().to_owned()
    }

    fn poll(&self, stream: &str, body: &Value) -> Answer {
        self.ssf.post(&format!("/poll/{stream}"), body)
    }

    /// The tokens that wait, by their name.
    fn sets(&self, stream: &str) -> Vec<(String, String)> {
        let sets = self.poll(stream, &json!({ "returnImmediately": true })).expect(200).json()["sets"].clone();
        sets.as_object().unwrap().iter().map(|(jti, token)| (jti.clone(), token.as_str().unwrap().to_owned())).collect()
    }

    fn leaver(&self, name: &str) -> String {
        let client = &self.organization.client;
        let id = client.post("/Users", &user(name)).expect(201).id();
        client
            .patch(&format!("/Users/{id}"), &json!([{ "op": "replace", "path": "active", "value": false }]))
            .expect(200);
        id
    }

    /// The claims of a security event token (SSF 1.0 §4.1, RFC 8417), verified under the published keys.
    #[track_caller]
    fn verified(&self, token: &str, audience: &Value) -> Value {
        let header = decode_header(token).unwrap();
        assert_eq!(header.typ.as_deref(), Some("secevent+jwt"));
        let keys: JwkSet = serde_json::from_str(&self.public().get("/.well-known/jwks.json").expect(200).text).unwrap();
        let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_required_spec_claims(&["iss", "aud"]);
        validation.set_audience(&[audience.as_str().unwrap()]);
        validation.set_issuer(&[&self.server.url]);
        let claims: Value = decode(token, &key, &validation).unwrap().claims;
        assert!(claims.get("sub").is_none() && claims.get("exp").is_none(), "{claims}");
        assert!(claims["iat"].is_i64() && claims["jti"].is_string() && claims["txn"].is_string(), "{claims}");
        assert!(claims["sub_id"]["format"].is_string());
        assert_eq!(claims["events"].as_object().unwrap().len(), 1);
        claims
    }
}

#[track_caller]
fn challenged(answer: Answer, status: u16, error: &str) {
    let challenge = answer.expect(status).header("WWW-Authenticate").to_owned();
    assert!(challenge.starts_with("Bearer") && challenge.contains(&format!("error=\"{error}\"")), "{challenge}");
}

on_both_databases! {
    fn the_metadata_is_found_and_complete(database: &Database) {
        let fixture = Fixture::new(database);
        let answer = fixture.public().get("/.well-known/ssf-configuration").expect(200);
        assert!(answer.header("Content-Type").starts_with("application/json"));
        let metadata = answer.json();
        assert_eq!((&metadata["issuer"], &metadata["spec_version"]), (&json!(fixture.server.url), &json!("1_0")));
        for endpoint in ["jwks_uri", "configuration_endpoint", "status_endpoint", "add_subject_endpoint", "remove_subject_endpoint", "verification_endpoint"] {
            let url: url::Url = metadata[endpoint].as_str().unwrap().parse().unwrap();
            assert!(url.as_str().starts_with(&fixture.server.url) && url.query().is_none() && url.fragment().is_none(), "{url}");
        }
        assert_eq!(metadata["delivery_methods_supported"], json!([PUSH, POLL]));
        assert!(["ALL", "NONE"].contains(&metadata["default_subjects"].as_str().unwrap()));
        let schemes = metadata["authorization_schemes"].as_array().unwrap();
        assert!(schemes.iter().all(|scheme| scheme["spec_urn"].as_str().unwrap().starts_with("urn:ietf:rfc:")));
        let keys: JwkSet = serde_json::from_str(&fixture.public().get("/.well-known/jwks.json").expect(200).text).unwrap();
        assert!(keys.keys.iter().all(|key| key.common.key_id.is_some()));
        fixture.public().get("/.well-known/ssf-configuration/tenant").expect(404);
    }

    fn a_stream_is_created_read_changed_replaced_and_deleted(database: &Database) {
        let fixture = Fixture::new(database);
        assert_eq!(fixture.ssf.get("/stream").expect(200).json(), json!([]));
        let made = fixture.stream(&json!({ "events_requested": [REVOKED, "urn:nobody:knows"], "delivery": { "method": POLL }, "description": "first" }));
        let id = made["stream_id"].as_str().unwrap().to_owned();
        assert_eq!((&made["iss"], &made["description"], &made["events_delivered"]), (&json!(fixture.server.url), &json!("first"), &json!([REVOKED])));
        assert!(made["aud"].is_string() && made["events_supported"].as_array().unwrap().contains(&json!(DISABLED)));
        assert_eq!(made["delivery"], json!({ "method": POLL, "endpoint_url": format!("{}/ssf/poll/{id}", fixture.server.url) }));
        let read = fixture.ssf.get(&format!("/stream?stream_id={id}")).expect(200);
        assert_eq!((read.json(), read.header("Cache-Control")), (made.clone(), "no-store"));
        assert_eq!(fixture.ssf.get("/stream").expect(200).json(), json!([made]));
        // What is left out stays.
        let patch = |body: Value| fixture.ssf.send("PATCH", "/stream", &[], Some(&body.to_string()));
        let changed = patch(json!({ "stream_id": id, "description": "second" })).expect(200).json();
        assert_eq!((&changed["description"], &changed["events_delivered"]), (&json!("second"), &json!([REVOKED])));
        let changed = patch(json!({ "stream_id": id, "events_requested": [DISABLED] })).expect(200).json();
        assert_eq!((&changed["description"], &changed["events_delivered"]), (&json!("second"), &json!([DISABLED])));
        // The whole of what was read, with one thing different.
        let mut whole = changed.clone();
        whole["events_requested"] = json!([REVOKED, DISABLED]);
        let replaced = fixture.ssf.put("/stream", &whole).expect(200).json();
        assert_eq!(replaced["events_delivered"].as_array().unwrap().len(), 2);
        assert_eq!(replaced["description"], "second");
        let replaced = fixture.ssf.put("/stream", &json!({ "stream_id": id, "events_requested": [REVOKED] })).expect(200).json();
        assert_eq!((&replaced["description"], &replaced["aud"]), (&json!("stream"), &made["aud"]));
        fixture.ssf.delete(&format!("/stream?stream_id={id}")).expect(204);
        fixture.ssf.get(&format!("/stream?stream_id={id}")).expect(404);
        fixture.ssf.delete(&format!("/stream?stream_id={id}")).expect(404);
    }

    fn a_second_stream_has_an_id_and_an_address_of_its_own(database: &Database) {
        let fixture = Fixture::new(database);
        let body = json!({ "events_requested": [REVOKED], "delivery": { "method": POLL } });
        let (one, other) = (fixture.stream(&body), fixture.stream(&body));
        assert!(one["stream_id"] != other["stream_id"] && one["delivery"]["endpoint_url"] != other["delivery"]["endpoint_url"]);
        assert_eq!(fixture.ssf.get("/stream").expect(200).json().as_array().unwrap().len(), 2);
        let without = fixture.stream(&json!({ "events_requested": [REVOKED] }));
        assert_eq!(without["delivery"]["method"], POLL, "without a word it is fetched");
    }

    fn what_is_no_stream_is_refused(database: &Database) {
        let fixture = Fixture::new(database);
        let id = fixture.polled();
        for method in ["POST", "PUT", "PATCH"] {
            for body in ["", "{", "[]", "{\"delivery\":", "\"x\"", "nonsense"] {
                fixture.ssf.send(method, "/stream", &[], Some(body)).expect(400);
            }
        }
        fixture.ssf.post("/stream", &json!({ "delivery": { "method": "urn:nobody:knows" } })).expect(400);
        fixture.ssf.post("/stream", &json!({ "events_requested": "all" })).expect(400);
        for wrong in [
            json!({ "iss": "https://elsewhere.example" }), json!({ "aud": "https://elsewhere.example" }), json!({ "events_delivered": [] }),
            json!({ "events_supported": ["urn:x"] }), json!({ "events_requested": 7 }), json!({ "description": 7 }),
            json!({ "delivery": { "method": PUSH, "endpoint_url": "https://example.com/" } }),
        ] {
            let mut body = wrong.clone();
            body["stream_id"] = json!(id);
            for method in ["PUT", "PATCH"] {
                let answer = fixture.ssf.send(method, "/stream", &[], Some(&body.to_string()));
                assert_eq!(answer.status, 400, "{method} {wrong}");
            }
        }
        fixture.ssf.send("PATCH", "/stream", &[], Some("{}")).expect(400);
        assert_eq!(fixture.ssf.get(&format!("/stream?stream_id={id}")).expect(200).json()["events_delivered"].as_array().unwrap().len(), 2);
    }

    fn a_stream_nobody_has_made_is_not_found(database: &Database) {
        let fixture = Fixture::new(database);
        for id in [UNKNOWN, "no-id", "../../etc/passwd"] {
            let query = Serializer::new(String::new()).append_pair("stream_id", id).finish();
            let body = json!({ "stream_id": id, "status": "paused", "subject": { "format": "email", "email": "ann@example.com" } });
            let answers = [
                fixture.ssf.get(&format!("/stream?{query}")),
                fixture.ssf.delete(&format!("/stream?{query}")),
                fixture.ssf.get(&format!("/status?{query}")),
                fixture.ssf.send("PATCH", "/stream", &[], Some(&body.to_string())),
                fixture.ssf.put("/stream", &body),
                fixture.ssf.post("/status", &body),
                fixture.ssf.post("/verification", &body),
                fixture.ssf.post("/subjects:add", &body),
                fixture.ssf.post("/subjects:remove", &body),
            ];
            for (at, answer) in answers.iter().enumerate() {
                assert_eq!(answer.status, 404, "{id} {at}");
            }
        }
        fixture.poll(UNKNOWN, &json!({ "returnImmediately": true })).expect(404);
    }

    fn nobody_is_let_in_without_a_token_that_is_good_for_it(database: &Database) {
        let fixture = Fixture::new(database);
        let id = fixture.polled();
        let body = json!({ "stream_id": id, "status": "paused", "subject": { "format": "email", "email": "ann@example.com" } });
        let everything = |client: &Client| vec![
            ("read", client.get(&format!("/stream?stream_id={id}"))),
            ("status", client.get(&format!("/status?stream_id={id}"))),
            ("poll", client.post(&format!("/poll/{id}"), &json!({ "returnImmediately": true }))),
            ("create", client.post("/stream", &json!({}))),
            ("update", client.send("PATCH", "/stream", &[], Some(&body.to_string()))),
            ("replace", client.put("/stream", &body)),
            ("change status", client.post("/status", &body)),
            ("verify", client.post("/verification", &body)),
            ("add", client.post("/subjects:add", &body)),
            ("remove", client.post("/subjects:remove", &body)),
            ("delete", client.delete(&format!("/stream?stream_id={id}"))),
        ];
        for (what, answer) in everything(&fixture.bearing("nonsense")) {
            assert_eq!(answer.status, 401, "{what}");
            challenged(answer, 401, "invalid_token");
        }
        let mut stale = fixture.ssf.token.clone();
        stale.replace_range(stale.len() - 4.., "AAAA");
        challenged(fixture.bearing(&stale).get("/stream"), 401, "invalid_token");
        // Without a token nothing is said of one, and one in the query is none.
        for path in ["/ssf/stream".to_owned(), format!("/ssf/stream?access_token={}", fixture.ssf.token)] {
            let answer = fixture.public().send("GET", &path, &[("Authorization", "")], None).expect(401);
            assert_eq!(answer.header("WWW-Authenticate"), "Bearer realm=\"muster\"");
        }
        for (at, (what, answer)) in everything(&fixture.bearing(&fixture.token("ssf.read"))).into_iter().enumerate() {
            if at < 3 {
                assert_eq!(answer.status, 200, "{what}");
            } else {
                assert_eq!(answer.status, 403, "{what}");
                challenged(answer, 403, "insufficient_scope");
            }
        }
    }

    fn the_status_of_a_stream_is_read_and_changed_and_holds_what_happens(database: &Database) {
        let fixture = Fixture::new(database);
        let id = fixture.polled();
        let change = |status: &str| fixture.ssf.post("/status", &json!({ "stream_id": id, "status": status, "reason": "because" })).expect(200).json();
        let read = || fixture.ssf.get(&format!("/status?stream_id={id}")).expect(200).json();
        assert_eq!(read(), json!({ "stream_id": id, "status": "enabled" }));
        assert_eq!(change("paused"), json!({ "stream_id": id, "status": "paused", "reason": "because" }));
        assert_eq!(read(), json!({ "stream_id": id, "status": "paused", "reason": "because" }));
        fixture.leaver("held@example.com");
        assert!(fixture.sets(&id).is_empty(), "a paused stream holds events");
        change("enabled");
        let held = fixture.sets(&id);
        assert_eq!(held.len(), 2);
        let names: Vec<&String> = held.iter().map(|(jti, _)| jti).collect();
        fixture.poll(&id, &json!({ "maxEvents": 0, "ack": names })).expect(200);
        change("disabled");
        fixture.leaver("dropped@example.com");
        change("enabled");
        assert!(fixture.sets(&id).is_empty(), "a disabled stream drops events");
        for wrong in [json!({ "stream_id": id }), json!({ "stream_id": id, "status": "off" }), json!({ "stream_id": id, "status": 7 })] {
            fixture.ssf.post("/status", &wrong).expect(400);
        }
    }

    fn subjects_are_added_and_removed(database: &Database) {
        let fixture = Fixture::new(database);
        let id = fixture.polled();
        fixture.organization.client.create_user("ann@example.com");
        let body = json!({ "stream_id": id, "subject": { "format": "email", "email": "ann@example.com" }, "verified": true });
        let added = fixture.ssf.post("/subjects:add", &body).expect(200);
        let removed = fixture.ssf.post("/subjects:remove", &body).expect(204);
        assert!(added.text.is_empty() && removed.text.is_empty());
        for wrong in [json!({ "stream_id": id }), json!({ "stream_id": id, "subject": "ann" }), json!({ "stream_id": id, "subject": body["subject"], "verified": 1 })] {
            fixture.ssf.post("/subjects:add", &wrong).expect(400);
        }
    }

    fn a_stream_that_is_fetched_is_verified_acknowledged_and_refused(database: &Database) {
        let fixture = Fixture::new(database);
        let id = fixture.polled();
        let made = fixture.ssf.get(&format!("/stream?stream_id={id}")).expect(200).json();
        let verify = |body: Value| fixture.ssf.post("/verification", &body);
        assert!(verify(json!({ "stream_id": id, "state": "shibboleth" })).expect(204).text.is_empty());
        let sets = fixture.sets(&id);
        let claims = fixture.verified(&sets[0].1, &made["aud"]);
        assert_eq!((&claims["events"][VERIFICATION]["state"], &claims["sub_id"]), (&json!("shibboleth"), &json!({ "format": "opaque", "id": id })));
        assert_eq!((sets.len(), &claims["jti"]), (1, &json!(sets[0].0)));
        assert_eq!(fixture.sets(&id), sets, "it is handed out until it is acknowledged, the same");
        // Acknowledging alone, again, and what was never handed out.
        for ack in [json!([sets[0].0]), json!([sets[0].0]), json!([UNKNOWN, "no-id"])] {
            assert_eq!(fixture.poll(&id, &json!({ "maxEvents": 0, "ack": ack })).expect(200).json(), json!({ "sets": {}, "moreAvailable": false }));
        }
        assert!(fixture.sets(&id).is_empty());
        // Fetching and acknowledging in one request.
        verify(json!({ "stream_id": id, "state": "one" })).expect(204);
        let one = fixture.sets(&id).remove(0).0;
        verify(json!({ "stream_id": id })).expect(204);
        let next = fixture.poll(&id, &json!({ "returnImmediately": true, "ack": [one] })).expect(200).json();
        let (two, token) = next["sets"].as_object().unwrap().iter().next().unwrap();
        assert!(fixture.verified(token.as_str().unwrap(), &made["aud"])["events"][VERIFICATION].get("state").is_none());
        // An error is an answer: it is not handed out again.
        let errors = json!({ (two.as_str()): { "err": "invalid_state", "description": "not what was asked for" } });
        let headers = [("Content-Language", "en-GB")];
        let body = json!({ "maxEvents": 0, "setErrs": errors }).to_string();
        assert_eq!(fixture.ssf.send("POST", &format!("/poll/{id}"), &headers, Some(&body)).expect(200).json()["sets"], json!({}));
        assert!(fixture.sets(&id).is_empty());
        for wrong in [json!({ "stream_id": id, "state": 7 }), json!({ "state": "x" }), json!({ "stream_id": 7 })] {
            verify(wrong).expect(400);
        }
        for wrong in [json!({ "ack": 7 }), json!({ "ack": [7] }), json!({ "maxEvents": -1 }), json!({ "maxEvents": "all" }), json!({ "setErrs": [] }),
            json!({ "setErrs": { "x": 7 } }), json!({ "returnImmediately": "yes" })] {
            let answer = fixture.poll(&id, &wrong);
            assert_eq!(answer.status, 400, "{wrong}");
        }
    }

    fn a_fetch_takes_as_many_as_it_asks_for_and_says_whether_there_are_more(database: &Database) {
        let fixture = Fixture::new(database);
        let id = fixture.polled();
        for number in 0..3 {
            fixture.leaver(&format!("leaver{number}@example.com"));
        }
        let fetch = |most: i64, ack: &Value| {
            let answer = fixture.poll(&id, &json!({ "returnImmediately": true, "maxEvents": most, "ack": ack })).expect(200).json();
            let names: Vec<Value> = answer["sets"].as_object().unwrap().keys().map(|jti| json!(jti)).collect();
            (names, answer["moreAvailable"].as_bool().unwrap())
        };
        assert_eq!(fetch(0, &json!([])), (Vec::new(), true), "none are asked for, and there are some");
        let (first, more) = fetch(4, &json!([]));
        assert_eq!((first.len(), more), (4, true));
        let (again, _) = fetch(4, &json!([]));
        assert_eq!(again, first, "the same until they are acknowledged");
        let (rest, more) = fetch(4, &json!(first));
        assert_eq!((rest.len(), more), (2, false));
        assert_eq!(fetch(0, &json!(rest)), (Vec::new(), false));
    }

    fn a_fetch_waits_for_what_happens_until_its_token_is_revoked(database: &Database) {
        let fixture = Fixture::new(database);
        let id = fixture.polled();
        let waited = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| fixture.poll(&id, &json!({})).expect(200).json());
            fixture.leaver("ann@example.com");
            waiting.join().unwrap()
        });
        assert!(!waited["sets"].as_object().unwrap().is_empty());
        let names: Vec<&String> = waited["sets"].as_object().unwrap().keys().collect();
        let rest: Vec<String> = fixture.sets(&id).into_iter().map(|(jti, _)| jti).collect();
        fixture.poll(&id, &json!({ "maxEvents": 0, "ack": names })).expect(200);
        fixture.poll(&id, &json!({ "maxEvents": 0, "ack": rest })).expect(200);
        let cut = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| fixture.poll(&id, &json!({})));
            fixture.admin.delete(&format!("/credentials/{}", fixture.client["credential"].as_str().unwrap())).expect(204);
            waiting.join().unwrap()
        });
        assert_eq!(cut.status, 401, "nothing is handed out for a token that is no good any more");
    }

    fn a_stream_that_is_sent_is_verified_with_and_without_an_authorization_of_its_own(database: &Database) {
        let fixture = Fixture::new(database);
        for authorization in [Some("Bearer of the receiver"), None] {
            let listener = Listener::start();
            let mut delivery = json!({ "method": PUSH, "endpoint_url": listener.url });
            if let Some(authorization) = authorization {
                delivery["authorization_header"] = json!(authorization);
            }
            let made = fixture.stream(&json!({ "events_requested": [REVOKED], "delivery": delivery }));
            assert!(made["delivery"].get("authorization_header").is_none(), "what authorizes is not shown");
            let id = made["stream_id"].as_str().unwrap();
            fixture.ssf.post("/verification", &json!({ "stream_id": id, "state": "pushed" })).expect(204);
            let received = listener.next();
            assert_eq!((received.header("Content-Type"), received.header("Accept")), ("application/secevent+jwt", "application/json"));
            assert_eq!(received.header("Authorization"), authorization.unwrap_or_default());
            let claims = fixture.verified(&received.body, &made["aud"]);
            assert_eq!((&claims["events"][VERIFICATION]["state"], &claims["sub_id"]["id"]), (&json!("pushed"), &json!(id)));
            let leaver = fixture.leaver(&format!("{}@example.com", id.rsplit('-').next().unwrap()));
            let claims = fixture.verified(&listener.next().body, &made["aud"]);
            let said = &claims["events"][REVOKED];
            assert!(said["event_timestamp"].is_i64() && said["reason_admin"]["en"].is_string() && said["initiating_entity"] == "admin", "{said}");
            assert_eq!(claims["sub_id"]["format"], "email", "{leaver}");
            fixture.poll(id, &json!({ "returnImmediately": true })).expect(404);
            fixture.ssf.delete(&format!("/stream?stream_id={id}")).expect(204);
        }
        fixture.ssf.post("/stream", &json!({ "delivery": { "method": PUSH } })).expect(400);
        fixture.ssf.post("/stream", &json!({ "delivery": { "method": PUSH, "endpoint_url": "http://10.0.0.1/" } })).expect(400);
    }
}
