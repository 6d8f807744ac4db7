//! What those try who would be somebody else: steps out of order, addresses that are not theirs, names that break a line.

use muster::clock::Clock;
use muster::http::console::{Method, Needs, PAGES};
use muster::outbound::mail::Mail;
use serde_json::json;

use super::form::Form;
use super::{Browser, caller, inviting::joined, link, person, recovery_administrator, services};
use crate::support::rows::all_rows;
use crate::support::{MailServer, Server, user};

const SESSION: &str = "__Host-muster-session";
/// What a request says of where it came from, and what links must not follow.
const LIES: [(&str, &str); 8] = [
    ("Host", "evil.example"),
    ("X-Forwarded-Host", "evil.example"),
    ("X_Forwarded_Host", "evil.example"),
    ("X-Forwarded-Proto", "evil"),
    ("X-Forwarded-Prefix", "/evil.example"),
    ("X-Original-URL", "https://evil.example/"),
    ("Forwarded", "host=evil.example;proto=https"),
    ("X-Forwarded-Server", "evil.example"),
];

/// The path of the first link in a mail.
fn path_in(mail: &str, server: &Server, kind: &str) -> String {
    let start = format!("{}/{kind}/", server.url);
    let (_, rest) = mail.split_once(&start).unwrap_or_else(|| panic!("no link: {mail}"));
    format!("/{kind}/{}", rest.split_whitespace().next().unwrap())
}

on_both_databases! {
    fn steps_out_of_their_order_open_nothing(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let boss = recovery_administrator(&server, acme.id);
        let invited = boss.page("/o/acme/invitations/new").form("").with("addresses", "ana@example.com").send(&boss);
        let join = link(&server, &invited.form("/invitations").send(&boss).html);
        let sign_in = services(&server).recovery_link(&caller(acme.id)).unwrap();
        let sign_in = sign_in.strip_prefix(&server.url).unwrap();
        let other = Browser::new(&server);
        let others = other.page("/sign-in").token();
        let before = all_rows(database);
        for path in [join.as_str(), sign_in] {
            // Sent without having been looked at; with the mark of another browser; with one that is made up.
            for token in ["", others.as_str(), &boss.page("/o/acme").token()] {
                let fresh = Browser::new(&server);
                fresh.post(path, &[("token", token)]).expect(403).assert_well_made();
                assert_eq!(fresh.cookie(SESSION), None);
            }
            // Looked at by another browser only: programs that scan mail send no forms.
            let scanner = Browser::new(&server);
            for method in ["GET", "HEAD"] {
                scanner.send(method, path, &[], None).expect(200);
            }
            assert_eq!(scanner.cookie(SESSION), None);
        }
        // What a preview has to be seen of is not done without it.
        let token = boss.page("/o/acme").token();
        let cedar = "@id(\"a\")\n@reason(\"b\")\n@control(\"c\")\nforbid (principal, action, resource);";
        for (path, fields) in [
            ("/o/acme/mappings", vec![("kind", "user"), ("name", "x"), ("role", "admin"), ("scope", "/")]),
            ("/o/acme/guardrails", vec![("text", cedar)]),
            ("/o/acme/roles/mine", vec![("permission", "deploy:run")]),
        ] {
            let sent = fields.into_iter().fold(Form::made_up(path, &token), |form, (name, value)| form.with(name, value));
            assert!(sent.send(&boss).status != 303, "{path}");
        }
        assert_eq!(all_rows(database), before, "nothing was made");
        // In order, both open once.
        joined(&server, &join, "Ana");
        let page = other.page(sign_in);
        assert_eq!(page.form(sign_in).send(&other).location(), "/o/acme");
    }

    fn links_bear_the_configured_origin_and_mail_one_recipient_whatever_is_said(database: &Database) {
        let mail = MailServer::start();
        let server = Server::start_mailing(database, Clock::system(), &mail.url);
        let acme = server.organization("acme");
        let boss = recovery_administrator(&server, acme.id);
        for wrong in ["a\r\nBcc: x@evil.example", "a\nb", "a\u{0}b", "a\rb"] {
            let rename = boss.page("/o/acme/settings").form("/settings/name").with("name", wrong);
            assert!(matches!(rename.send(&boss).status, 400 | 422), "{wrong:?}");
            let token = boss.page("/o/acme").token();
            let group = Form::made_up("/o/acme/groups", &token).with("name", wrong);
            let sent = group.send(&boss);
            assert!(matches!(sent.status, 303 | 400 | 422), "{wrong:?}: {}", sent.text());
        }
        for sender in ["Muster\r\nBcc: x <m@example.com>", "a\nb <m@example.com>", "a <m@example.com>\r\nX: y"] {
            assert!(Mail::start(&mail.url, sender, services(&server)).is_err(), "{sender:?}");
        }
        let name = "\"><script>alert(1)</script> \u{202e}Acme";
        let rename = boss.page("/o/acme/settings").form("/settings/name").with("name", name);
        rename.send(&boss).expect(303);
        for (number, lie) in LIES.into_iter().enumerate() {
            let address = format!("ana{number}@example.com");
            let token = boss.page("/o/acme/invitations/new").token();
            let body = super::browser::form(&[("token", &token), ("address", &address)]);
            let headers = [("Origin", server.url.as_str()), ("Sec-Fetch-Site", "same-origin"), lie];
            boss.send("POST", "/o/acme/invitations", &headers, Some(&body)).expect(200);
            let text = mail.next();
            assert!(!text.contains("evil.example") && !text.contains("evil:"), "{lie:?}: {text}");
            assert_eq!(text.matches("To:").count(), 1, "{text}");
            assert!(!text.contains("Bcc:") && !text.contains("text/html"), "{text}");
            let path = path_in(&text, &server, "join");
            let guest = Browser::new(&server);
            let shown = guest.send("GET", &path, &[lie], None).expect(200);
            assert!(!shown.html.contains("evil.example") && !shown.html.contains("<script>alert"), "{lie:?}");
        }
        assert_eq!(mail.rest(), 0);
    }

    fn a_connection_never_moves_the_mail_that_signs_somebody_in(database: &Database) {
        let mail = MailServer::start();
        let server = Server::start_mailing(database, Clock::system(), &mail.url);
        let acme = server.organization("acme");
        let boss = recovery_administrator(&server, acme.id);
        let invite = boss.page("/o/acme/invitations/new").form("").with("addresses", "ana@example.com").send(&boss);
        invite.form("/invitations").send(&boss).expect(200);
        joined(&server, &path_in(&mail.next(), &server, "join"), "Ana");
        // A connection, or whoever has stolen its token, takes the person over and writes every address there is.
        let id = super::people::id_of(&server, acme.id, "ana@example.com");
        let evil = json!([{ "value": "mallory@evil.example", "type": "work", "primary": true }]);
        let patch = json!([
            { "op": "replace", "path": "emails", "value": evil },
            { "op": "replace", "path": "userName", "value": "mallory@evil.example" },
        ]);
        acme.client.patch(&format!("/Users/{id}"), &patch).expect(200);
        let ask = |address: &str| {
            let browser = Browser::new(&server);
            let form = browser.page("/sign-in").form("/sign-in").with("email", address);
            assert_eq!(form.send(&browser).location(), "/sign-in/sent");
            browser
        };
        ask("mallory@evil.example");
        let ana = ask("ana@example.com");
        let text = mail.next();
        assert!(text.contains("To: ana@example.com\r\n"), "{text}");
        let path = path_in(&text, &server, "link");
        // The link is of the browser that asked: whoever reads the mail elsewhere is not let in.
        let elsewhere = Browser::new(&server);
        let shown = elsewhere.get(&path);
        assert!(matches!(shown.status, 403 | 404 | 410), "{}", shown.text());
        assert_eq!(ana.page(&path).form(&path).send(&ana).location(), "/o/acme");
        assert_eq!(mail.rest(), 0, "nobody else was written to");
    }

    fn mail_goes_to_the_address_that_is_kept_however_it_was_asked_for(database: &Database) {
        let mail = MailServer::start();
        let server = Server::start_mailing(database, Clock::system(), &mail.url);
        let acme = server.organization("acme");
        let boss = recovery_administrator(&server, acme.id);
        let invite = boss.page("/o/acme/invitations/new").form("").with("addresses", "mike@example.com").send(&boss);
        invite.form("/invitations").send(&boss).expect(200);
        joined(&server, &path_in(&mail.next(), &server, "join"), "Mike");
        let ask = |address: &str| {
            let browser = Browser::new(&server);
            browser.page("/sign-in").form("/sign-in").with("email", address).send(&browser)
        };
        // Other spellings of the address find it, and the mail goes to the one that is kept.
        for spelt in ["MIKE@EXAMPLE.COM", "mike@ｅｘａｍｐｌｅ.com", "Mike@\u{212f}xample.com"] {
            assert_eq!(ask(spelt).location(), "/sign-in/sent", "{spelt}");
            let text = mail.next();
            assert!(text.contains("To: mike@example.com\r\n") && text.matches("To:").count() == 1, "{spelt}: {text}");
        }
        // Addresses that only look like it are nobody's, and are written to by nobody.
        for spelt in ["mıke@example.com", "mike@exampIe.com", "mike@examp\u{430}le.com", "mike@xn--example-.com", "mi\u{200b}ke@example.com", "ｍike@example.com"] {
            let asked = ask(spelt);
            assert!(matches!(asked.status, 303 | 422), "{spelt}: {}", asked.status);
        }
        assert_eq!(mail.rest(), 0);
    }

    fn a_field_of_one_value_is_never_read_from_several_or_from_another_form(database: &Database) {
        let mail = MailServer::start();
        let server = Server::start_mailing(database, Clock::system(), &mail.url);
        let acme = server.organization("acme");
        let boss = recovery_administrator(&server, acme.id);
        person(&server, acme.id, "ana@example.com", "");
        let browser = Browser::new(&server);
        let token = browser.page("/sign-in").token();
        let before = all_rows(database);
        let two = [("token", token.as_str()), ("email", "ana@example.com"), ("email", "mallory@evil.example")];
        browser.post("/sign-in", &two).expect(400).assert_well_made();
        for name in ["email[]", "email.0", "Email", "EMAIL"] {
            let sent = browser.post("/sign-in", &[("token", token.as_str()), (name, "mallory@evil.example")]);
            assert!(matches!(sent.status, 400 | 422), "{name}: {}", sent.status);
        }
        let ours = server.url.clone();
        let token = boss.page("/o/acme").token();
        for (path, needs) in PAGES.iter().copied().flatten().filter(|page| page.method == Method::Post).map(|page| (page.path, page.needs)) {
            let path = path.replace("{organization}", "acme").replace("{slug}", "acme");
            let path = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/");
            let headers = [("Origin", ours.as_str()), ("Content-Type", "application/json")];
            let body = json!({ "token": token, "name": ["x"], "email": ["a@b.c", "d@e.f"] }).to_string();
            let sent = boss.send("POST", &path, &headers, Some(&body));
            assert!(matches!(sent.status, 400 | 403 | 404 | 415), "{path} {needs:?}: {}", sent.status);
            let doubled = format!("token={token}&token={token}");
            let sent = boss.send("POST", &path, &[("Origin", &ours)], Some(&doubled));
            assert!(matches!(sent.status, 400 | 403 | 404), "{path}: {}", sent.status);
        }
        assert_eq!(all_rows(database), before);
        assert_eq!(mail.rest(), 0);
    }

    fn nobody_signed_in_sees_anything_of_anybody(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("canary-slug");
        let boss = recovery_administrator(&server, acme.id);
        let rename = boss.page("/o/canary-slug/settings").form("/settings/name").with("name", "Canary Limited");
        rename.send(&boss).expect(303);
        acme.client.post("/Users", &user("canary.person@example.com")).expect(201);
        let made = boss.page("/o/canary-slug/settings").form("/settings/tokens").send(&boss).expect(200);
        let secret = made.html.split('"').find(|text| text.starts_with("muster_pep_")).unwrap().to_owned();
        let canaries = ["anary", "muster_scim_", "muster_pep_", secret.as_str(), acme.client.token.as_str()];
        let doors = PAGES.iter().copied().flatten().filter(|page| page.method == Method::Get && page.needs == Needs::Nothing);
        let doors = doors.map(|page| page.path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/"));
        let others = ["/", "/o/x", "/nowhere", "/healthz", "/readyz", "/api/v1/users", "/api/v1/openapi.json", "/scim/v2/Users",
            "/scim/v2/ServiceProviderConfig", "/access/v1/evaluation", "/.well-known/authzen-configuration", "/.well-known/ssf-configuration",
            "/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/oauth2/token", "/ssf/streams", "/metrics"];
        for path in doors.chain(others.map(str::to_owned)) {
            for method in ["GET", "POST"] {
                let body = (method == "POST").then_some("x=y");
                let shown = Browser::new(&server).send(method, &path, &[], body);
                let headers = format!("{:?}", shown.headers);
                for canary in canaries {
                    assert!(!shown.html.contains(canary) && !headers.contains(canary), "{method} {path}: {canary}");
                }
            }
        }
    }
}
