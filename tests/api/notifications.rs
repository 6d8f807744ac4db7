//! What administrators are told: once when it begins, once when it is over, what they chose, and never who is gone.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster::clock::Clock;
use muster::model::{CredentialKind, Destinations, OrganizationId, ResourceId};
use muster::service::{leavers::watch, notifications};
use serde_json::{Value, json};

use super::administration::{administrator, problem};
use super::brakes::{self, arrive, leave};
use super::console::{joined, link, recovery_administrator, services};
use super::leavers::{HOUR, Stage, active};
use crate::support::rows::number;
use crate::support::{ACCEPTED, Client, Listener, MailServer, Program, Received, Server, user};

const DAY: i64 = 24 * HOUR;
const BROKEN: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn look(server: &Server) {
    notifications::look(&services(server), || true).unwrap();
}

/// Somebody who signs in with this address, as `admin` at `/`, invited by mail.
fn administering(server: &Server, mail: &MailServer, organization: OrganizationId, address: &str) {
    let browser = recovery_administrator(server, organization);
    let fields = [("role", "admin"), ("scope", "/"), ("address", address)];
    browser.submit("/o/acme/invitations/new", "/o/acme/invitations", &fields).expect(200);
    let path = link(server, &mail.next());
    joined(server, &path, "Somebody");
}

fn subscribe(admin: &Client, address: &str, kinds: &Value) -> String {
    admin.post("/notifications", &json!({ "email": address, "kinds": kinds })).expect(201).id()
}

/// The kinds of what stands.
fn standing(admin: &Client) -> Vec<String> {
    let items = admin.get("/notices").expect(200).json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
}

/// Waits until nothing waits for a subscriber any more.
fn settle(server: &Server, organization: OrganizationId, id: &str) {
    let id: ResourceId = id.parse().unwrap();
    let waiting = || {
        let read = |tx: &mut muster::db::Tx<'_>| muster::db::notifications::waiting(tx, organization, id, 1);
        server.database.read(read).unwrap().len()
    };
    while waiting() > 0 {
        std::thread::yield_now();
    }
}

/// Whether a webhook is signed with this key (Standard Webhooks 1.0).
fn is_signed(received: &Received, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let (id, at) = (received.header("webhook-id"), received.header("webhook-timestamp"));
    let signed = format!("{id}.{at}.{}", received.body);
    let tag = STANDARD.decode(received.header("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes(), &tag).is_ok()
}

on_both_databases! {
    fn an_administrator_is_told_once_when_a_brake_fires_and_once_when_it_is_over(database: &Database) {
        let mail = MailServer::start();
        let server = Server::start_mailing(database, Clock::system(), &mail.url);
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        administering(&server, &mail, made.id, "Ana@example.com");
        administering(&server, &mail, made.id, "ben@example.com");
        let id = subscribe(&admin, "ana@example.com", &json!(["brake-fired"]));
        subscribe(&admin, "ben@example.com", &json!(["gate-below-minimum"]));
        let crew = arrive(&made.client);
        brakes::set(&admin);
        leave(&made.client, &crew);
        brakes::look(&server);
        look(&server);
        look(&server);
        let told = mail.next();
        assert!(told.contains("To: Ana@example.com\r\n") && told.contains("Subject: Muster, acme: something to look at"), "{told}");
        assert!(told.contains("60 of 62 people have left over the connection `first` at once"), "{told}");
        assert!(!told.contains("crew1"), "people are named by id only: {told}");
        assert_eq!(standing(&admin)[0], "brake-fired");
        let quarantine = brakes::quarantines(&admin)[0]["id"].as_str().unwrap().to_owned();
        admin.post(&format!("/quarantines/{quarantine}/release"), &json!({})).expect(200);
        look(&server);
        look(&server);
        let over = mail.next();
        assert!(over.contains("* Over: 60 of 62 people have left"), "{over}");
        settle(&server, made.id, &id);
        assert_eq!(mail.rest(), 0, "once each, and nothing of what nobody chose");
        assert!(!standing(&admin).contains(&"brake-fired".to_owned()));
    }

    fn whoever_is_gone_or_administers_nothing_any_more_gets_no_mail(database: &Database) {
        let mail = MailServer::start();
        let server = Server::start_mailing(database, Clock::system(), &mail.url);
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        for address in ["gone@example.com", "demoted@example.com", "suspended@example.com", "stays@example.com"] {
            administering(&server, &mail, made.id, address);
        }
        let every = json!(["brake-fired", "leaver-found"]);
        let subscribed = |address: &str| subscribe(&admin, address, &every);
        let left: Vec<String> = ["gone@example.com", "demoted@example.com", "suspended@example.com"].into_iter().map(subscribed).collect();
        let stays = subscribed("stays@example.com");
        let id = |name: &str| made.client.filter("/Users", &format!("userName eq \"{name}\"")).expect(200).json()["Resources"][0]["id"].as_str().unwrap().to_owned();
        let (gone, demoted, suspended) = (id("gone@example.com"), id("demoted@example.com"), id("suspended@example.com"));
        made.client.delete(&format!("/Users/{gone}")).expect(204);
        admin.put(&format!("/users/{suspended}/suspension"), &json!({})).expect(200);
        for shown in server.administration().assignments(made.id).unwrap() {
            if shown.assignment.principal.id().to_string() == demoted {
                server.administration().end_assignment(made.id, shown.assignment.id, None).unwrap();
            }
        }
        for subscription in left.iter().chain([&stays]) {
            admin.post(&format!("/notifications/{subscription}/test"), &json!({})).expect(204);
        }
        let told = mail.next();
        assert!(told.contains("To: stays@example.com\r\n") && told.contains("This is a test"), "{told}");
        for subscription in &left {
            settle(&server, made.id, subscription);
        }
        assert_eq!(mail.rest(), 0);
    }

    fn a_webhook_is_signed_and_sent_again_under_its_id_until_it_is_taken(database: &Database) {
        let server = Server::start(database);
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        let listener = Listener::start();
        listener.answer(BROKEN);
        let created = admin.post("/notifications", &json!({ "url": listener.url })).expect(201).json();
        let (id, secret) = (created["id"].as_str().unwrap(), created["secret"].as_str().unwrap());
        assert_eq!(created["kinds"].as_array().unwrap().len(), 7, "everything unless said otherwise");
        admin.post(&format!("/notifications/{id}/test"), &json!({})).expect(204);
        let first = listener.next();
        assert!(is_signed(&first, secret));
        let body: Value = serde_json::from_str(&first.body).unwrap();
        assert_eq!((&body["type"], &body["data"]["organization"]), (&json!("notice.test"), &json!("acme")));
        let problem = || admin.get(&format!("/notifications/{id}")).expect(200).json();
        while problem()["last_error"] != "it answered 500" {
            std::thread::yield_now();
        }
        assert!(problem().get("secret").is_none());
        listener.answer(ACCEPTED);
        let again = listener.next();
        assert!(is_signed(&again, secret) && again.header("webhook-id") == first.header("webhook-id"));
        settle(&server, made.id, id);
        while !problem()["last_error"].is_null() {
            std::thread::yield_now();
        }
        admin.delete(&format!("/notifications/{id}")).expect(204);
        admin.get(&format!("/notifications/{id}")).expect(404);
    }

    fn mail_and_webhooks_tell_the_same_of_every_kind(database: &Database) {
        let mail = MailServer::start();
        let server = Server::start_mailing(database, Clock::manual(Clock::system().now()), &mail.url);
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        administering(&server, &mail, made.id, "ana@example.com");
        let hook = Listener::start();
        let kinds = json!(["leaver-not-confirmed", "receiver-failing", "connection-failing", "brake-fired", "token-expiring"]);
        admin.post("/notifications", &json!({ "url": hook.url, "kinds": kinds })).expect(201);
        subscribe(&admin, "ana@example.com", &kinds);
        let (deaf, picky) = (Listener::start(), Listener::start());
        deaf.answer(BROKEN);
        picky.answer("HTTP/1.1 400 Bad Request\r\nContent-Length: 26\r\n\r\n{\"err\":\"invalid_audience\"}");
        let ids: Vec<String> = [("deaf", &deaf), ("picky", &picky)].into_iter().map(|(name, listener)|
            admin.post("/receivers", &json!({ "name": name, "method": "push", "url": listener.url, "events": ["session-revoked"] })).expect(201).id()).collect();
        let crew = arrive(&made.client);
        brakes::set(&admin);
        leave(&made.client, &crew);
        brakes::look(&server);
        let problem = |id: &str| admin.get(&format!("/receivers/{id}")).expect(200).json()["last_error"].clone();
        while problem(&ids[0]).is_null() {
            std::thread::yield_now();
        }
        picky.next();
        made.client.post("/Users", &json!({ "schemas": [] })).expect(400);
        server.clock.advance(HOUR);
        made.client.post("/Users", &json!({ "schemas": [] })).expect(400);
        let expected = [
            "The receiver `deaf` has not confirmed that people are gone",
            "The receiver `deaf` could not be told anything since",
            "The receiver `picky` has refused the signal",
            "Requests of the connection `first` have been refused since",
            "people have left over the connection `first` at once",
            "The credential ",
        ];
        let (mut by_hook, mut by_mail) = (String::new(), String::new());
        let misses = |said: &str| expected.iter().any(|sentence| !said.contains(sentence));
        while misses(&by_hook) {
            look(&server);
            let received = hook.next();
            let body: Value = serde_json::from_str(&received.body).unwrap();
            assert_eq!(body["type"], "notice.began");
            assert!(kinds.as_array().unwrap().contains(&body["data"]["kind"]), "{body}");
            by_hook.push_str(body["data"]["text"].as_str().unwrap());
        }
        while misses(&by_mail) {
            let told = mail.next();
            assert!(told.contains("To: ana@example.com\r\n"), "{told}");
            by_mail.push_str(&told.replace("\r\n", " "));
        }
        assert!(!by_mail.contains("crew1") && !by_hook.contains("crew1"), "people are named by id only");
        // It is over when the receiver takes what it is told, and when it is a day ago that it refused something.
        deaf.answer(ACCEPTED);
        picky.answer(ACCEPTED);
        let on_its_way = || number(database, "SELECT count(*) FROM signal WHERE finished_at IS NULL") > 0;
        while on_its_way() || ids.iter().any(|id| !problem(id).is_null()) {
            server.clock.advance(HOUR / 3_600);
        }
        server.clock.advance(25 * HOUR);
        look(&server);
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        assert!(!standing(&admin).contains(&"receiver-failing".to_owned()));
    }

    fn each_kind_of_notice_begins_and_ends_with_its_cause(database: &Database) {
        let server = Server::start_at(database, 0, Clock::manual(Clock::system().now()));
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let stage = Stage::set(&server, "acme", None);
        let listener = Listener::start();
        stage.admin.post("/notifications", &json!({ "url": listener.url })).expect(201);
        let notices = || { look(&server); standing(&stage.admin) };
        let closed = vec!["gate-below-minimum".to_owned(), "gate-below-minimum".to_owned()];
        let mut seen = notices();
        seen.retain(|kind| kind != "token-expiring");
        assert_eq!(seen, closed[..1], "nobody can approve at production");
        // A gate: Ada alone can deploy, and is gone.
        let deaf = Listener::start();
        deaf.answer(BROKEN);
        stage.admin.post("/receivers", &json!({ "name": "deaf", "method": "push", "url": deaf.url })).expect(201);
        let path = format!("/Users/{}", stage.ada);
        stage.client.patch(&path, &active(false)).expect(200);
        let mut seen = notices();
        seen.retain(|kind| kind != "token-expiring");
        assert_eq!(seen, closed);
        server.clock.advance(HOUR);
        assert!(notices().contains(&"leaver-not-confirmed".to_owned()));
        stage.client.patch(&path, &active(true)).expect(200);
        watch::look_daily(&server.live, &server.clock, || true).unwrap();
        assert!(notices().contains(&"leaver-found".to_owned()));
        let finding = stage.admin.get("/findings").expect(200).json()["items"][0]["id"].as_str().unwrap().to_owned();
        stage.admin.post(&format!("/findings/{finding}/acknowledge"), &json!({})).expect(200);
        deaf.answer(ACCEPTED);
        server.clock.advance(HOUR);
        while standing(&stage.admin).contains(&"leaver-not-confirmed".to_owned()) {
            server.clock.advance(HOUR / 60);
            look(&server);
        }
        assert!(!notices().contains(&"leaver-found".to_owned()));
        // A connection whose requests are refused.
        stage.client.post("/Users", &json!({ "schemas": [] })).expect(400);
        assert!(notices().contains(&"connection-failing".to_owned()));
        stage.client.post("/Users", &user("new")).expect(201);
        assert!(!notices().contains(&"connection-failing".to_owned()));
        // A credential that expires a fortnight from now, and is replaced.
        let expiring = |of: &Client| of.get("/notices").expect(200).json()["items"].as_array().unwrap().iter()
            .filter(|item| item["kind"] == "token-expiring").map(|item| item["cause"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        server.clock.advance(30 * DAY);
        let admin = administrator(&server, stage.organization, CredentialKind::Admin);
        look(&server);
        let soon = server.administration().tokens(stage.organization).unwrap();
        let fresh = soon.iter().map(|stored| &stored.credential).max_by_key(|one| one.expires_at).unwrap().id.to_string();
        assert!(!expiring(&admin).contains(&fresh), "good for 70 days");
        let ours = soon.iter().map(|stored| &stored.credential).find(|one| expiring(&admin).contains(&one.id.to_string())).unwrap().id;
        server.administration().revoke_token(stage.organization, ours).unwrap();
        look(&server);
        assert!(!expiring(&admin).contains(&ours.to_string()));
    }

    fn what_cannot_be_subscribed_to_is_refused(database: &Database) {
        let mail = MailServer::start();
        let server = Server::start_mailing(database, Clock::system(), &mail.url);
        let made = server.organization("acme");
        let admin = administrator(&server, made.id, CredentialKind::Admin);
        administering(&server, &mail, made.id, "ana@example.com");
        let other = server.organization("other");
        let stranger = administrator(&server, other.id, CredentialKind::Admin);
        let refused = |body: &Value, status: u16, about: &str| problem(&admin.post("/notifications", body), status, about);
        refused(&json!({}), 400, "either `email` or `url`");
        refused(&json!({ "email": "ana@example.com", "url": "https://ci.example.com/" }), 400, "either");
        refused(&json!({ "email": "nobody@example.com" }), 404, "nobody of the organization");
        refused(&json!({ "email": "not an address" }), 400, "email");
        refused(&json!({ "email": "ana@example.com", "kinds": ["brakes"] }), 400, "`brakes`");
        refused(&json!({ "email": "ana@example.com", "kinds": [] }), 400, "at least one");
        refused(&json!({ "url": "http://127.0.0.1:1/" }), 400, "public internet");
        problem(&stranger.post("/notifications", &json!({ "email": "ana@example.com" })), 404, "nobody of the organization");
        let id = subscribe(&admin, "ANA@example.com", &json!(["brake-fired"]));
        refused(&json!({ "email": "ana@example.com" }), 409, "told already");
        problem(&stranger.get(&format!("/notifications/{id}")), 404, "no such subscription");
        problem(&stranger.delete(&format!("/notifications/{id}")), 404, "no such subscription");
        let patch = |body: &Value| admin.send("PATCH", &format!("/notifications/{id}"), &[], Some(&body.to_string()));
        patch(&json!({ "kinds": [] })).expect(400);
        assert_eq!(patch(&json!({ "kinds": ["leaver-found"] })).expect(200).json()["kinds"], json!(["leaver-found"]));
    }

    fn who_is_told_is_said_on_the_command_line(database: &Database) {
        let program = Program::on(database);
        program.serve(&[]).first_lines();
        let added = program.done(&["notification", "add", "--webhook", "https://chat.example.com/hook", "--of", "brake-fired"]);
        let (id, secret) = added.trim().split_once('\n').unwrap();
        assert!(secret.starts_with("whsec_"), "{added}");
        program.done(&["notification", "set", id, "--of", "leaver-found", "--of", "token-expiring"]);
        let list = program.done(&["notification", "list"]);
        assert!(list.contains("https://chat.example.com/hook") && list.contains("leaver-found token-expiring"), "{list}");
        program.done(&["notification", "test", id]);
        program.done(&["notification", "remove", id]);
        assert!(!program.done(&["notification", "list"]).contains(id));
        assert_eq!(program.run(&["notification", "add"]).code, Some(2));
    }
}
