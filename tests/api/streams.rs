//! What receivers ask for of their streams: whom they are told about, that they are told nothing any more, whose groups and
//! roles are others, and the resources themselves.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster::clock::Clock;
use muster::model::{CredentialKind, Destinations, Moment};
use muster::service::administration::{NewToken, receivers_by_state};
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::listening::{Listening, claims, fetch};
use crate::support::{ACCEPTED, Client, Listener, Received, Server, user};

const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
const SSF: &str = "https://schemas.openid.net/secevent/ssf/event-type/";
const SCIM: &str = "urn:ietf:params:scim:event:";

impl Listening {
    fn push(&self, listener: &Listener, events: &Value) -> String {
        let wanted = json!({ "name": "ci", "method": "push", "url": listener.url, "events": events });
        self.admin.post("/receivers", &wanted).expect(201).id()
    }

    fn person(&self, name: &str) -> String {
        self.organization.client.post("/Users", &user(name)).expect(201).id()
    }

    fn set_active(&self, id: &str, active: bool) {
        let operations = json!([{ "op": "replace", "path": "active", "value": active }]);
        self.organization.client.patch(&format!("/Users/{id}"), &operations).expect(200);
    }

    /// What arrives at a stream, waited for by the server.
    fn fetch_some(&self, stream: &str) -> Vec<Value> {
        loop {
            let found = fetch(&self.ssf, stream, &json!({}));
            if !found.is_empty() {
                return found;
            }
        }
    }

    fn choose(&self, verb: &str, stream: &str, subject: &Value) -> u16 {
        self.ssf.post(&format!("/subjects:{verb}"), &json!({ "stream_id": stream, "subject": subject })).status
    }
}

fn event(claims: &Value) -> (&str, &Value) {
    let (name, event) = claims["events"].as_object().unwrap().iter().next().unwrap();
    (name.as_str(), event)
}

fn about(all: &[Value]) -> Vec<String> {
    all.iter().map(|claims| claims["sub_id"]["email"].as_str().unwrap_or_default().to_owned()).collect()
}

fn next(listener: &Listener) -> Value {
    let Received { body, .. } = listener.next();
    claims(&body)
}

on_both_databases! {
    fn a_stream_is_about_everybody_but_those_removed(database: &Database) {
        let fixture = Listening::new(database);
        let configuration = Client { base: fixture.server.url.clone(), token: String::new() }
            .get("/.well-known/ssf-configuration").expect(200).json();
        assert_eq!(configuration["default_subjects"], "ALL");
        assert_eq!(configuration["add_subject_endpoint"], format!("{}/ssf/subjects:add", fixture.server.url));
        assert_eq!(configuration["remove_subject_endpoint"], format!("{}/ssf/subjects:remove", fixture.server.url));
        let revoked = format!("{CAEP}session-revoked");
        let (stream, other) = (fixture.stream(&[&revoked, &format!("{SCIM}feed:add"), &format!("{SCIM}feed:remove")]), fixture.stream(&[&revoked]));
        let (ann, bob) = (fixture.person("ann@example.com"), fixture.person("bob@example.com"));
        let named = json!({ "format": "scim", "uri": format!("/Users/{ann}") });
        assert_eq!(fixture.choose("remove", &stream, &named), 204);
        let told = fixture.fetch(&stream);
        assert_eq!((told.len(), event(&told[0])), (1, (&*format!("{SCIM}feed:remove"), &json!({}))));
        assert_eq!(told[0]["sub_id"], named);
        for id in [&ann, &bob] {
            fixture.set_active(id, false);
        }
        assert_eq!(about(&fixture.fetch(&stream)), ["bob@example.com"]);
        assert_eq!(about(&fixture.fetch(&other)), ["ann@example.com", "bob@example.com"], "another stream has its own");
        fixture.set_active(&ann, true);
        assert_eq!(fixture.choose("add", &stream, &json!({ "format": "opaque", "id": ann })), 200);
        assert_eq!(event(&fixture.fetch(&stream)[0]).0, format!("{SCIM}feed:add"));
        fixture.set_active(&ann, false);
        assert_eq!(about(&fixture.fetch(&stream)), ["ann@example.com"]);
    }

    fn a_stream_about_nobody_is_about_those_added(database: &Database) {
        let fixture = Listening::new(database);
        let listener = Listener::start();
        let made = fixture.admin.post("/receivers", &json!({ "name": "few", "method": "push", "url": listener.url,
            "events": ["session-revoked"], "subjects": "NONE" })).expect(201).json();
        assert_eq!(made["subjects"], "NONE");
        fixture.set_active(&fixture.person("ann@example.com"), false);
        fixture.admin.post(&format!("/receivers/{}/test", made["id"].as_str().unwrap()), &json!({})).expect(204);
        assert_eq!(event(&next(&listener)).0, format!("{SSF}verification"), "a stream is always about itself");
        assert!(listener.rest().is_empty());
    }

    fn what_is_no_subject_is_refused_and_who_is_not_known_is_not_told(database: &Database) {
        let fixture = Listening::new(database);
        let stream = fixture.stream(&[&format!("{CAEP}session-revoked")]);
        for unknown in [
            json!({ "format": "email", "email": "nobody@example.com" }),
            json!({ "format": "opaque", "id": "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a" }),
            json!({ "format": "opaque", "id": "../../etc" }),
            json!({ "format": "iss_sub", "iss": "https://elsewhere.example", "sub": "1" }),
            json!({ "format": "scim", "uri": "/Groups/1" }),
        ] {
            assert_eq!((fixture.choose("add", &stream, &unknown), fixture.choose("remove", &stream, &unknown)), (200, 204), "{unknown}");
        }
        for wrong in [json!(7), json!({}), json!({ "format": "email" }), json!({ "format": "phone_number", "phone_number": "+1" })] {
            assert_eq!(fixture.choose("add", &stream, &wrong), 400, "{wrong}");
        }
        let stranger = administrator(&fixture.server, fixture.organization.id, CredentialKind::Receiver).token;
        let stranger = Client { base: fixture.ssf.base.clone(), token: stranger };
        let body = json!({ "stream_id": stream, "subject": { "format": "email", "email": "ann@example.com" } });
        stranger.post("/subjects:add", &body).expect(404);
        stranger.send("GET", "/subjects:add", &[], None).expect(405);
    }

    fn a_receiver_is_told_before_it_is_told_nothing(database: &Database) {
        let (fixture, listener) = (Listening::new(database), Listener::start());
        let id = fixture.push(&listener, &json!(["session-revoked"]));
        let path = format!("/receivers/{id}");
        let status = |status: &str| fixture.admin.send("PATCH", &path, &[], Some(&json!({ "status": status }).to_string())).expect(200);
        status("paused");
        let told = next(&listener);
        assert_eq!(event(&told), (&*format!("{SSF}stream-updated"), &json!({ "status": "paused" })));
        assert_eq!(told["sub_id"], json!({ "format": "opaque", "id": id }));
        fixture.set_active(&fixture.person("ann@example.com"), false);
        status("enabled");
        // People do not wait for what is about the stream.
        let told = [next(&listener), next(&listener)];
        assert!(told.iter().any(|claims| event(claims).0 == format!("{CAEP}session-revoked")), "what happened is kept");
        assert!(told.iter().any(|claims| event(claims).1 == &json!({ "status": "enabled" })), "{told:?}");
        status("paused");
        next(&listener);
        fixture.set_active(&fixture.person("bob@example.com"), false);
        status("disabled");
        assert_eq!(event(&next(&listener)).1, &json!({ "status": "disabled" }));
        fixture.set_active(&fixture.person("cy@example.com"), false);
        status("enabled");
        assert_eq!(event(&next(&listener)).1, &json!({ "status": "enabled" }), "nothing is kept of what happened meanwhile");
        assert!(listener.rest().is_empty());
    }

    fn a_receiver_that_pauses_itself_is_not_told_so_and_one_that_fetches_is(database: &Database) {
        let fixture = Listening::new(database);
        let stream = fixture.stream(&[&format!("{CAEP}session-revoked")]);
        fixture.ssf.post("/status", &json!({ "stream_id": stream, "status": "paused" })).expect(200);
        assert_eq!(fixture.fetch(&stream), Vec::<Value>::new());
        fixture.ssf.post("/status", &json!({ "stream_id": stream, "status": "enabled" })).expect(200);
        assert_eq!(fixture.fetch(&stream), Vec::<Value>::new());
        fixture.admin.send("PATCH", &format!("/receivers/{stream}"), &[], Some(r#"{"status":"disabled"}"#)).expect(200);
        fixture.set_active(&fixture.person("ann@example.com"), false);
        let told = fixture.fetch(&stream);
        assert_eq!((told.len(), event(&told[0]).1), (1, &json!({ "status": "disabled" })));
        assert_eq!(fixture.fetch(&stream), Vec::<Value>::new());
    }

    fn whose_groups_and_roles_are_others_is_told_with_what_they_are_now(database: &Database) {
        let fixture = Listening::new(database);
        let changed = format!("{CAEP}token-claims-change");
        let (ann, bob) = (fixture.person("ann@example.com"), fixture.person("bob@example.com"));
        let client = &fixture.organization.client;
        let crew = client.create_group("crew", &[&ann, &bob]);
        let stream = fixture.stream(&[&changed]);
        // By membership, and of a group around it too.
        let outer = client.create_group("outer", &[&crew]);
        let told = fixture.fetch_some(&stream);
        assert_eq!(about(&told), ["ann@example.com", "bob@example.com"]);
        let (name, said) = event(&told[0]);
        assert_eq!((name, &said["claims"]), (&*changed, &json!({ "groups": ["crew", "outer"], "roles": [] })));
        assert!(said["event_timestamp"].is_i64() && !said["reason_admin"]["en"].as_str().unwrap().is_empty(), "{said}");
        assert_eq!(told[0]["txn"], told[1]["txn"], "one cause");
        // By mapping.
        fixture.admin.post("/scopes", &json!({ "path": "/billing" })).expect(201);
        let mapping = json!({ "role": "deployer", "scope": "/billing", "principal": { "type": "group", "id": outer } });
        let mapped = fixture.admin.post("/assignments", &mapping).expect(201).id();
        let told = fixture.fetch_some(&stream);
        assert_eq!(about(&told), ["ann@example.com", "bob@example.com"]);
        assert_eq!(event(&told[0]).1["claims"]["roles"], json!([{ "role": "deployer", "scope": "/billing" }]));
        client.patch(&format!("/Groups/{crew}"), &json!([{ "op": "remove", "path": format!("members[value eq \"{bob}\"]") }])).expect(200);
        let told = fixture.fetch_some(&stream);
        assert_eq!((about(&told), &event(&told[0]).1["claims"]), (vec!["bob@example.com".to_owned()], &json!({ "groups": [], "roles": [] })));
        // What changes nothing for anybody, and whoever is gone, is passed over.
        client.create_group("empty", &[]);
        fixture.set_active(&bob, false);
        fixture.admin.delete(&format!("/assignments/{mapped}")).expect(204);
        let told = fixture.fetch_some(&stream);
        assert_eq!((about(&told), &event(&told[0]).1["claims"]), (vec!["ann@example.com".to_owned()], &json!({ "groups": ["crew", "outer"], "roles": [] })));
    }

    fn resources_are_told_whole_to_whoever_asks_for_them(database: &Database) {
        let fixture = Listening::new(database);
        let stream = fixture.stream(&[&format!("{SCIM}prov:create:full"), &format!("{SCIM}prov:patch:full"), &format!("{SCIM}prov:put:full")]);
        let ann = fixture.person("ann@example.com");
        let told = fixture.fetch(&stream);
        let (name, said) = event(&told[0]);
        assert_eq!((name, &said["data"]["userName"], &said["data"]["id"]), (&*format!("{SCIM}prov:create:full"), &json!("ann@example.com"), &json!(ann)));
        assert!(said.get("attributes").is_none(), "one of the two and never both");
        let client = &fixture.organization.client;
        client.patch(&format!("/Users/{ann}"), &json!([{ "op": "replace", "path": "title", "value": "boss" }])).expect(200);
        assert_eq!(event(&fixture.fetch(&stream)[0]).1["data"]["title"], "boss");
        client.put(&format!("/Users/{ann}"), &user("ann2@example.com")).expect(200);
        let told = fixture.fetch(&stream);
        assert_eq!((event(&told[0]).0, &event(&told[0]).1["data"]["userName"]), (&*format!("{SCIM}prov:put:full"), &json!("ann2@example.com")));
    }

    fn what_the_watch_finds_of_a_leaver_is_told(database: &Database) {
        let fixture = Listening::new(database);
        let stream = fixture.stream(&["urn:muster:secevent:event-type:leaver-found"]);
        let ann = fixture.person("ann@example.com");
        fixture.set_active(&ann, false);
        fixture.set_active(&ann, true);
        fixture.admin.post("/findings/look", &json!({ "leavers": "all" })).expect(200);
        let told = fixture.fetch(&stream);
        let (_, said) = event(&told[0]);
        assert_eq!((about(&told), &said["finding"]["kind"]), (vec!["ann@example.com".to_owned()], &json!("reactivated")));
        fixture.admin.post("/findings/look", &json!({ "leavers": "all" })).expect(200);
        assert_eq!(fixture.fetch(&stream), Vec::<Value>::new(), "once");
    }

    fn a_key_that_is_replaced_while_signals_wait_signs_none_of_them(database: &Database) {
        let (fixture, listener) = (Listening::new(database), Listener::start());
        let id = fixture.push(&listener, &json!(["session-revoked"]));
        let status = |status: &str| fixture.admin.send("PATCH", &format!("/receivers/{id}"), &[], Some(&json!({ "status": status }).to_string())).expect(200);
        status("paused");
        next(&listener);
        fixture.set_active(&fixture.person("ann@example.com"), false);
        fixture.server.administration().rotate_signing_keys(true).unwrap();
        status("enabled");
        let public = Client { base: fixture.server.url.clone(), token: String::new() };
        let published = public.get("/.well-known/jwks.json").expect(200).json();
        let body = listener.next().body;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body.split('.').next().unwrap()).unwrap()).unwrap();
        assert!(published["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]), "{header}");
    }

    fn a_receiver_that_has_not_answered_for_a_day_is_paused_and_that_is_told(database: &Database) {
        let clock = Clock::manual(Moment::from_micros(1_800_000_000_000_000));
        let server = Server::start_at(database, 0, clock.clone());
        server.live.allow_destinations(Destinations::new(vec!["127.0.0.0/8".parse().unwrap()]));
        let organization = server.organization("acme");
        let wanted = NewToken { organization: organization.id, kind: CredentialKind::Admin, connection: None,
            valid_micros: 100 * 86_400_000_000 };
        let token = server.administration().issue_token(&wanted).unwrap().to_string();
        let admin = Client { base: format!("{}/api/v1", server.url), token };
        let listener = Listener::start();
        listener.answer("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let wanted = json!({ "name": "deaf", "method": "push", "url": listener.url, "events": ["session-revoked"] });
        let id = admin.post("/receivers", &wanted).expect(201).id();
        let person = organization.client.post("/Users", &user("ann@example.com")).expect(201).id();
        organization.client.patch(&format!("/Users/{person}"), &json!([{ "op": "replace", "path": "active", "value": false }])).expect(200);
        listener.next();
        let shown = || admin.get(&format!("/receivers/{id}")).expect(200).json();
        while shown()["failing_since"].is_null() {
            std::thread::yield_now();
        }
        let states = || receivers_by_state(&server.live).unwrap();
        assert_eq!(states(), [("enabled", 0), ("failing", 1), ("paused", 0), ("disabled", 0)]);
        clock.advance(25 * 3_600_000_000);
        while shown()["status"] != "paused" {
            std::thread::yield_now();
        }
        assert_eq!(states()[2], ("paused", 1));
        assert!(shown()["reason"].as_str().unwrap().contains("a day"), "{}", shown());
        let events = crate::events::of(&server, organization.id, &id);
        assert!(events.iter().any(|event| event.action == "receiver.paused"));
        listener.answer(ACCEPTED);
        admin.send("PATCH", &format!("/receivers/{id}"), &[], Some(r#"{"status":"enabled"}"#)).expect(200);
        let mut told = next(&listener);
        while told["events"].get(format!("{CAEP}session-revoked")).is_none() {
            told = next(&listener);
        }
        assert_eq!(told["sub_id"]["email"], "ann@example.com", "what happened is kept");
    }
}
