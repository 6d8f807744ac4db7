//! Nobody gains by a sibling path what nobody with the right gave: random walks of everybody who may not give access.
//!
//! 240 walks of four calls in all, 100,000 with `MUSTER_TEST_LONG`: a third on each database, a third on several servers. Each
//! prints what share of its calls was carried out, refused by right and not admitted. `MUSTER_TEST_SEED` repeats them.

mod attempt;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use muster::access::decide::{Rules, Who};
use muster::access::difference;
use muster::access::graph::Subject;
use muster::clock::Clock;
use muster::model::{CredentialKind, OrganizationId};
use serde_json::{Value, json};

use crate::administration::administrator;
use crate::console::{Browser, caller, invited, person, services};
use crate::support::{Dice, Server, is_long};

use stage::Stage;

/// What somebody may do: who, what, where.
type Rights = BTreeSet<(Subject, String, String)>;

/// Everything anybody may do in an organization.
fn rights(server: &Server, organization: OrganizationId) -> Rights {
    let now = server.clock.now();
    let all = |rules: &Rules<'_>| {
        let mut all = Rights::new();
        for (permission, _) in rules.graph.catalogue().permissions() {
            for scope in rules.graph.scopes() {
                let resource = difference::at(&scope.path);
                for subject_type in ["user", "service"] {
                    let who = Who { subject_type, permission: permission.as_str(), resource, circumstances: None };
                    let found = rules.subjects_who_may(&who, now, None, usize::MAX);
                    all.extend(found.into_iter().map(|who| (who, permission.to_string(), scope.path.to_string())));
                }
            }
        }
        all
    };
    server.judge(organization, all)
}

/// What came of all calls.
#[derive(Default)]
struct Answered(BTreeMap<u16, usize>);

impl Answered {
    fn note(&mut self, status: u16) {
        *self.0.entry(status).or_default() += 1;
    }

    /// Of a hundred calls, how many were answered like this.
    fn share(&self, like: fn(u16) -> bool) -> usize {
        let count = |like: fn(u16) -> bool| self.0.iter().filter(|(status, _)| like(**status)).map(|(_, n)| n).sum();
        let (these, all): (usize, usize) = (count(like), count(|_| true));
        these * 100 / all.max(1)
    }

    fn carried_out(&self) -> usize {
        self.share(|status| matches!(status, 200..=204 | 303))
    }

    fn refused_by_right(&self) -> usize {
        self.share(|status| status == 403)
    }

    fn not_admitted(&self) -> usize {
        self.share(|status| status == 401)
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (gone, unfitting) = (self.share(|status| status == 404), self.share(|s| matches!(s, 400 | 405..=422)));
        write!(
            f,
            "{} % carried out, {} % refused by right, {gone} % about what is not there for whoever asks, {unfitting} % \
             unfitting, {} % not admitted: {:?}",
            self.carried_out(),
            self.refused_by_right(),
            self.not_admitted(),
            self.0
        )
    }
}

/// Walks about one pair of organizations.
const WALKS_A_STAGE: usize = 100;

on_both_databases_and_several_servers! {
    fn no_walk_of_those_who_may_give_nothing_gives_anybody_more(database: &Database) {
        let server = Server::start(database);
        let walks: usize = if is_long() { 33_400 } else { 80 };
        let (mut dice, began) = (Dice::new(), Clock::monotonic());
        let (mut taken, mut answered) = (0_usize, Answered::default());
        for number in 0..walks.div_ceil(WALKS_A_STAGE) {
            let mut stage = Stage::new(&server, number);
            let known = rights(&server, stage.acme);
            assert!(known.iter().any(|(_, permission, _)| permission == "organization:manage-access"));
            // A connection gives what the mappings of its own groups give, to whom it likes: the viewers' permission.
            let given = |right: &(Subject, String, String)| right.1 == "build:view" || known.contains(right);
            for _ in 0..WALKS_A_STAGE.min(walks - taken) {
                let mut path_taken = Vec::new();
                for _ in 0..4 {
                    let walker = stage.walker(taken);
                    let attempt = attempt::any(&stage, walker, &mut dice);
                    let (status, text) = walker.send(&server, &attempt);
                    let (name, sent, of_here) = (walker.name, attempt.sent.text(), walker.is_of_here());
                    // A server that the machine has not let run for as long as a lease lasts says 503.
                    assert!(status < 500 || status == 503, "{name} {} {} {sent}: {text}", attempt.method, attempt.path);
                    answered.note(status);
                    stage.follow(of_here, &attempt, status, &text);
                    path_taken.push(format!("{} {} {sent} -> {status}", attempt.method, attempt.path));
                    let gained: Vec<_> = rights(&server, stage.acme).into_iter().filter(|right| !given(right)).collect();
                    assert!(gained.is_empty(), "{name} gave {gained:?} by\n{}", path_taken.join("\n"));
                }
                taken += 1;
            }
            if is_long() {
                println!("{taken} walks, {:?}", began.elapsed());
            }
        }
        println!("{taken} walks on {:?}, {} servers, {:?}: {answered}", database.backend(), database.servers(), began.elapsed());
        // Most steps are what somebody might really try: by a credential that is good there, about what is there.
        // Of these it is about a third each, and a tenth that is not admitted: no dice are that far from it.
        assert!(answered.carried_out() + answered.refused_by_right() >= 40 && answered.not_admitted() <= 30, "{answered}");
        assert!(answered.carried_out() >= 15 && answered.refused_by_right() >= 15, "{answered}");
    }

    // Whoever may keep people and not change access.
    fn who_keeps_people_lets_nobody_into_a_group_that_gives_something(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let (services, caller) = (services(&server), caller(acme.id));
        let permissions = ["organization:read", "organization:manage-people"].map(|name| name.parse().unwrap());
        services.administration(&caller).create_role(acme.id, &"people".parse().unwrap(), &permissions.into_iter().collect()).unwrap();
        let admin = administrator(&server, acme.id, CredentialKind::Admin);
        let call = |method: &str, path: &str, body: &Value| {
            let body = (!body.is_null()).then(|| body.to_string());
            admin.send(method, path, &[("Content-Type", "application/json")], body.as_deref())
        };
        let group = |name: &str| call("POST", "/groups", &json!({ "display_name": name })).expect(201).id();
        let (outer, inner, plain) = (group("outer"), group("inner"), group("plain"));
        call("PUT", &format!("/groups/{outer}/members/{inner}"), &Value::Null).expect(204);
        let (keeper, root) = (person(&server, acme.id, "keeper", "people"), person(&server, acme.id, "ruler", "admin"));
        let add = |browser: &Browser, group: &str, who: &str| {
            let page = format!("/o/acme/groups/{group}");
            browser.submit(&page, &format!("{page}/add"), &[("names", who)])
        };
        // Made by an administrator, and by the keeper while nothing was assigned to the group.
        let friend = invited(&server, &keeper, "friend@example.com", &[("groups", &inner)]);
        invited(&server, &root, "boss@example.com", &[("role", "admin"), ("scope", "/")]);
        let mapping = json!({ "principal": { "type": "group", "id": outer }, "role": "admin", "scope": "/",
            "from": "2999-01-01T00:00:00Z" });
        let later = call("POST", "/assignments", &mapping).expect(201).id();
        let before = rights(&server, acme.id);
        for at_last in [false, true] {
            for group in [&inner, &outer] {
                let refused = add(&keeper, group, "keeper");
                assert_eq!(refused.status, 422, "{}", refused.html);
                assert!(refused.html.contains("only who may change access lets people in"), "{}", refused.html);
                let page = "/o/acme/invitations/new";
                let asked = keeper.submit(page, "/o/acme/invitations", &[("address", "eve@example.com"), ("groups", group)]);
                assert!(!asked.html.contains("/join/"), "{}", asked.html);
            }
            // The link of a new letter would be shown to whoever sends it.
            let again = keeper.submit("/o/acme/invitations/new", "/o/acme/invitations", &[("address", "boss@example.com")]);
            assert!(!again.html.contains("/join/"), "{}", again.html);
            let listed = keeper.page("/o/acme/invitations");
            for form in listed.html.split('"').filter(|text| text.ends_with("/resend")) {
                let again = keeper.submit("/o/acme/invitations", form, &[]);
                assert!(again.status >= 400 && !again.html.contains("/join/"), "{form}: {}", again.html);
            }
            Browser::new(&server).get(&friend).expect(410);
            add(&keeper, &plain, "keeper").expect(303);
            assert_eq!(rights(&server, acme.id), before);
            if !at_last {
                call("DELETE", &format!("/assignments/{later}"), &Value::Null).expect(204);
                let now = json!({ "principal": { "type": "group", "id": outer }, "role": "deployer", "scope": "/" });
                call("POST", "/assignments", &now).expect(201);
            }
        }
        add(&root, &inner, "keeper").expect(303);
        assert_ne!(rights(&server, acme.id), before);
    }
}
