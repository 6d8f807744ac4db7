//! Access tokens for clients: granted for a secret or a signature, good for what was granted, and no longer than the
//! client.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster::live::Algorithm;
use muster::service::Services;
use muster::service::oauth::{ClientProof, grant};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::administration::{administered, problem};
use crate::console::services;
use crate::support::rows::number;
use crate::support::{
    Answer, Backend, Client, Database, FarSide, Organization, Program, Server, Signer, in_parallel, spoilt,
};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

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

    fn connection(&self) -> String {
        self.admin.get("/connections").expect(200).json()["items"][0]["id"].as_str().unwrap().to_owned()
    }

    fn register(&self, body: &Value) -> Value {
        self.admin.post("/clients", body).expect(201).json()
    }

    fn of_kind(&self, kind: &str) -> Value {
        let mut body = json!({ "kind": kind });
        if kind == "scim" {
            body["connection"] = json!(self.connection());
        }
        self.register(&body)
    }

    fn ask(&self, authorization: &str, form: &[(&str, &str)]) -> Answer {
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let client = Client { base: self.server.url.clone(), token: String::new() };
        client.send("POST", "/oauth2/token", &[FORM, ("Authorization", authorization)], Some(&body))
    }

    fn grant(&self, client: &Value, scope: Option<&str>) -> String {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(scope.map(|scope| ("scope", scope)));
        let answer = self.ask(&basic(client), &form).expect(200);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    fn with(&self, token: &str) -> Client {
        Client { base: self.server.url.clone(), token: token.to_owned() }
    }

    fn now(&self) -> i64 {
        self.server.clock.now().as_micros() / 1_000_000
    }

    fn assertion(&self, client: &Value) -> Value {
        let id = &client["client_id"];
        json!({ "iss": id, "sub": id, "aud": format!("{}/oauth2/token", self.server.url), "jti": "once",
            "iat": self.now(), "exp": self.now() + 300 })
    }

    fn assert(&self, assertion: &str) -> Answer {
        self.ask(
            "",
            &[
                ("grant_type", "client_credentials"),
                ("client_assertion_type", ASSERTION),
                ("client_assertion", assertion),
            ],
        )
    }
}

pub fn basic(client: &Value) -> String {
    let encoded = |name: &str| form_encoded(client[name].as_str().unwrap());
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encoded("client_id"), encoded("client_secret"))))
}

fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Everything that takes a bearer token.
fn surfaces(client: &Client) -> [Answer; 6] {
    let question = json!({ "subject": { "type": "user", "id": "ann" }, "action": { "name": "deploy:run" },
        "resource": { "type": "organization", "id": "/" } });
    [
        client.get("/scim/v2/Users"),
        client.post("/access/v1/evaluation", &question),
        client.get("/ssf/stream"),
        client.post("/ssf/stream", &json!({ "delivery": { "method": "urn:ietf:rfc:8936" } })),
        client.get("/api/v1/users"),
        client.post("/access/v1/search/subject", &question),
    ]
}

fn admitted(client: &Client) -> Vec<bool> {
    surfaces(client).iter().map(|answer| !matches!(answer.status, 401 | 403)).collect()
}

on_both_databases! {
    fn a_client_is_granted_a_token_for_what_it_is_good_for_and_no_more(database: &Database) {
        let fixture = Fixture::new(database);
        for (kind, scopes, expected) in [
            ("scim", json!(["scim"]), [true, false, false, false, false, false]),
            ("pep", json!(["access.evaluate"]), [false, true, false, false, false, true]),
            ("receiver", json!(["ssf.manage", "ssf.read"]), [false, false, true, true, false, false]),
        ] {
            let client = fixture.of_kind(kind);
            assert_eq!(client["scopes"], scopes);
            let token = fixture.grant(&client, None);
            assert_eq!(admitted(&fixture.with(&token)), expected, "{kind}");
            fixture.admin.delete(&format!("/credentials/{}", client["credential"].as_str().unwrap())).expect(204);
            assert_eq!(admitted(&fixture.with(&token)), [false; 6], "revoked with its client");
            assert_eq!(fixture.ask(&basic(&client), &[("grant_type", "client_credentials")]).expect(401).json()["error"], "invalid_client");
        }
        let receiver = fixture.of_kind("receiver");
        let reads = fixture.with(&fixture.grant(&receiver, Some("ssf.read")));
        assert_eq!(admitted(&reads), [false, false, true, false, false, false]);
        let manages = fixture.with(&fixture.grant(&receiver, Some("ssf.manage ssf.read")));
        let stream = manages.post("/ssf/stream", &json!({})).expect(201).json();
        assert_eq!(reads.get("/ssf/stream").expect(200).json(), json!([stream]), "of one client, whichever token it bears");
    }

    fn a_token_says_what_it_is_and_ends(database: &Database) {
        let fixture = Fixture::new(database);
        let answer = fixture.ask(&basic(&fixture.of_kind("pep")), &[("grant_type", "client_credentials")]).expect(200);
        assert_eq!(answer.header("Cache-Control"), "no-store");
        let granted = answer.json();
        assert_eq!((&granted["token_type"], &granted["scope"]), (&json!("Bearer"), &json!("access.evaluate")));
        assert_eq!(granted["expires_in"], 3600);
        let token = granted["access_token"].as_str().unwrap();
        let part = |at: usize| -> Value {
            let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap();
            serde_json::from_slice(&text).unwrap()
        };
        assert_eq!(part(0)["typ"], "at+jwt");
        assert_eq!(part(1)["exp"].as_i64().unwrap() - part(1)["iat"].as_i64().unwrap(), 3600);
        for shortened in [token.strip_suffix(|_: char| true).unwrap(), token.strip_prefix("e").unwrap(), &format!("{token}A"), &token.to_uppercase()] {
            assert_eq!(admitted(&fixture.with(shortened)), [false; 6]);
        }
        // Whatever these keys have signed for something else is no access token.
        let keys = fixture.server.live.signing_keys().unwrap();
        let pair = keys.current(Algorithm::Es256, fixture.server.clock.now()).unwrap();
        let signed = |kind: &str, name: &str, value: Value| {
            let mut claims = part(1);
            claims[name] = value;
            fixture.with(&pair.sign(kind, &claims.to_string()).unwrap())
        };
        assert_eq!(admitted(&signed("at+jwt", "jti", json!("another"))), admitted(&fixture.with(token)));
        let ours = fixture.server.url.as_str();
        for (kind, name, value) in [
            ("JWT", "jti", json!("another")),
            ("secevent+jwt", "jti", json!("another")),
            ("at+jwt", "aud", json!("https://other.example")),
            ("at+jwt", "aud", json!([ours, "https://other.example"])),
            ("at+jwt", "aud", Value::Null),
            ("at+jwt", "exp", json!(fixture.now() - 1)),
            ("at+jwt", "exp", Value::Null),
            ("at+jwt", "nbf", json!(fixture.now() + 3_600)),
            ("at+jwt", "iss", json!("https://other.example")),
            ("at+jwt", "sub", Value::Null),
            ("at+jwt", "scope", Value::Null),
        ] {
            assert_eq!(admitted(&signed(kind, name, value.clone())), [false; 6], "{kind} {name} {value}");
        }
        let receiver = fixture.with(&fixture.grant(&fixture.of_kind("receiver"), None));
        let stream = receiver.post("/ssf/stream", &json!({})).expect(201).json()["stream_id"].as_str().unwrap().to_owned();
        receiver.post("/ssf/verification", &json!({ "stream_id": stream })).expect(204);
        let sets = receiver.post(&format!("/ssf/poll/{stream}"), &json!({ "returnImmediately": true })).expect(200).json()["sets"].clone();
        let event = sets.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        assert_eq!(admitted(&fixture.with(&event)), [false; 6]);
    }

    fn a_client_that_signs_proves_who_it_is_once(database: &Database) {
        let (fixture, signer) = (Fixture::new(database), Signer::new("k1"));
        let client = fixture.register(&json!({ "kind": "receiver", "keys": signer.keys() }));
        assert_eq!(client["client_secret"], Value::Null);
        let assertion = signer.sign(&fixture.assertion(&client));
        let answers = in_parallel(8, 16, |_| fixture.assert(&assertion).status);
        assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|status| matches!(status, 200 | 401)), "{answers:?}");
        let mut again = fixture.assertion(&client);
        again["jti"] = json!("twice");
        again["aud"] = json!(fixture.server.url);
        let token = fixture.assert(&signer.sign(&again)).expect(200).json()["access_token"].as_str().unwrap().to_owned();
        fixture.with(&token).get("/ssf/stream").expect(200);
        let listed = fixture.admin.get("/clients").expect(200).json()["items"].clone();
        assert_eq!(listed[0]["client_id"], client["client_id"]);
    }

    fn what_proves_a_client_is_good_once_whichever_server_it_is_shown(database: &Database) {
        let (fixture, signer) = (Fixture::new(database), Signer::new("k1"));
        let client = fixture.register(&json!({ "kind": "receiver", "keys": signer.keys() }));
        let assertion = |jti: &str, seconds: i64| {
            let mut claims = fixture.assertion(&client);
            claims["jti"] = json!(jti);
            claims["exp"] = json!(fixture.now() + seconds);
            claims["aud"] = json!("https://muster.example");
            signer.sign(&claims)
        };
        let now = fixture.server.clock.now();
        let proofs: Vec<String> = (0..8).map(|number| assertion(&format!("proof {number}"), 300)).collect();
        // Each is shown to several servers at once; on SQLite, where there is only one, to one that knows nothing any more.
        let shown = |services: &[Services], proof: &str| {
            let form = ClientProof::Assertion(proof.to_owned(), None);
            let granted = |at: usize| grant(&services[at % services.len()], &form, None).is_ok();
            in_parallel(6, 6, granted).into_iter().filter(|granted| *granted).count()
        };
        let url = |mut services: Services| { services.public_url = "https://muster.example".to_owned(); services };
        let ours = url(services(&fixture.server));
        if database.backend() == Backend::Postgres {
            let others = [Server::start(database), Server::start(database)];
            let all: Vec<Services> = others.iter().map(|other| url(services(other))).chain([ours]).collect();
            for proof in &proofs {
                assert_eq!(shown(&all, proof), 1);
            }
        } else {
            for proof in &proofs {
                assert_eq!(shown(std::slice::from_ref(&ours), proof), 1);
            }
            drop((fixture, ours));
            let again = Server::start(database);
            for proof in &proofs {
                assert_eq!(shown(&[url(services(&again))], proof), 0, "a restart forgets nothing");
            }
            let kept = |seconds: i64| {
                let later = now.plus_micros(seconds * 1_000_000);
                again.live.forget_told((now, later), || true).unwrap();
                number(database, "SELECT count(*) FROM used_assertion")
            };
            assert_eq!((kept(600), kept(1_000)), (8, 0), "forgotten well after they have ended");
        }
    }

    fn an_assertion_that_is_forged_or_says_the_wrong_thing_grants_nothing(database: &Database) {
        let (fixture, signer) = (Fixture::new(database), Signer::new("k1"));
        let sensor = FarSide::start(|_| (200, "{}".to_owned()));
        let client = fixture.register(&json!({ "kind": "receiver", "keys": signer.keys() }));
        let other = fixture.register(&json!({ "kind": "receiver", "keys": Signer::new("k1").keys() }));
        let mut claims = fixture.assertion(&client);
        claims["jti"] = json!("never");
        for forged in signer.forgeries(&claims, &sensor.url) {
            let answer = fixture.assert(&forged);
            assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_client")), "{forged}");
        }
        let mut wrong = spoilt(&claims, fixture.now());
        let with = |name: &str, value: Value| { let mut claims = claims.clone(); claims[name] = value; claims };
        wrong.extend([
            with("sub", other["client_id"].clone()), with("iss", other["client_id"].clone()), with("jti", json!("")),
            with("jti", json!("x".repeat(300))), with("jti", json!(7)), with("exp", json!(fixture.now() + 3_600)),
            with("sub", json!("nobody")), with("aud", json!(sensor.url)),
        ]);
        let mut as_other = claims.clone();
        as_other["iss"] = other["client_id"].clone();
        as_other["sub"] = other["client_id"].clone();
        wrong.push(as_other);
        for claims in wrong {
            assert_eq!(fixture.assert(&signer.sign(&claims)).status, 401, "{claims}");
        }
        assert!(sensor.is_quiet(), "nothing in a token says where its key is");
        fixture.assert(&signer.sign(&claims)).expect(200);
    }

    fn keys_that_are_published_elsewhere_are_fetched_and_fetched_again_when_they_change(database: &Database) {
        let (fixture, signer) = (Fixture::new(database), Signer::new("k1"));
        let keys = signer.keys().to_string();
        let publisher = FarSide::start(move |_| (200, keys.clone()));
        let client = fixture.register(&json!({ "kind": "pep", "keys_url": format!("{}/keys", publisher.url) }));
        for jti in ["a", "b", "c"] {
            let mut claims = fixture.assertion(&client);
            claims["jti"] = json!(jti);
            fixture.assert(&signer.sign(&claims)).expect(200);
        }
        assert_eq!(publisher.next().path, "/keys");
        assert!(publisher.is_quiet(), "keys are kept");
        for body in [json!({ "kind": "pep", "keys_url": "http://10.0.0.1/keys" }), json!({ "kind": "pep", "keys_url": "file:///etc/passwd" })] {
            fixture.admin.post("/clients", &body).expect(400);
        }
        let silent = FarSide::start(|_| (500, String::new()));
        let client = fixture.register(&json!({ "kind": "pep", "keys_url": silent.url }));
        let mut claims = fixture.assertion(&client);
        claims["jti"] = json!("d");
        let answer = fixture.assert(&signer.sign(&claims)).expect(503);
        assert_eq!(answer.json()["error"], "temporarily_unavailable");
    }

    fn what_is_not_asked_for_as_it_should_be_is_refused_in_the_protocols_form(database: &Database) {
        let fixture = Fixture::new(database);
        let client = fixture.of_kind("scim");
        let (ours, grant) = (basic(&client), ("grant_type", "client_credentials"));
        let admin = json!({ "client_id": format!("{}.{}", fixture.organization.id, client["credential"].as_str().unwrap()),
            "client_secret": fixture.admin.token });
        let wrong = |secret: &str| basic(&json!({ "client_id": client["client_id"], "client_secret": secret }));
        for (authorization, form, status, error) in [
            (ours.as_str(), vec![], 400, "invalid_request"),
            (&ours, vec![("grant_type", "authorization_code")], 400, "unsupported_grant_type"),
            (&ours, vec![grant, grant], 400, "invalid_request"),
            (&ours, vec![grant, ("scope", "ssf.read")], 400, "invalid_scope"),
            (&ours, vec![grant, ("scope", "scim ")], 400, "invalid_scope"),
            (&ours, vec![grant, ("client_assertion_type", ASSERTION), ("client_assertion", "a.b.c")], 400, "invalid_request"),
            (&ours, vec![grant, ("client_id", "other")], 401, "invalid_client"),
            ("", vec![grant, ("client_id", client["client_id"].as_str().unwrap()), ("client_secret", client["client_secret"].as_str().unwrap())], 401, "invalid_client"),
            ("", vec![grant], 401, "invalid_client"),
            ("Basic !", vec![grant], 401, "invalid_client"),
            ("Bearer x", vec![grant], 401, "invalid_client"),
            (&basic(&admin), vec![grant], 401, "invalid_client"),
            (&wrong("muster_scim_AAAA"), vec![grant], 401, "invalid_client"),
            (&wrong(&fixture.organization.client.token), vec![grant], 401, "invalid_client"),
        ] {
            let answer = fixture.ask(authorization, &form);
            assert_eq!((answer.status, &answer.json()["error"]), (status, &json!(error)), "{form:?} {}", answer.text);
            assert_eq!(status == 401, !answer.header("WWW-Authenticate").is_empty());
        }
        let raw = Client { base: fixture.server.url.clone(), token: String::new() };
        raw.send("GET", "/oauth2/token", &[("Authorization", &ours)], None).expect(405);
        raw.send("POST", "/oauth2/other", &[("Authorization", &ours)], Some("")).expect(404);
        raw.send("POST", "/oauth2/token", &[("Authorization", &ours), ("Content-Type", "application/json")], Some("{}")).expect(400);
        raw.send("POST", "/oauth2/token", &[("Authorization", &ours), FORM], Some(&"a".repeat(70_000))).expect(413);
        for (body, about) in [
            (json!({ "kind": "admin" }), "clients are of kind"),
            (json!({ "kind": "scim" }), "connection"),
            (json!({ "kind": "pep", "keys": {} }), "Key Set"),
            (json!({ "kind": "pep", "keys": { "keys": [{ "kty": "oct", "k": "AAAA" }] } }), "must stay with its owner"),
            (json!({ "kind": "pep", "keys": { "keys": [] } }), "no key"),
            (json!({ "kind": "pep", "keys": { "keys": [] }, "keys_url": "https://example.com" }), "not both"),
            (json!({ "kind": "pep", "expires_in_days": 0 }), "expires_in_days"),
        ] {
            problem(&fixture.admin.post("/clients", &body), 400, about);
        }
    }

    fn the_metadata_says_where_and_how_tokens_are_granted(database: &Database) {
        let server = Server::start(database);
        let client = Client { base: server.url.clone(), token: String::new() };
        let metadata = client.get("/.well-known/oauth-authorization-server").expect(200).json();
        assert_eq!(metadata["issuer"], server.url);
        assert_eq!(metadata["token_endpoint"], format!("{}/oauth2/token", server.url));
        assert_eq!(metadata["jwks_uri"], format!("{}/.well-known/jwks.json", server.url));
        assert_eq!(metadata["token_endpoint_auth_methods_supported"], json!(["client_secret_basic", "private_key_jwt"]));
        assert_eq!(metadata["scopes_supported"], json!(["scim", "ssf.manage", "ssf.read", "access.evaluate"]));
        assert_eq!(metadata["response_types_supported"], json!([]));
    }

    fn clients_and_issuers_are_registered_at_the_command_line(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let registered = program.done(&["client", "register", "--kind", "scim"]);
        let (id, secret) = registered.trim().split_once('\n').unwrap();
        let raw = Client { base: server.base().to_owned(), token: String::new() };
        let authorization = basic(&json!({ "client_id": id, "client_secret": secret }));
        let granted = raw.send("POST", "/oauth2/token", &[FORM, ("Authorization", &authorization)], Some("grant_type=client_credentials"));
        let token = granted.expect(200).json()["access_token"].as_str().unwrap().to_owned();
        Client { base: server.base().to_owned(), token }.get("/scim/v2/Users").expect(200);
        std::fs::write(program.folder().join("keys.json"), Signer::new("k1").keys().to_string()).unwrap();
        let signs = program.done(&["client", "register", "--kind", "pep", "--keys", "keys.json"]);
        assert!(program.done(&["client", "list"]).contains(signs.trim()));
        let issuer = ["issuer", "register", "https://idp.example/", "--audience", "muster", "--claim", "tid=1", "--keys-url", "https://idp.example/keys"];
        let credential = program.done(&issuer);
        let listed = program.done(&["issuer", "list"]);
        assert!(listed.contains(credential.trim()) && listed.contains("tid=1") && listed.contains("https://idp.example/keys"), "{listed}");
        let again = program.run(&issuer);
        assert!(again.code == Some(1) && again.stderr.contains("already"), "{again:?}");
        program.done(&["token", "revoke", credential.trim()]);
        program.done(&issuer);
        assert_eq!(program.run(&["client", "register", "--kind", "pep", "--connection", "default"]).code, Some(2));
    }
}
