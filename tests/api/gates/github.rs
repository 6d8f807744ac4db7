//! GitHub asks by webhook and is told by a review.

use aws_lc_rs::hmac;
use base64::Engine as _;
use muster::model::limits;
use serde_json::{Value, json};

use super::Stage;
use crate::support::{Answer, Client, Database, Dice, FarSide, socket};

const SECRET: &str = "what GitHub signs with";
const CALLBACK: &str = "/repos/acme/Billing/actions/runs/7/deployment_protection_rule";

/// GitHub's API: tokens for the App, and reviews.
fn github() -> FarSide {
    FarSide::start(|seen| match seen.path.as_str() {
        "/app/installations/42/access_tokens" => (201, json!({ "token": "ghs_installation" }).to_string()),
        CALLBACK => (204, String::new()),
        _ => (404, "{}".to_owned()),
    })
}

/// A new key, as PEM.
pub fn private_key() -> String {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_der();
    let text = base64::engine::general_purpose::STANDARD.encode(key);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

/// The settings of `examples/github/muster.toml`, with this test's files and GitHub.
fn stage(database: &Database, github: &FarSide) -> Stage {
    Stage::set(database, |program, token| {
        let key = private_key();
        for (file, text) in [("pep.token", token), ("webhook.secret", SECRET), ("app.pem", key.as_str())] {
            std::fs::write(program.folder().join(file), text).unwrap();
        }
        let example = include_str!("../../../examples/github/muster.toml");
        let placed = example.replace("/etc/muster/", "").replace("https://github.example.com/api/v3", &github.url);
        placed.replace("10.0.0.0/8", "127.0.0.0/8")
    })
}

fn asks(github: &FarSide, login: &str) -> Value {
    json!({
        "action": "requested", "environment": "Production", "event": "push",
        "deployment_callback_url": format!("{}{CALLBACK}", github.url),
        "deployment": { "id": 1, "sha": "0f1e2d", "ref": "main", "creator": { "login": login } },
        "repository": { "id": 2, "name": "Billing", "full_name": "acme/Billing", "owner": { "login": "acme" } },
        "installation": { "id": 42 }, "sender": { "login": login, "type": "User" },
    })
}

fn signature(secret: &str, body: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body);
    tag.as_ref().iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

impl Stage {
    fn deliver_signed(&self, event: &str, signature: &str, body: &[u8]) -> Answer {
        let client = Client { base: self.server.base().to_owned(), token: String::new() };
        let headers = [
            ("Authorization", ""),
            ("Content-Type", "application/json"),
            ("X-GitHub-Event", event),
            ("X-Hub-Signature-256", signature),
        ];
        client.send_bytes("POST", "/webhooks/github/acme", &headers, Some(body))
    }

    fn deliver(&self, event: &str, body: &[u8]) -> Answer {
        self.deliver_signed(event, &signature(SECRET, body), body)
    }
}

on_both_databases! {
    fn github_is_told_whether_a_deployment_may_go_on(database: &Database) {
        let github = github();
        let stage = stage(database, &github);
        for (login, removed, state) in [("Ada", false, "approved"), ("bob", false, "rejected"), ("nobody", false, "rejected"), ("ada", true, "rejected")] {
            if removed {
                stage.remove_ada();
            }
            let body = asks(&github, login).to_string();
            let answer = stage.deliver("deployment_protection_rule", body.as_bytes()).expect(200);
            assert_eq!(answer.json(), json!({ "state": state }), "{login}");
            let token = github.next();
            assert_eq!((token.method.as_str(), token.path.as_str()), ("POST", "/app/installations/42/access_tokens"));
            assert_eq!(token.headers["authorization"].matches('.').count(), 2, "a JWT: {token:?}");
            assert!(token.body.contains("deployments"), "no more rights than are needed: {token:?}");
            let review = github.next();
            assert_eq!((review.path.as_str(), review.headers["authorization"].as_str()), (CALLBACK, "Bearer ghs_installation"));
            let told: Value = serde_json::from_str(&review.body).unwrap();
            assert_eq!((&told["state"], &told["environment_name"]), (&json!(state), &json!("Production")), "{told}");
            let comment = told["comment"].as_str().unwrap();
            assert!(comment.contains("deploy:run at /billing/production") && comment.contains("decision "), "{comment}");
        }
    }

    fn a_webhook_that_github_has_not_signed_is_not_read(database: &Database) {
        let github = github();
        let stage = stage(database, &github);
        let body = asks(&github, "ada").to_string();
        let good = signature(SECRET, body.as_bytes());
        let other = signature("another secret", body.as_bytes());
        let older = good.replace("sha256=", "sha1=");
        for wrong in [String::new(), "sha256=".to_owned(), "sha256=00".to_owned(), other, older, format!("{good}00"), "sha256=zz".to_owned()] {
            for body in [body.as_bytes(), b"not JSON", b""] {
                stage.deliver_signed("deployment_protection_rule", &wrong, body).expect(401);
            }
        }
        let changed = body.replace("\"bob\"", "\"ada\"").replace("main", "evil");
        stage.deliver_signed("deployment_protection_rule", &good, changed.as_bytes()).expect(401);
        assert!(github.is_quiet());
        stage.deliver_signed("deployment_protection_rule", &good, body.as_bytes()).expect(200);
    }

    fn a_malformed_webhook_is_refused_and_never_a_fault(database: &Database) {
        let github = github();
        let stage = stage(database, &github);
        let good = asks(&github, "ada");
        let mut bodies: Vec<Vec<u8>> = ["", "{", "[]", "null", "{}", "\u{feff}{}", "{\"action\":1}"].iter().map(|text| text.as_bytes().to_vec()).collect();
        bodies.push(vec![0xff, 0xfe, 0x00]);
        bodies.push("[".repeat(100_000).into_bytes());
        for member in good.as_object().unwrap().keys().filter(|name| !["event", "deployment"].contains(&name.as_str())) {
            for wrong in [Value::Null, json!(7), json!([]), json!({ "login": [] })] {
                let mut body = good.clone();
                body[member] = wrong;
                bodies.push(body.to_string().into_bytes());
            }
        }
        for address in ["https://evil.example/repos/a/b/actions/runs/1/deployment_protection_rule", "file:///etc/passwd", "", "x"] {
            let mut body = good.clone();
            body["deployment_callback_url"] = json!(address);
            bodies.push(body.to_string().into_bytes());
        }
        for body in &bodies {
            let answer = stage.deliver("deployment_protection_rule", body);
            assert_eq!(answer.status, 400, "{}: {}", String::from_utf8_lossy(&body[..body.len().min(300)]), answer.text);
        }
        // Any byte changed, and signed all the same.
        let mut dice = Dice::new();
        for _ in 0..200 {
            let mut body = good.to_string().into_bytes();
            let at = dice.below(body.len());
            body[at] = u8::try_from(dice.below(256)).unwrap();
            let status = stage.deliver("deployment_protection_rule", &body).status;
            // 502: where the change leads elsewhere at GitHub, which does not know it.
            assert!([200, 400, 502].contains(&status), "{status}: {}", String::from_utf8_lossy(&body));
        }
    }

    fn what_is_no_question_is_taken_and_nothing_is_told(database: &Database) {
        let github = github();
        let stage = stage(database, &github);
        stage.deliver("ping", b"{\"zen\":\"Design for failure.\"}").expect(200);
        stage.deliver("push", b"{}").expect(200);
        let mut body = asks(&github, "ada");
        body["action"] = json!("somethingNew");
        stage.deliver("deployment_protection_rule", body.to_string().as_bytes()).expect(200);
        let client = Client { base: stage.server.base().to_owned(), token: String::new() };
        client.post("/webhooks/github/unknown", &json!({})).expect(404);
        client.post("/webhooks/else", &json!({})).expect(404);
        client.get("/webhooks/github/acme").expect(405);
        let large = vec![b' '; limits::WEBHOOK_BYTES + 1];
        stage.deliver("push", &large).expect(413);
        assert!(github.is_quiet());
    }

    fn a_rule_whose_token_was_revoked_approves_nothing_any_more(database: &Database) {
        let github = github();
        let stage = stage(database, &github);
        let body = asks(&github, "ada").to_string();
        stage.deliver("deployment_protection_rule", body.as_bytes()).expect(200);
        github.next();
        github.next();
        stage.program.done(&["token", "revoke", "--org", "acme", &stage.token]);
        stage.deliver("deployment_protection_rule", body.as_bytes()).expect(503);
        assert!(github.is_quiet(), "it goes on waiting");
    }
}

#[test]
fn a_server_without_rules_has_no_webhooks() {
    let server = crate::support::Server::start(&Database::fresh(crate::support::Backend::Sqlite));
    let request = b"POST /webhooks/github/acme HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(socket::statuses(&socket::exchange(&server, request)), [404]);
}
